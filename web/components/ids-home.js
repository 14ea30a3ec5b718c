// One field: passages appear while one types, Enter asks for an answer. Beneath an empty field: what was added and asked
// lately, or how to begin.

import "./ids-welcome.js";
import { access } from "../lib/access.js";
import { connection } from "../lib/connection.js";
import { grow, h, icon } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { readFilters, writeFilters } from "../lib/filters.js";
import { t } from "../lib/i18n.js";
import { leaveQuestion } from "../lib/question.js";
import { go, link, renameSoon, settle } from "../lib/router.js";

/** Filters and passages come with the first letter: who opens the page waits for less. */
export const loadResults = () => Promise.all([import("./ids-filters.js"), import("./ids-results.js")]);

/** The server refuses longer ones. */
const MOST_CHARACTERS = 10_000;

class IdsHome extends IdsElement {
  /** Set by who shows the view: {path, fields}. */
  route;
  #field;
  #welcome;
  /** Both null until they are wanted. */
  #results = null;
  #filterBar = null;
  #found = Promise.resolve();
  #filters;

  connected() {
    this.#filters = readFilters(this.route.fields);
    this.#build(this.route.fields.get("q") ?? "");
    this.#show();
    if (matchMedia("(pointer: fine)").matches) this.#field.focus();
  }

  get ready() {
    return this.#field.value.trim() ? this.#found : this.#welcome.ready;
  }

  /** The same view at another address: a link from elsewhere, or Back. */
  takes(route) {
    const text = route.fields.get("q") ?? "";
    this.#filters = readFilters(route.fields);
    if (this.#filterBar) this.#filterBar.filters = this.#filters;
    if (this.#field.value.trim() !== text) this.#field.value = text;
    this.#show();
    return true;
  }

  retranslate() {
    const text = this.#field.value;
    this.#build(text);
    this.#show();
  }

  #build(text) {
    const [maySearch, mayAsk] = [access.allows("search"), access.allows("ask")];
    const only = maySearch ? t("home.search") : t("home.ask");
    this.#field = h("textarea", {
      id: "query", name: "query", rows: "1", maxlength: String(MOST_CHARACTERS), autocomplete: "off",
      placeholder: maySearch && mayAsk ? t("home.placeholder") : only, "aria-describedby": "query-hint", "data-main-field": true, enterkeyhint: "go",
      onkeydown: (event) => this.#onKey(event),
      oninput: () => {
        grow(this.#field);
        this.#show();
      },
    });
    this.#field.value = text;
    this.#results = null;
    this.#filterBar = null;
    this.#welcome = h("ids-welcome");
    const form = h("form", { class: "ask-box", role: "search", onsubmit: (event) => this.#ask(event) },
      h("label", { for: "query", class: "unseen" }, maySearch && mayAsk ? t("home.label") : only),
      icon("search"),
      this.#field,
      mayAsk && h("button", { type: "submit", class: "primary" }, icon("send"), h("span", {}, t("home.ask"))));
    this.replaceChildren(
      h("section", { class: "home" },
        h("h1", {}, t("home.title")),
        form,
        h("p", { id: "query-hint", class: "hint" }, t(`home.hint${mayAsk ? "" : "_search"}${maySearch ? "" : "_ask"}`)),
        this.#welcome),
    );
  }

  #show() {
    const text = this.#field.value.trim();
    const fields = writeFilters(this.#filters);
    renameSoon(text ? link(["search"], { q: text, ...fields }) : link([], fields));
    this.#welcome.hidden = text !== "";
    const isLimited = Object.keys(fields).length > 0;
    if (text !== "" || isLimited || this.#results) this.#found = this.#find(isLimited);
  }

  async #find(isLimited) {
    try {
      await loadResults();
    } catch {
      connection.lost();
      // Browsers remember that a module could not be loaded: only a new page asks again.
      connection.addEventListener("back", () => this.isConnected && location.reload(), { once: true });
      return;
    }
    if (!this.#results) this.#addResults();
    // What stands in the field now: more was typed meanwhile.
    const text = this.#field.value.trim();
    this.#filterBar.hidden = text === "" && !isLimited;
    this.#results.search(access.allows("search") ? text : "", this.#filters);
    await this.#results.ready;
  }

  #addResults() {
    this.#filterBar = h("ids-filters");
    this.#filterBar.filters = this.#filters;
    this.#filterBar.addEventListener("ids:filters", (event) => {
      this.#filters = event.detail;
      this.#show();
    });
    this.#results = h("ids-results");
    this.#results.addEventListener("ids:leave-results", () => this.#field.focus());
    this.#welcome.before(this.#filterBar, this.#results);
  }

  #onKey(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#ask(event);
    } else if (event.key === "Escape" && this.#field.value !== "") {
      this.#field.value = "";
      this.#show();
    } else if (event.key === "ArrowDown" && this.#field.selectionEnd === this.#field.value.length) {
      if (this.#results?.focusFirst()) event.preventDefault();
    }
  }

  #ask(event) {
    event.preventDefault();
    const text = this.#field.value.trim();
    if (text === "") {
      this.#field.focus();
      return;
    }
    settle();
    if (!access.allows("ask")) return;
    leaveQuestion(text);
    go(link(["conversations", "new"], { q: text, ...writeFilters(this.#filters) }));
  }
}

customElements.define("ids-home", IdsHome);
