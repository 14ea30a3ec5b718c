// What came in a document, what was passed over in it, and which documents have nearly its text.

import { foreign, h } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { percent } from "../lib/format.js";
import { counted, t } from "../lib/i18n.js";
import { pageLink } from "../lib/router.js";

class IdsRelatives extends IdsElement {
  #document = null;

  connected() {
    this.hidden = this.childElementCount === 0;
  }

  /** A document with its analysis, which is null where the key may not read it. */
  set document(value) {
    if (this.#document === value) return;
    this.#document = value;
    this.#show();
  }

  retranslate() {
    if (this.#document) this.#show();
  }

  #show() {
    if (!this.#document.analysis) {
      this.replaceChildren();
      this.hidden = true;
      return;
    }
    const { children, total_children: total, skipped, near_duplicates: near } = this.#document.analysis;
    const parts = [
      this.#document.parent_id && h("p", { class: "origin" },
        h("a", { href: pageLink(this.#document.parent_id, 1) }, t("document.parent")), ": ", foreign(this.#document.path)),
      total > 0 && list(counted("document.children", total), children.map((child) =>
        [link(child, child.path), child.status !== "completed" && ` (${t(`states.${child.status}`)})`])),
      skipped.length > 0 && list(counted("document.skipped", skipped.length), skipped.map((it) =>
        [foreign(it.path), `: ${t(`document.reasons.${it.reason}`)}`])),
      near.length > 0 && list(t("document.near"), near.map((it) =>
        [link(it, it.title), ` (${t("document.similar", { percent: percent(it.similarity) })})`])),
    ].filter(Boolean);
    this.replaceChildren(...parts);
    this.hidden = parts.length === 0;
  }
}

function link(document, text) {
  return h("a", { href: pageLink(document.document_id, 1) }, foreign(text));
}

function list(summary, rows) {
  return h("details", {},
    h("summary", {}, summary),
    h("ul", {}, rows.map((row) => h("li", {}, row.filter(Boolean)))));
}

customElements.define("ids-relatives", IdsRelatives);
