// The page as text: headings, lists and tables as such, with a quote marked, and with words underlined that text recognition
// is not sure of.

import { h } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { counted, t } from "../lib/i18n.js";
import { marked } from "../lib/marked.js";

class IdsPageText extends IdsElement {
  #shown = "";

  /** {number, text, blocks, range, isPaper, ocr}; ranges in Unicode scalar values. The lines of a page of paper are its width's, not
   * the text's: they may break elsewhere here. */
  set page(page) {
    const key = JSON.stringify([page, document.documentElement.lang]);
    if (key === this.#shown) return;
    this.#shown = key;
    const { number, text, blocks, range, isPaper, ocr } = page;
    const scalars = Array.from(text);
    const label = t("document.text", { page: number });
    const doubts = ocr?.low_confidence ?? [];
    const parts = text.trim() === "" ? [h("p", { class: "summary" }, t("document.no_text"))] : lay(scalars, blocks, { range, doubts });
    if (ocr) parts.unshift(h("p", { class: "summary" }, recognized(ocr)));
    this.replaceChildren(h("section", { class: isPaper ? "page-text paper" : "page-text", "aria-label": label }, parts));
  }

  showQuote() {
    this.querySelector("mark")?.scrollIntoView({ block: "center", inline: "nearest" });
  }
}

/** That the text was read off a picture, and how much of it is doubtful. */
function recognized({ low_confidence: { length: count } }) {
  return count === 0 ? t("document.recognized") : counted("document.recognized_doubts", count);
}

/** The blocks in their order; what stands in none is shown too. Neighboring list items make one list. */
function lay(scalars, blocks, marks) {
  const parts = [];
  const levels = outline();
  let done = 0;
  const plain = (until) => {
    if (scalars.slice(done, until).join("").trim() !== "") parts.push(h("p", { dir: "auto" }, cut(scalars, { start: done, end: until }, marks)));
  };
  for (const block of [...blocks].sort((a, b) => a.start - b.start)) {
    if (block.start < done) continue; // overlaps are shown once
    plain(block.start);
    done = block.end;
    const content = cut(scalars, block, marks);
    if (block.kind === "list_item") {
      const last = parts.at(-1);
      const list = last?.localName === "ul" ? last : h("ul", {});
      if (list !== last) parts.push(list);
      list.append(h("li", { dir: "auto" }, content));
    } else {
      parts.push(element(block, content, levels));
    }
  }
  plain(scalars.length);
  return parts;
}

/** Levels as they can be shown: the view's own title is the one h1, what is highest on this page comes right beneath it, and none is left out,
 * for a page may begin deep in its document. */
function outline() {
  const open = [];
  return (level) => {
    while (open.length > 0 && open.at(-1) >= level) open.pop();
    open.push(level);
    return Math.min(open.length + 1, 6);
  };
}

function element({ kind, level }, content, levels) {
  switch (kind) {
    case "heading":
      return h(`h${levels(level ?? 1)}`, { dir: "auto" }, content);
    case "table":
      return h("div", { class: "table", dir: "auto", tabindex: "0", role: "group", "aria-label": t("document.table") }, content);
    case "header":
    case "footer":
    case "footnote":
    case "caption":
      return h("p", { class: "aside", dir: "auto" }, content);
    default:
      return h("p", { dir: "auto" }, content);
  }
}

/** The text of a block as nodes, the part of `range` in it marked, and each of `doubts` underlined. */
function cut(scalars, { start, end }, { range, doubts }) {
  const nodes = [];
  let done = start;
  for (const doubt of doubts) {
    if (doubt.start < done || doubt.end > end) continue;
    nodes.push(...quoted(scalars, { start: done, end: doubt.start }, range));
    const word = quoted(scalars, doubt, range);
    nodes.push(h("u", { class: "doubt", title: t("document.doubt") }, word, h("span", { class: "unseen" }, ` (${t("document.doubt")})`)));
    done = doubt.end;
  }
  nodes.push(...quoted(scalars, { start: done, end }, range));
  return nodes;
}

/** A piece of text as nodes, the part of `range` in it marked. */
function quoted(scalars, { start, end }, range) {
  const text = scalars.slice(start, end).join("");
  if (text === "") return [];
  if (!range || range.end <= start || range.start >= end) return [text];
  return marked(text, [{ start: Math.max(range.start, start) - start, end: Math.min(range.end, end) - start }]);
}

customElements.define("ids-page-text", IdsPageText);
