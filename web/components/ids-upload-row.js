// One file on its way.

import { button, foreign, h, iconButton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { keepFocus } from "../lib/focus.js";
import { number, percent, size } from "../lib/format.js";
import { errorText, t } from "../lib/i18n.js";
import { pageLink } from "../lib/router.js";
import { uploads } from "../lib/uploads.js";

class IdsUploadRow extends IdsElement {
  #item = null;
  #shown = "";
  #bar = null;
  #words = null;

  connected() {
    this.#shown = "";
    if (this.#item) this.item = this.#item;
  }

  set item(item) {
    this.#item = item;
    // The row is made anew only when it is about something else; progress moves within it.
    const shape = [item.state, item.status?.status, item.status?.error?.error_code, item.error?.code, item.documentId, document.documentElement.lang].join();
    if (shape !== this.#shown) keepFocus(this, () => this.#build());
    this.#shown = shape;
    this.#move();
  }

  #build() {
    const item = this.#item;
    const name = item.status?.status === "completed" || item.status?.status === "embedding"
      ? h("a", { href: pageLink(item.documentId, 1), class: "name" }, foreign(item.name))
      : h("span", { class: "name" }, foreign(item.name));
    this.#words = h("p", { class: "words" });
    this.#bar = isMoving(item) ? h("progress", { max: "100", "aria-label": t("uploads.progress", { name: item.name }) }) : null;
    const actions = h("div", { class: "row-actions" }, this.#actions(item));
    this.replaceChildren(h("div", { class: "row" }, h("div", { class: "row-text" }, name, this.#words), actions), ...(this.#bar ? [this.#bar] : []));
    this.classList.toggle("bad", isBad(item));
    this.classList.toggle("done", item.status?.status === "completed");
  }

  #actions(item) {
    const about = { name: item.name };
    const actions = [];
    if (item.state === "interrupted") {
      actions.push(button(t("uploads.choose_again"), () => chooseOne((file) => uploads.resume(item.id, file)), { className: "link" }));
    }
    if (uploads.canOpen(item)) {
      actions.push(button(t("password.give"), async () => {
        const { askForPassword } = await import("./ids-password-dialog.js");
        askForPassword({ name: item.name, open: (password) => uploads.open(item.id, password) });
      }, { className: "link", "aria-label": t("password.give_for", about), "data-needs": "ingest", "data-focus": "password" }));
    }
    if (uploads.canRetry(item)) {
      actions.push(iconButton(t("uploads.retry", about), "retry", () => uploads.retry(item.id), { "data-needs": "ingest", "data-focus": "retry" }));
    }
    if (isMoving(item)) actions.push(iconButton(t("uploads.cancel", about), "close", () => uploads.cancel(item.id), { "data-focus": "close" }));
    else actions.push(iconButton(t("uploads.dismiss", about), "close", () => uploads.dismiss(item.id), { "data-focus": "close" }));
    return actions;
  }

  #move() {
    const item = this.#item;
    this.#words.replaceChildren(...words(item));
    if (!this.#bar) return;
    if (item.state === "waiting" || item.state === "held") this.#bar.value = 0;
    else if (item.state === "sending") this.#bar.value = item.size > 0 ? (item.sent / item.size) * 100 : 0;
    else this.#bar.value = item.status?.progress ?? 0;
  }
}

function isMoving({ state }) {
  return ["waiting", "sending", "held", "accepted"].includes(state);
}

/** Whether it needs somebody. */
export function isBad({ state, status }) {
  return state === "failed" || state === "interrupted" || status?.status === "failed";
}

function words(item) {
  const { state, status } = item;
  if (state === "waiting") return [uploads.restSeconds > 0 ? t("uploads.resting", { seconds: number(uploads.restSeconds) }) : t("uploads.waiting")];
  if (state === "sending") return [t("uploads.sending", { sent: size(item.sent), size: size(item.size) })];
  if (state === "held") return [t(item.error?.code === "UNAUTHENTICATED" ? "uploads.held_key" : "uploads.held")];
  if (state === "interrupted") return [t("uploads.interrupted")];
  if (state === "failed") return [errorText(item.error)];
  if (status.status === "failed") return [errorText(asError(status.error))];
  if (status.status === "duplicate") {
    return [t("uploads.duplicate"), " ", h("a", { href: pageLink(status.duplicate_of, 1) }, t("uploads.show_other"))];
  }
  if (state === "ended") return [t(`states.${status.status}`)];
  const step = t(`states.${status.status}`);
  return [status.progress > 0 ? `${step} · ${percent(status.progress / 100)}` : step];
}

function asError(error) {
  return error ? { code: error.error_code, detail: error.error } : undefined;
}

/** The system's own dialog, for one file. */
function chooseOne(take) {
  const input = h("input", { type: "file", onchange: () => input.files[0] && take(input.files[0]) });
  input.click();
}

customElements.define("ids-upload-row", IdsUploadRow);
