// What came in a document, what was passed over in it, and which documents have nearly its text.

import { access } from "../lib/access.js";
import { get } from "../lib/api.js";
import { foreign, h } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { percent } from "../lib/format.js";
import { counted, t } from "../lib/i18n.js";
import { pageLink } from "../lib/router.js";

class IdsRelatives extends IdsElement {
  #document = null;
  #analysis = null;

  connected() {
    this.hidden = this.childElementCount === 0;
  }

  /** Asks for it once a document. */
  set document(value) {
    if (this.#document?.document_id === value.document_id && this.#document?.updated_at === value.updated_at) return;
    this.#document = value;
    this.#analysis = null;
    this.replaceChildren();
    this.hidden = true;
    if (!access.allows("read")) return;
    this.ready = this.#load(value);
  }

  ready = Promise.resolve();

  retranslate() {
    if (this.#analysis) this.#show();
  }

  async #load(document) {
    try {
      const analysis = await get(`/api/v1/documents/${encodeURIComponent(document.document_id)}/analysis`, this.life);
      if (this.#document !== document) return;
      this.#analysis = analysis;
      this.#show();
    } catch {
      // It is an addition: without it the page is read all the same.
    }
  }

  #show() {
    const { children, total_children: total, skipped, near_duplicates: near } = this.#analysis;
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
