// One answer: on its way, then sentence by sentence with its citations and the places they lead to.

import "./ids-thumbs.js";
import { button, foreign, h, icon } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { writeFilters } from "../lib/filters.js";
import { fingerprint } from "../lib/fingerprint.js";
import { errorText, t } from "../lib/i18n.js";
import { marked } from "../lib/marked.js";
import { link, pageLink } from "../lib/router.js";

export const STAGES = ["searching", "reading", "writing", "checking"];

class IdsAnswer extends IdsElement {
  /** What the question was limited to, as in an address; set before `turn`. */
  filters;
  /** The conversation's id, and whether this is its last answer; set before `turn`. */
  session;
  isLast = false;
  #written = null;

  /** {question, stage, draft, answer, error, isStopped}; `answer` is the body of the plain reply. */
  set turn(turn) {
    if (turn.answer) this.#showAnswer(turn);
    else if (turn.error) this.#showEnd(turn, errorText(turn.error), "danger");
    else if (turn.isStopped) this.#showEnd(turn, t("answer.stopped"), "");
    else this.#showProgress(turn);
  }

  #showProgress({ stage, draft }) {
    if (!this.#written) {
      this.#written = { stages: h("ol", { class: "stages", "aria-label": t("answer.progress") }), text: h("p", { class: "written", dir: "auto" }), note: h("p", { class: "summary" }) };
      this.replaceChildren(h("div", { class: "answer", "aria-busy": "true" }, this.#written.stages, this.#written.text, this.#written.note));
    }
    if (this.#written.stages.dataset.stage !== stage) {
      const at = STAGES.indexOf(stage);
      this.#written.stages.dataset.stage = stage;
      this.#written.stages.replaceChildren(...STAGES.map((name, index) =>
        h("li", { "aria-current": index === at ? "step" : null, class: index < at ? "past" : index === at ? "now" : "" },
          h("span", { class: "dot", "aria-hidden": "true" }), t(`answer.${name}`))));
    }
    this.#written.text.textContent = draft.text;
    this.#written.note.textContent = draft.hasStruck ? t("answer.retracted") : "";
  }

  #showEnd({ draft }, words, look) {
    const text = draft?.text.trim();
    this.#written = null;
    this.replaceChildren(h("div", { class: "answer" },
      text && h("p", { class: "written", dir: "auto" }, text),
      h("div", { class: `notice ${look}` }, h("p", {}, words), button(t("answer.again"), () => this.tell("ids:again"), { shape: "retry" }))));
  }

  #showAnswer({ question, answer }) {
    this.#written = null;
    const { response, claims = [], sources = [], metadata } = answer;
    if (metadata?.answered === false) {
      this.replaceChildren(h("div", { class: "answer" }, nothing(this.#passages(question), metadata.nearest ?? []), this.#verdict(answer)));
      return;
    }
    const isExtractive = metadata?.mode === "extractive";
    const sentences = claims.length > 0
      ? claims.map((claim) => sentence(claim, sources, isExtractive))
      : [h("p", { dir: "auto" }, response)];
    const isBroke = metadata?.fallback?.endsWith("budget");
    this.replaceChildren(h("div", { class: "answer" },
      h("div", { class: isExtractive ? "claims quotes" : "claims" }, sentences),
      metadata && h("p", { class: "mode" }, h("span", { class: "badge" }, icon(isExtractive ? "quote" : "ask"), t(isExtractive ? "answer.extractive" : "answer.generated")),
        this.#passages(question)),
      isBroke && h("p", { class: "summary" }, t("answer.budget")),
      sources.length > 0 && h("section", { class: "sources", "aria-label": t("answer.sources") },
        h("h3", {}, t("answer.sources")),
        h("ol", {}, sources.map((source, index) => card(source, index, isExtractive)))),
      this.#verdict(answer)));
  }

  /** Thumbs, and another answer. */
  #verdict(answer) {
    const message = answer.metadata?.message_id ?? answer.message_id;
    if (!this.session || !message) return false;
    const thumbs = h("ids-thumbs");
    thumbs.rated = { session: this.session, message, answer };
    return h("div", { class: "verdict" }, thumbs,
      this.isLast && button(t("answer.regenerate"), () => this.tell("ids:regenerate"), { shape: "retry", className: "plain" }));
  }

  /** Leads to what the same question finds, within the same limits. */
  #passages(question) {
    return h("a", { "data-needs": "search", href: link(["search"], { q: question, ...writeFilters(this.filters) }) }, t("answer.search_instead"));
  }
}

/** Where a quote stands. Should other words stand there by then, the page can tell. */
function quoteLink({ document_id: id, page, start, end, quote }) {
  return pageLink(id, page, { start, end, quote: fingerprint(quote) });
}

/** A sentence with the numbers of its sources. */
function sentence({ text, status, sources: indexes }, sources, isExtractive) {
  const cites = indexes.filter((index) => sources[index]).map((index) => {
    const source = sources[index];
    return h("a", {
      class: "cite", href: quoteLink(source),
      "aria-label": t("answer.cite", { number: index + 1, title: source.document_title, page: source.page }),
    }, String(index + 1));
  });
  const doubt = status === "verified" ? null
    : h("span", { class: "badge warn" }, icon("alert"), t("answer.unconfirmed"));
  return h(isExtractive ? "blockquote" : "p", { class: "claim" }, foreign(text), " ", cites, doubt && " ", doubt);
}

/** Where a source stands, and what it says there. */
function card(source, index, isExtractive) {
  const { document_title: title, page, quote, excerpt, verified } = source;
  return h("li", { class: "source" },
    h("span", { class: "number", "aria-hidden": "true" }, String(index + 1)),
    h("div", {},
      h("a", { href: quoteLink(source) }, foreign(title)),
      h("p", { class: "place" }, t("answer.place", { page }), verified && h("span", { class: "checked" }, icon("check"), t("answer.verified"))),
      h("p", { class: "excerpt", dir: "auto" }, isExtractive ? around(excerpt, quote) : quote)));
}

/** The quote within what stands around it. */
function around(excerpt, quote) {
  // The excerpt is one line, the quote has the lines of its page.
  const line = quote.replace(/\s+/g, " ").trim();
  const at = excerpt?.indexOf(line) ?? -1;
  if (at < 0) return [quote];
  const start = Array.from(excerpt.slice(0, at)).length;
  return marked(excerpt, [{ start, end: start + Array.from(line).length }]);
}

/** No answer is one too, when it says so and shows where to look. */
function nothing(passages, nearest) {
  return [
    h("p", { class: "no-answer" }, icon("alert"), h("strong", {}, t("answer.none"))),
    h("p", {}, t("answer.none_hint")),
    nearest.length > 0 && h("h3", {}, t("answer.nearest")),
    nearest.length > 0 && h("ul", { class: "nearest" }, nearest.map(({ document_id: id, document_title: title, page }) =>
      h("li", {}, h("a", { href: pageLink(id, page) }, foreign(title)), " ", h("span", { class: "place" }, t("answer.place", { page }))))),
    h("p", {}, passages),
  ];
}

customElements.define("ids-answer", IdsAnswer);
