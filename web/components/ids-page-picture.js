// The page as it was printed, with boxes around the quote's lines.

import { h, iconButton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { t } from "../lib/i18n.js";

/** Widths that are asked for: few, so that a window drawn wider does not have each of them rendered and kept. */
const WIDTHS = [480, 800, 1200, 1600, 2000];
/** Boxes of the text are tight; a little air makes a word look boxed and not struck. */
const AIR_POINTS = 1;

class IdsPagePicture extends IdsElement {
  #shown = "";
  #isWide = false;
  #image = null;
  #source = () => "";

  /** {documentId, number, width, height, boxes, title}; places in points. */
  set page(page) {
    const key = JSON.stringify([page, document.documentElement.lang]);
    if (key === this.#shown) return;
    this.#shown = key;
    const { documentId, number, width, height, title } = page;
    this.hidden = false;
    this.closest(".two-sides")?.classList.remove("one-side");
    const sheet = h("div", { class: "sheet" });
    // The place is there before the picture: nothing jumps when it comes.
    sheet.style.aspectRatio = `${width} / ${height}`;
    this.#source = (width_) => `/api/v1/documents/${encodeURIComponent(documentId)}/pages/${number}/image?width=${width_}`;
    this.#image = h("img", {
      src: this.#source(this.#width()),
      alt: t("document.picture", { page: number, title }), decoding: "async",
      onload: () => sheet.classList.add("loaded"),
      onerror: () => this.#isMissing(),
    });
    sheet.append(this.#image, ...page.boxes.map((box) => frame(box, width, height)));
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

  /** No picture is to be had: the text alone, over the whole width. */
  #isMissing() {
    this.hidden = true;
    this.closest(".two-sides")?.classList.add("one-side");
    this.tell("ids:no-picture");
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
