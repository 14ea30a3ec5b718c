// The page as it was printed, with boxes around the quote's lines.

import { UNREACHABLE, look } from "../lib/api.js";
import { connection } from "../lib/connection.js";
import { h, iconButton } from "../lib/dom.js";
import { IdsElement, pause } from "../lib/element.js";
import { errorText, t } from "../lib/i18n.js";

/** Widths that are asked for: few, so that a window drawn wider does not have each of them rendered and kept. */
const WIDTHS = [480, 800, 1200, 1600, 2000];
/** Boxes of the text are tight; a little air makes a word look boxed and not struck. */
const AIR_POINTS = 1;

/** What passes: the picture may come yet. */
const PASSING = new Set([UNREACHABLE, "BUSY", "DEPENDENCY_UNAVAILABLE", "RATE_LIMITED"]);
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A picture that the server has and the browser still cannot show is asked for that often. */
const MOST_TRIES = 3;

class IdsPagePicture extends IdsElement {
  #shown = "";
  #isWide = false;
  #image = null;
  #note = null;
  #source = () => "";
  #waiting = new AbortController();
  #tries = 0;
  /** Pages that have no picture, and will not get one: `document/number`. */
  #without = new Set();
  #place = "";

  disconnectedCallback() {
    this.#waiting.abort();
    super.disconnectedCallback();
  }

  /** {documentId, number, width, height, boxes, title}, places in points; null where there is nothing to take a picture of. */
  set page(page) {
    const key = JSON.stringify([page, document.documentElement.lang]);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#waiting.abort();
    this.#tries = 0;
    this.#place = page === null ? "" : `${page.documentId}/${page.number}`;
    this.#standAside(page === null || this.#without.has(this.#place));
    if (!this.hidden) this.#build(page);
  }

  #build({ documentId, number, width, height, boxes, title }) {
    const sheet = h("div", { class: "sheet" });
    // The place is there before the picture: nothing jumps when it comes.
    sheet.style.aspectRatio = `${width} / ${height}`;
    this.#source = (width_) => `/api/v1/documents/${encodeURIComponent(documentId)}/pages/${number}/image?width=${width_}`;
    this.#note = h("p", { class: "sheet-note", role: "status" });
    this.#image = h("img", {
      src: this.#source(this.#width()),
      alt: t("document.picture", { page: number, title }), decoding: "async",
      onload: () => this.#isThere(sheet),
      onerror: () => this.#isNotThere(),
    });
    sheet.append(this.#image, this.#note, ...boxes.map((box) => frame(box, width, height)));
    const zoom = iconButton("", "zoom", () => this.#zoom(!this.#isWide));
    this.replaceChildren(h("figure", {}, sheet, zoom));
    this.#zoom(this.#isWide);
    this.querySelector(".box")?.scrollIntoView({ block: "center", inline: "nearest" });
  }

  /** Over both columns, for small print; the text is beneath it then. */
  #zoom(isWide) {
    const button = this.querySelector("button");
    this.#isWide = isWide;
    this.closest(".two-sides")?.classList.toggle("zoomed", isWide);
    button.setAttribute("aria-label", t(isWide ? "document.smaller" : "document.larger"));
    button.title = button.getAttribute("aria-label");
    const source = this.#source(this.#width());
    if (this.#image.getAttribute("src") !== source) this.#image.src = source;
  }

  /** As many pixels as the column has on this screen. */
  #width() {
    const wanted = (this.parentElement?.clientWidth || 1200) * (innerWidth > 960 && !this.#isWide ? 0.5 : 1) * devicePixelRatio;
    return WIDTHS.find((width) => width >= wanted) ?? WIDTHS.at(-1);
  }

  #isThere(sheet) {
    this.#waiting.abort();
    this.#tries = 0;
    this.#image.hidden = false;
    this.#note.textContent = "";
    sheet.classList.add("loaded");
  }

  /** A browser does not say why it has no picture: the server is asked, and what passes is waited for. */
  async #isNotThere() {
    this.#waiting.abort();
    this.#waiting = new AbortController();
    const { signal } = this.#waiting;
    // A picture that is shown already is only not as sharp as it could be.
    const isBare = !this.querySelector(".sheet").classList.contains("loaded");
    this.#image.hidden = isBare;
    this.#tries += 1;
    for (let pause_ = FIRST_PAUSE_MS; !signal.aborted; pause_ = Math.min(pause_ * 2, LONGEST_PAUSE_MS)) {
      try {
        await look(this.#image.src, signal);
        if (this.#tries < MOST_TRIES) this.#image.src = this.#image.getAttribute("src");
        else this.#isMissing();
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!PASSING.has(error.code)) return this.#isMissing();
        if (isBare) this.#note.textContent = errorText(error);
        if (error.code === UNREACHABLE) await connection.whenBack();
        else await pause(Math.max(error.retryAfterMs, pause_), signal).catch(() => {});
      }
    }
  }

  /** No picture is to be had: the text alone, over the whole width. */
  #isMissing() {
    this.#without.add(this.#place);
    this.#standAside(true);
    this.tell("ids:no-picture");
  }

  #standAside(isAside) {
    this.hidden = isAside;
    this.closest(".two-sides")?.classList.toggle("one-side", isAside);
    if (isAside) this.replaceChildren();
  }
}

function frame({ x, y, width, height }, pageWidth, pageHeight) {
  const box = h("div", { class: "box" });
  const share = (part, whole) => `${(part / whole) * 100}%`;
  box.style.left = share(x - AIR_POINTS, pageWidth);
  box.style.top = share(y - AIR_POINTS, pageHeight);
  box.style.width = share(width + 2 * AIR_POINTS, pageWidth);
  box.style.height = share(height + 2 * AIR_POINTS, pageHeight);
  return box;
}

customElements.define("ids-page-picture", IdsPagePicture);
