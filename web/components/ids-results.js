// The passages that a search finds, as one types.

import { post } from "../lib/api.js";
import { connection } from "../lib/connection.js";
import { announce, button, foreign, h } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { requestFilters } from "../lib/filters.js";
import { milliseconds } from "../lib/format.js";
import { counted, errorText, t } from "../lib/i18n.js";
import { marked } from "../lib/marked.js";
import { pageLink } from "../lib/router.js";
import { snippet } from "../lib/snippet.js";

const FIRST = 10;
const MOST = 50;
/** A screen reader hears how much was found when the typing rests, not at each letter. */
const QUIET_MS = 700;

class IdsResults extends IdsElement {
  /** What is wanted now; `#asked` is what the request under way, or the reply shown, was for. */
  #wanted = { key: "", text: "", filters: null, limit: FIRST };
  #asked = "";
  #isAsking = false;
  #quiet = 0;
  /** Resolves when what is wanted is shown. */
  ready = Promise.resolve();

  connected() {
    this.listen(connection, "back", () => this.#again());
    this.listen(this, "keydown", (event) => this.#onKey(event));
  }

  disconnectedCallback() {
    clearTimeout(this.#quiet);
    super.disconnectedCallback();
  }

  /** Searches for `text`. One request at a time, with the newest text as soon as the last one is answered: no letter waits
   * for a timer, and a fast typist does not queue searches. */
  search(text, filters, limit = FIRST) {
    this.#wanted = { key: JSON.stringify([text, filters, limit]), text, filters, limit };
    if (text === "") {
      clearTimeout(this.#quiet);
      this.#asked = this.#wanted.key;
      this.replaceChildren();
      return;
    }
    if (this.#asked === this.#wanted.key && this.childElementCount > 0) return;
    if (!this.#isAsking) this.ready = this.#run();
  }

  /** Moves into the list; false when there is none. */
  focusFirst() {
    const first = this.querySelector(".result a");
    first?.focus();
    return first !== null;
  }

  async #run() {
    this.#isAsking = true;
    try {
      while (this.#wanted.key !== this.#asked && !this.life.aborted) {
        const { key, text, filters, limit } = this.#wanted;
        this.#asked = key;
        if (text === "") break;
        const body = { query: text, n_results: limit, mode: filters.mode, ...requestFilters(filters) };
        await post("/api/v1/documents/search", body, this.life).then(
          (reply) => this.#show(reply, { text, filters, limit }),
          (error) => this.life.aborted || this.#fail(error),
        );
      }
    } finally {
      this.#isAsking = false;
    }
  }

  #again() {
    this.#asked = "";
    if (!this.#isAsking && this.#wanted.text !== "") this.ready = this.#run();
  }

  #show({ results, query_time: seconds, words_alone: wordsAlone }, { text, filters, limit }) {
    // The field was emptied while this was under way.
    if (this.#wanted.text === "") return;
    if (results.length === 0) {
      this.#say(t("results.none"));
      this.replaceChildren(
        h("div", { class: "empty" },
          h("h2", {}, t("results.none")),
          h("p", {}, t("results.none_hint"))));
      return;
    }
    const time = milliseconds(seconds);
    const summary = counted("results.found", results.length, { time });
    const list = h("ol", { class: "results", "aria-label": t("results.label") }, results.map(item));
    const more = results.length === limit && limit < MOST
      ? button(t("results.more"), () => this.search(text, filters, MOST), { className: "quiet more" })
      : null;
    // Who has moved into the list already stays at that place of it.
    const at = this.#links().indexOf(document.activeElement);
    // Whoever looks by meaning and finds by words should know it.
    const without = wordsAlone && h("p", { class: "summary" }, t(wordsAlone === "model_failed" ? "results.no_model" : "results.no_budget"));
    this.replaceChildren(...[h("p", { class: "summary" }, summary), without, list, more].filter(Boolean));
    if (at >= 0) this.#links()[Math.min(at, results.length - 1)].focus();
    this.#say(summary);
  }

  #links() {
    return [...this.querySelectorAll(".result a")];
  }

  #fail(error) {
    const text = errorText(error);
    const again = button(t("shell.again"), () => this.#again(), { shape: "retry" });
    this.replaceChildren(h("div", { class: "notice danger" }, h("p", {}, text), again));
    this.#say(text);
  }

  #say(text) {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => announce(text), QUIET_MS);
  }

  /** Arrows walk through the list; above its first, and with Escape, one is back in the field. */
  #onKey(event) {
    const links = this.#links();
    const at = links.indexOf(document.activeElement);
    if (at < 0) return;
    if (event.key === "ArrowDown" && at + 1 < links.length) links[at + 1].focus();
    else if (event.key === "ArrowUp" && at > 0) links[at - 1].focus();
    else if (event.key === "ArrowUp" || event.key === "Escape") this.tell("ids:leave-results");
    else return;
    event.preventDefault();
  }
}

function item(result) {
  const { document_id: id, document_title: title, page, start, end, heading, reference, source } = result;
  const part = snippet(result.content, result.highlights);
  const place = [t("results.page", { page }), heading, reference, source].filter(Boolean);
  return h("li", { class: "result" },
    h("h2", {}, h("a", { href: pageLink(id, page, { start, end }) }, foreign(title))),
    h("p", { class: "place" }, place.flatMap((text, index) => [index > 0 && h("span", { "aria-hidden": "true" }, " · "), foreign(text)])),
    h("p", { class: "passage", dir: "auto" }, marked(part.text, part.ranges)));
}

customElements.define("ids-results", IdsResults);
