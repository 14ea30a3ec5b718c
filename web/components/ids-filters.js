// What a search is limited to: collection, kind of file, tags, and by what it is searched. Changing one tells `ids:filters`.

import { access } from "../lib/access.js";
import { get } from "../lib/api.js";
import { choice, foreign, h, icon, iconButton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { MODES, documentIds } from "../lib/filters.js";
import { counted, t } from "../lib/i18n.js";
import { knownCollections, knownTags } from "../lib/known.js";
import { KINDS } from "../lib/types.js";

/** Documents that are named at once; the others are folded. */
const SHOWN = 5;

class IdsFilters extends IdsElement {
  #filters = null;
  #collections = [];
  #titles = new Map();

  set filters(filters) {
    this.#filters = filters;
    if (this.isConnected) this.#build();
  }

  async connected() {
    this.#build();
    try {
      this.#collections = await knownCollections();
      this.#build();
    } catch {
      // without them the choice holds only what is chosen
    }
    await this.#name();
  }

  /** Finds the titles of the chosen documents, one after the other: there are few, and more wait folded. */
  async #name() {
    for (const id of documentIds(this.#filters.document)) {
      if (this.#titles.has(id)) continue;
      try {
        this.#titles.set(id, (await get(`/api/v1/documents/${encodeURIComponent(id)}`, this.life)).title);
      } catch {
        if (this.life.aborted) return;
        // Deleted since: it can still be taken out.
        this.#titles.set(id, t("filters.gone"));
      }
      this.#build();
    }
  }

  #build() {
    const { collection, kind, tags, mode, document } = this.#filters;
    const names = [...new Set([...this.#collections, collection].filter(Boolean))].sort((a, b) => a.localeCompare(b));
    const change = (name) => (event) => this.#change({ [name]: event.target.value });
    const tagField = h("input", {
      type: "text", name: "tags", value: tags, list: "known-tags", placeholder: t("filters.tags_placeholder"),
      autocomplete: "off", onchange: change("tags"),
      onfocus: async () => suggestions.replaceChildren(...(await knownTags()).map((tag) => h("option", { value: tag }))),
    });
    const suggestions = h("datalist", { id: "known-tags" });
    const row =
      h("div", { class: "filters", role: "group", "aria-label": t("filters.label") },
        choice(t("filters.collection"), "collection", [["", t("filters.all")], ...names.map((name) => [name, name])], collection, change("collection")),
        choice(t("filters.kind"), "kind", [["", t("filters.all_kinds")], ...Object.keys(KINDS).map((key) => [key, t(`kinds.${key}`)])], kind, change("kind")),
        h("label", { class: "field" }, h("span", {}, t("filters.tags")), tagField, suggestions),
        access.allows("search") && choice(t("filters.mode"), "mode", MODES.map((key) => [key, t(`filters.${key}`)]), mode, change("mode")));
    // On a phone they would stand between the question and what is found: there they are folded until they are wanted.
    const isOpen = this.querySelector("details")?.open ?? matchMedia("(min-width: 44rem)").matches;
    const active = [collection, kind, tags, mode !== "hybrid"].filter(Boolean).length;
    const summary = h("summary", {}, icon("filter"), active > 0 ? counted("filters.active", active) : t("filters.label"));
    this.replaceChildren(h("details", { class: "filter-fold", open: isOpen }, summary, row));
    const chosen = documentIds(document);
    if (chosen.length === 0) return;
    const without = (id) => chosen.filter((other) => other !== id).join(",");
    const name = (id) => this.#titles.get(id) ?? "…";
    const item = (id) => h("li", { class: "chip" }, foreign(name(id)),
      iconButton(chosen.length === 1 ? t("filters.remove") : t("filters.remove_document", { title: name(id) }), "close", () => this.#change({ document: without(id) })));
    const list = (ids) => h("ul", { class: "chips" }, ids.map(item));
    const [shown, rest] = [chosen.slice(0, SHOWN), chosen.slice(SHOWN)];
    const isRestOpen = this.querySelector("details.more-documents")?.open ?? false;
    this.append(h("div", { class: "chosen" }, h("span", {}, t(chosen.length === 1 ? "filters.document" : "filters.documents")), list(shown),
      rest.length > 0 && h("details", { class: "more-documents", open: isRestOpen }, h("summary", {}, counted("filters.more_documents", rest.length)), list(rest))));
  }

  #change(part) {
    this.#filters = { ...this.#filters, ...part };
    this.tell("ids:filters", this.#filters);
    this.#build();
    // What was changed keeps the focus, although it is another element now.
    this.querySelector(`[name="${Object.keys(part)[0]}"]`)?.focus();
  }
}

customElements.define("ids-filters", IdsFilters);
