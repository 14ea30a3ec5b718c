// The tray at the corner of the page: what is being added, how far it is, what went wrong and what to do about it.

import { isBad } from "./ids-upload-row.js";
import { announce, button, h, iconButton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { filesIn, isLeftover } from "../lib/entries.js";
import { counted, t } from "../lib/i18n.js";
import { uploads } from "../lib/uploads.js";
import { chooseFiles } from "./ids-upload-dialog.js";

/** A folder may hold thousands; what needs attention comes first. */
const MOST_ROWS = 100;
const TELL_MS = 400;

/** The tray of this page, made the first time it is asked for. */
export function tray() {
  let element = document.querySelector("ids-uploads");
  if (!element) {
    element = h("ids-uploads");
    document.querySelector("ids-toasts").before(element);
  }
  return element;
}

class IdsUploads extends IdsElement {
  #isOpen = true;
  #list;
  #title;
  #clear;
  #toggle;
  #rest;
  #frame = 0;
  #timer = 0;
  #lastSaid = "";

  connected() {
    this.dataset.retranslates = "";
    this.#build();
    this.listen(uploads, "change", () => this.#soon());
    this.listen(uploads, "library", () => this.#tellLater());
  }

  /** Opens the dialog to choose files, or with {pick: "files" | "folder"} the system's own at once. */
  async choose({ pick, collection = "" } = {}) {
    const chosen = await chooseFiles(pick, collection);
    if (chosen) this.#add(chosen.files, chosen);
  }

  /** Takes what was dropped. */
  async take({ entries, files, collection }) {
    this.#add(entries.length > 0 ? await filesIn(entries) : files, { collection });
  }

  retranslate() {
    this.#build();
  }

  /** A folder of a thousand files changes the library two thousand times: views look again once in a while. */
  #tellLater() {
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      document.dispatchEvent(new Event("ids:library-changed"));
    }, TELL_MS);
  }

  #add(files, details) {
    const wanted = files.filter(({ name }) => !isLeftover(name));
    if (wanted.length === 0) {
      document.dispatchEvent(new CustomEvent("ids:failed", { detail: { error: { code: "NO_FILES" } } }));
      return;
    }
    this.#isOpen = true;
    uploads.add(wanted, details);
    announce(counted("uploads.begun", wanted.length));
  }

  #build() {
    this.#title = h("h2", {});
    this.#list = h("ul", { id: "upload-list", "aria-label": t("uploads.label") });
    this.#rest = h("p", { class: "summary" });
    this.#toggle = iconButton("", "down", () => {
      this.#isOpen = !this.#isOpen;
      this.#show();
    }, { "aria-controls": "upload-list" });
    this.#clear = button(t("uploads.clear"), () => uploads.dismissEnded(), { className: "link" });
    this.replaceChildren(
      h("section", { class: "tray", "aria-label": t("uploads.region") },
        h("header", {}, this.#title, this.#clear, this.#toggle),
        this.#list, this.#rest),
    );
    this.#show();
  }

  /** Bytes are told of many times a frame. */
  #soon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#show();
    });
  }

  #show() {
    const items = uploads.items;
    this.hidden = items.length === 0;
    const ended = items.filter(({ state }) => ["ended", "failed", "interrupted"].includes(state)).length;
    const failed = items.filter(isBad).length;
    let title = t("uploads.some_done", { done: ended, count: items.length });
    if (ended === items.length) title = failed > 0 ? t("uploads.some_failed", { done: ended - failed, failed }) : counted("uploads.all_done", ended);
    this.#title.textContent = title;
    this.#clear.hidden = ended === 0;
    this.querySelector(".tray").classList.toggle("closed", !this.#isOpen);
    const label = t(this.#isOpen ? "uploads.fold" : "uploads.unfold");
    this.#toggle.setAttribute("aria-expanded", String(this.#isOpen));
    this.#toggle.setAttribute("aria-label", label);
    this.#toggle.title = label;
    this.#showRows([...items].sort((a, b) => weight(a) - weight(b)).slice(0, MOST_ROWS));
    this.#rest.hidden = items.length <= MOST_ROWS || !this.#isOpen;
    this.#rest.textContent = this.#rest.hidden ? "" : counted("uploads.rest", items.length - MOST_ROWS);
    if (ended === items.length && ended > 0 && title !== this.#lastSaid) announce(title);
    this.#lastSaid = title;
  }

  /** Rows stay the elements they are: focus and progress bars survive each change. */
  #showRows(items) {
    const rows = new Map([...this.#list.children].map((row) => [row.dataset.id, row]));
    const wanted = items.map((item) => {
      const row = rows.get(item.id) ?? h("li", { "data-id": item.id }, h("ids-upload-row"));
      row.firstChild.item = item;
      return row;
    });
    for (const [id, row] of rows) if (!items.some((item) => item.id === id)) row.remove();
    wanted.forEach((row, index) => {
      if (this.#list.children[index] !== row) this.#list.insertBefore(row, this.#list.children[index] ?? null);
    });
  }
}

/** First what needs somebody, then what moves, then what waits, last what is done. */
function weight(item) {
  return isBad(item) ? 0 : { sending: 1, accepted: 1, held: 1, waiting: 2 }[item.state] ?? 3;
}

customElements.define("ids-uploads", IdsUploads);
