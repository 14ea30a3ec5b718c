// Short notes at the foot of the page: what was just deleted, with a way back, and what could not be done.

import { announce, button, foreign, h, iconButton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { rescueFocus } from "../lib/focus.js";
import { errorText, t } from "../lib/i18n.js";
import { removals } from "../lib/removals.js";

class IdsToasts extends IdsElement {
  #failures = [];
  /** What shows each removal and failure: a note that stays is not touched when another one comes or goes. */
  #notes = new Map();

  connected() {
    this.dataset.retranslates = "";
    this.listen(removals, "change", ({ detail }) => {
      this.#show();
      if (detail.undone) announce(t("removals.kept", { title: detail.undone.title }));
      else if (removals.pending.some(({ id }) => id === detail.id)) announce(t("removals.announced"));
    });
    this.listen(removals, "failed", ({ detail }) => this.#fail(detail));
    this.listen(document, "ids:failed", ({ detail }) => this.#fail(detail));
  }

  retranslate() {
    this.#notes.clear();
    this.#show();
  }

  #show() {
    const hadFocus = this.contains(document.activeElement);
    const about = [...removals.pending, ...this.#failures];
    this.#notes = new Map(about.map((it) => [it, this.#notes.get(it) ?? (it.path ? this.#removal(it) : this.#failure(it))]));
    let region = this.querySelector("section");
    if (about.length === 0) region?.remove();
    else if (!region) this.append((region = h("section")));
    const notes = [...this.#notes.values()];
    for (const note of [...(region?.children ?? [])]) if (!notes.includes(note)) note.remove();
    notes.forEach((note, index) => {
      if (region.children[index] !== note) region.insertBefore(note, region.children[index] ?? null);
    });
    region?.setAttribute("aria-label", t("removals.region"));
    if (!hadFocus || this.contains(document.activeElement)) return;
    this.querySelector("button")?.focus();
    // After the views have heard of it: what was brought back comes first.
    queueMicrotask(rescueFocus);
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
    this.#show();
    announce(failure.text);
  }

  #failure(failure) {
    const close = iconButton(t("shell.close"), "close", () => {
      this.#failures = this.#failures.filter((it) => it !== failure);
      this.#show();
    });
    const title = failure.title ? [h("strong", {}, foreign(failure.title)), " "] : [];
    return h("div", { class: "toast danger" }, h("p", {}, ...title, failure.text), close);
  }
}

customElements.define("ids-toasts", IdsToasts);
