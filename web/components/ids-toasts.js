// Short notes at the foot of the page: what was just deleted, with a way back, and what could not be done.

import { announce, button, foreign, h, iconButton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { errorText, t } from "../lib/i18n.js";
import { removals } from "../lib/removals.js";

class IdsToasts extends IdsElement {
  #failures = [];

  connected() {
    this.dataset.retranslates = "";
    this.listen(removals, "change", ({ detail }) => {
      this.retranslate();
      if (detail.undone) announce(t("removals.kept", { title: detail.undone.title }));
      else if (removals.pending.some(({ id }) => id === detail.id)) announce(t("removals.announced"));
    });
    this.listen(removals, "failed", ({ detail }) => this.#fail(detail));
    this.listen(document, "ids:failed", ({ detail }) => this.#fail(detail));
  }

  retranslate() {
    const notes = [...removals.pending.map((removal) => this.#removal(removal)), ...this.#failures.map((it) => this.#failure(it))];
    this.replaceChildren(...(notes.length > 0 ? [h("section", { "aria-label": t("removals.region") }, notes)] : []));
  }

  #removal({ id, title, deadline }) {
    const left = Math.max(0, deadline - Date.now());
    const clock = h("span", { class: "clock", "aria-hidden": "true" });
    // Its length is the time that is left; the rest is the style sheet's.
    clock.style.animationDuration = `${left}ms`;
    const text = h("p", {}, t("removals.removed"), " ", foreign(title));
    return h("div", { class: "toast" }, text, button(t("removals.undo"), () => removals.undo(id), { className: "link" }), clock);
  }

  #fail({ title, error }) {
    const failure = { title, text: errorText(error) };
    this.#failures.push(failure);
    this.retranslate();
    announce(failure.text);
  }

  #failure(failure) {
    const close = iconButton(t("shell.close"), "close", () => {
      this.#failures = this.#failures.filter((it) => it !== failure);
      this.retranslate();
    });
    const title = failure.title ? [h("strong", {}, foreign(failure.title)), " "] : [];
    return h("div", { class: "toast danger" }, h("p", {}, ...title, failure.text), close);
  }
}

customElements.define("ids-toasts", IdsToasts);
