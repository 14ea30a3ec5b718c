// A page of a document as it looks and as text, with a quote marked in both.

import "./ids-page-picture.js";
import "./ids-page-text.js";
import "./ids-relatives.js";
import { access } from "../lib/access.js";
import { get, withQuery } from "../lib/api.js";
import { connection } from "../lib/connection.js";
import { announce, button, foreign, h, icon, iconButton, skeleton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { fingerprint } from "../lib/fingerprint.js";
import { rescueFocus } from "../lib/focus.js";
import { day } from "../lib/format.js";
import { errorText, t } from "../lib/i18n.js";
import { follow, hasEnded } from "../lib/progress.js";
import { link, pageLink, replace } from "../lib/router.js";
import { mayBeOpened, openDocument } from "../lib/unlock.js";

class IdsDocument extends IdsElement {
  route;
  ready = Promise.resolve();
  #document = null;
  #page = null;
  #turning = new AbortController();
  #head;
  #changed;
  #relatives;
  #body;

  connected() {
    this.#head = h("header", { class: "document-head" }, h("h1", {}, t("document.loading")));
    this.#changed = h("div", {});
    this.#relatives = h("ids-relatives", { class: "relatives" });
    this.#body = h("div", {}, skeleton(4, t("shell.loading")));
    this.replaceChildren(this.#head, this.#changed, this.#relatives, this.#body);
    this.ready = this.#load();
    this.listen(connection, "back", () => this.#load());
    this.listen(this, "ids:no-picture", () => this.querySelector("ids-page-text").showQuote());
    this.listen(document, "keydown", (event) => this.#onKey(event));
  }

  disconnectedCallback() {
    this.#turning.abort();
    super.disconnectedCallback();
  }

  /** Another page of the same document needs nothing but that page. */
  takes(route) {
    if (route.path[1] !== this.route.path[1]) return false;
    this.route = route;
    this.ready = this.#load();
    return true;
  }

  retranslate() {
    if (this.#document && this.#page) this.#show();
    else this.ready = this.#load();
  }

  get #id() {
    return this.route.path[1];
  }

  get #number() {
    const number = Number.parseInt(this.route.path[3] ?? "1", 10);
    return number >= 1 ? number : 1;
  }

  /** The quote: {start, end, quote}, or null; `quote` is the fingerprint of what stood there, if the link has it. */
  get #range() {
    const { fields } = this.route;
    const [start, end] = [Number(fields.get("start")), Number(fields.get("end"))];
    return Number.isInteger(start) && Number.isInteger(end) && end > start ? { start, end, quote: fields.get("quote") } : null;
  }

  async #load() {
    this.#turning.abort();
    this.#turning = new AbortController();
    const { signal } = this.#turning;
    const path = `/api/v1/documents/${encodeURIComponent(this.#id)}`;
    try {
      if (this.#document?.document_id !== this.#id) {
        const [found, analysis] = await Promise.all([get(path, signal), access.allows("read") ? get(`${path}/analysis`, signal) : null]);
        this.#document = { ...found, analysis };
      }
      const range = this.#range;
      const [page, places] = await Promise.all([
        get(`${path}/pages/${this.#number}`, signal),
        get(withQuery(`${path}/pages/${this.#number}/boxes`, { start: range?.start ?? 0, end: range?.end ?? 0 }), signal),
      ]);
      // Other words than those an answer quoted are not marked as if they were these.
      const isStale = Boolean(range?.quote) && range.quote !== fingerprint(Array.from(page.text).slice(range.start, range.end).join(""));
      this.#page = { ...page, places: isStale ? { ...places, boxes: [] } : places, range: isStale ? null : range, isStale };
      if (isStale) announce(t("document.changed"));
      this.#show();
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  #show() {
    const { title } = this.#document;
    const { page: number, page_count: count, places, text, blocks, range, isStale, ocr } = this.#page;
    this.#showHead(h("h1", { dir: "auto", tabindex: "-1", "data-name": "title" }, title), number, count);
    this.#relatives.document = this.#document;
    this.#changed.replaceChildren(...(isStale ? [h("p", { class: "notice changed" }, icon("alert"), t("document.changed"))] : []));
    let picture = this.querySelector("ids-page-picture");
    let pageText = this.querySelector("ids-page-text");
    if (!picture) {
      picture = h("ids-page-picture");
      pageText = h("ids-page-text");
      this.#body.replaceChildren(h("div", { class: "two-sides" }, picture, pageText));
    }
    // A page without a size is no page of paper: there is nothing to take a picture of.
    const isPaper = places.width !== null && places.height !== null;
    picture.page = isPaper ? { documentId: this.#id, number, ...places, title } : null;
    pageText.page = { number, text, blocks, range, isPaper, ocr };
    // On a narrow screen the picture stands above the text: there the boxes are what one came for.
    if (picture.hidden || places.boxes.length === 0) pageText.showQuote();
    this.tell("ids:titled");
  }

  #showHead(heading, number, count) {
    const held = this.#head.contains(document.activeElement) ? document.activeElement.name || document.activeElement.dataset.name : null;
    const { filename, collection, analysis } = this.#document;
    const turn = (label, shape, to, name) =>
      iconButton(label, shape, () => this.#go(to), { disabled: to < 1 || to > count, "data-name": name });
    const input = h("input", {
      type: "number", name: "page", min: "1", max: String(count), value: String(number), inputmode: "numeric",
      "aria-label": t("document.page_of", { count }),
      onchange: () => this.#go(Math.min(Math.max(1, Number.parseInt(input.value, 10) || number), count)),
    });
    this.#head.replaceChildren(
      h("div", { class: "document-title" },
        heading,
        h("p", { class: "place" }, [filename, collection, ...facts(analysis ?? {})].flatMap((text, index) => [index > 0 && " · ", foreign(text)]))),
      h("div", { class: "document-tools" },
        h("a", { class: "button quiet", href: link([], { document: this.#id }), "data-name": "search", "data-needs": "use" }, icon("search"), t("document.search_in")),
        h("nav", { class: "pager", "aria-label": t("document.pages") },
          turn(t("document.previous"), "previous", number - 1, "previous"),
          input, h("span", { "aria-hidden": "true" }, t("document.of", { count })),
          turn(t("document.next"), "next", number + 1, "next"))));
    if (!held) return;
    const same = this.#head.querySelector(`[name="${held}"], [data-name="${held}"]`);
    // At the first or last page the button that was pressed cannot be pressed again.
    (same?.disabled ? input : same)?.focus();
  }

  /** Without the quote: it is on its page. */
  #go(number) {
    const count = this.#page?.page_count ?? 1;
    if (number < 1 || number > count || number === this.#number) return;
    replace(pageLink(this.#id, number));
    announce(t("document.turned", { page: number, count }));
  }

  #onKey(event) {
    if (event.target.closest("input, textarea, select, dialog, .table") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight") this.#go(this.#number + 1);
    else if (event.key === "ArrowLeft") this.#go(this.#number - 1);
    else return;
    event.preventDefault();
  }

  async #fail(error) {
    const heading = h("h1", { dir: "auto" }, this.#document?.title ?? t("document.missing"));
    this.#page = null;
    this.#changed.replaceChildren();
    if (error.code === "PAGE_NOT_FOUND" && this.#document) {
      const { status, page_count: count } = this.#document;
      this.#head.replaceChildren(heading);
      if (!hasEnded(status) && !count) return this.#wait();
      // Pages fell away: a quote that stood there is not found on the last one, and that is said.
      if (count && this.#number > count) return replace(pageLink(this.#id, count, this.#range?.quote ? this.#range : {}));
    }
    this.#head.replaceChildren(heading);
    const failure = this.#document?.error;
    const isLocked = failure && error.code === "PAGE_NOT_FOUND" && mayBeOpened(this.#document.content_type, failure.error_code);
    const words = failure && error.code === "PAGE_NOT_FOUND" ? errorText({ code: failure.error_code, detail: failure.error }) : errorText(error);
    this.#body.replaceChildren(h("div", { class: "empty", role: "alert" }, icon("alert"), h("p", {}, words),
      h("p", { class: "actions" },
        isLocked && button(t("password.give"), () => this.#open(), { className: "primary", "data-needs": "ingest" }),
        button(t("shell.again"), () => (this.ready = this.#load()), { shape: "retry" }),
        h("a", { class: "button quiet", href: link(["library"]), "data-needs": "read" }, t("document.to_library")))));
    this.tell("ids:titled");
  }

  /** With its password; then it is read like any other. */
  async #open() {
    const { document_id: id, title } = this.#document;
    const { askForPassword } = await import("./ids-password-dialog.js");
    const isOpened = await askForPassword({ name: title, open: (password, file) => openDocument(id, password, file) });
    if (!isOpened || id !== this.#id) return;
    this.#document = null;
    this.ready = this.#load();
    // The button that was pressed is gone.
    await this.ready;
    rescueFocus();
  }

  /** It is still being read: its pages appear as soon as they are there. */
  async #wait() {
    const words = h("p", { role: "status" }, t("document.reading"));
    const bar = h("progress", { max: "100", "aria-label": t("document.reading") });
    this.#body.replaceChildren(h("div", { class: "empty" }, icon("clock"), words, bar));
    const { signal } = this.#turning;
    try {
      await follow(this.#id, (status) => {
        bar.value = status.progress;
        words.textContent = t(`states.${status.status}`);
        if (["embedding", "completed", "failed", "duplicate", "cancelled"].includes(status.status)) {
          this.#document = null;
          this.ready = this.#load();
        }
      }, signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }
}

/** Who wrote it, in which language, and when, as far as its file or its text tells. */
function facts({ author, language, file_created_at: created, file_modified_at: modified }) {
  const tongue = language && (t(`document.languages.${language}`) ?? language);
  const written = created ?? modified;
  // A year or a month alone is shown as it stands.
  return [author, tongue, written && (written.length >= 10 ? day(written.slice(0, 10) + "T12:00:00") : written)].filter(Boolean);
}

customElements.define("ids-document", IdsDocument);
