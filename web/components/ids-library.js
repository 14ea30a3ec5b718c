// All documents: found by name, status, tag and collection, renamed, deleted, tried again.

import "./ids-document-row.js";
import { get, withQuery } from "../lib/api.js";
import { connection } from "../lib/connection.js";
import { button, choice, h, icon, skeleton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { counted, errorText, t } from "../lib/i18n.js";
import { knownCollections, knownTags } from "../lib/known.js";
import { hasEnded } from "../lib/progress.js";
import { removals } from "../lib/removals.js";
import { link, renameSoon } from "../lib/router.js";

const ROWS = 50;
/** Rows that are being worked on are looked at again, while somebody looks at them. */
const REFRESH_MS = 2_000;

const STATUSES = ["completed", "embedding", "chunking", "extracting", "uploaded", "awaiting_upload", "failed", "duplicate", "cancelled"];
/** As in the address: what is sorted by, and whether from the top down. */
const ORDERS = {
  newest: ["created_at", "desc"],
  oldest: ["created_at", "asc"],
  changed: ["updated_at", "desc"],
  by_title: ["title", "asc"],
  largest: ["file_size", "desc"],
};

class IdsLibrary extends IdsElement {
  route;
  ready = Promise.resolve();
  #query;
  #documents = [];
  #total = 0;
  #hasMore = false;
  #loading = new AbortController();
  #list;
  #summary;
  #timer = 0;

  connected() {
    this.#read(this.route);
    this.#build();
    this.ready = this.#load();
    this.listen(connection, "back", () => this.#load());
    this.listen(document, "ids:library-changed", () => this.#refresh());
    this.listen(removals, "change", ({ detail: { id, undone } }) => {
      this.#show();
      // Whoever took it back goes on where it is again.
      if (undone) this.#row(id)?.querySelector("ids-document-row").focusOn("delete");
    });
    this.listen(this, "ids:document-changed", ({ detail }) => this.#replace(detail));
    this.listen(this, "ids:tag", ({ detail }) => this.#change({ tags: detail }, true));
    this.listen(document, "visibilitychange", () => document.hidden || this.#refresh());
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#loading.abort();
    super.disconnectedCallback();
  }

  takes(route) {
    this.#read(route);
    this.#build();
    this.ready = this.#load();
    return true;
  }

  retranslate() {
    this.#build();
    this.#show();
  }

  #read({ fields }) {
    const text = (name) => fields.get(name) ?? "";
    const [status, sort] = [text("status"), text("sort")];
    this.#query = {
      search: text("search"), collection: text("collection"), tags: text("tags"),
      status: STATUSES.includes(status) ? status : "",
      sort: Object.hasOwn(ORDERS, sort) ? sort : "newest",
    };
  }

  #build() {
    const { search, collection, tags, status, sort } = this.#query;
    const field = (name) => (event) => this.#change({ [name]: event.target.value });
    const collections = choice(t("filters.collection"), "collection", [["", t("filters.all")], ...(collection ? [[collection, collection]] : [])], collection, field("collection"));
    const known = h("datalist", { id: "library-tags" });
    this.#summary = h("p", { class: "summary", role: "status" });
    this.#list = h("div", { class: "document-list" }, skeleton(5, t("shell.loading")));
    this.replaceChildren(
      h("header", { class: "view-head" }, h("h1", {}, t("library.title"))),
      h("div", { class: "library-filters", role: "group", "aria-label": t("filters.label") },
        h("label", { class: "field wide" }, h("span", {}, t("library.search")),
          h("input", { type: "search", name: "search", value: search, autocomplete: "off", "data-main-field": true, oninput: field("search") })),
        choice(t("library.status"), "status", [["", t("filters.all_statuses")], ...STATUSES.map((it) => [it, t(`states.${it}`)])], status, field("status")),
        collections,
        h("label", { class: "field" }, h("span", {}, t("filters.tags")),
          h("input", { type: "text", name: "tags", value: tags, list: known.id, autocomplete: "off", onchange: field("tags"), onfocus: async () =>
            known.replaceChildren(...(await knownTags()).map((tag) => h("option", { value: tag }))) }), known),
        choice(t("library.sort"), "sort", Object.keys(ORDERS).map((it) => [it, t(`library.${it}`)]), sort, field("sort"))),
      this.#summary,
      this.#list,
    );
    this.#offer(collections.querySelector("select"));
  }

  async #offer(select) {
    const { collection } = this.#query;
    for (const name of await knownCollections()) {
      if (name !== collection) select.append(h("option", { value: name }, name));
    }
  }

  #change(part, anew = false) {
    this.#query = { ...this.#query, ...part };
    const { sort, ...rest } = this.#query;
    renameSoon(link(["library"], { ...rest, sort: sort === "newest" ? "" : sort }));
    if (anew) this.#build();
    this.ready = this.#load();
  }

  #path(limit, offset = 0) {
    const { sort, ...filters } = this.#query;
    const [sort_by, sort_order] = ORDERS[sort];
    return withQuery("/api/v1/documents", { ...filters, sort_by, sort_order, limit, offset });
  }

  /** The first rows. A newer call ends an older one, so that an old reply never replaces a new one. */
  async #load() {
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    try {
      const reply = await get(this.#path(ROWS), signal);
      this.#take(reply, reply.documents);
    } catch (error) {
      if (signal.aborted || this.life.aborted) return;
      this.#summary.textContent = "";
      this.#list.replaceChildren(h("div", { class: "notice danger", role: "alert" }, h("p", {}, errorText(error)),
        button(t("shell.again"), () => this.#load(), { shape: "retry" })));
    }
  }

  async #more() {
    const button_ = this.#list.querySelector(".more");
    button_.disabled = true;
    try {
      const reply = await get(this.#path(ROWS, this.#documents.length), this.#loading.signal);
      const known = new Set(this.#documents.map((it) => it.document_id));
      const first = reply.documents.find((it) => !known.has(it.document_id));
      this.#take(reply, [...this.#documents, ...reply.documents.filter((it) => !known.has(it.document_id))]);
      // The button is gone or below: who pressed it goes on at the first new row.
      if (first) this.#row(first.document_id)?.querySelector("a, button")?.focus();
    } catch (error) {
      button_.disabled = false;
      if (!this.life.aborted) document.dispatchEvent(new CustomEvent("ids:failed", { detail: { error } }));
    }
  }

  /** As many rows as are shown, without a sign of loading. */
  async #refresh() {
    if (this.life.aborted || connection.isLost) return;
    try {
      const reply = await get(this.#path(Math.min(1000, Math.max(ROWS, this.#documents.length))), this.#loading.signal);
      this.#take(reply, reply.documents);
    } catch (error) {
      // The next look, or the banner, tells. Where the server says when it may be asked again, that look comes by itself.
      if (!(error.retryAfterMs > 0)) return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#refresh(), error.retryAfterMs);
    }
  }

  #take({ total, has_more: hasMore }, documents) {
    this.#documents = documents;
    this.#total = total;
    this.#hasMore = hasMore;
    this.#show();
    clearTimeout(this.#timer);
    const moves = documents.some(({ status }) => !hasEnded(status) && status !== "awaiting_upload");
    if (moves && !document.hidden) this.#timer = setTimeout(() => this.#refresh(), REFRESH_MS);
  }

  #replace(changed) {
    this.#documents = this.#documents.map((it) => (it.document_id === changed.document_id ? changed : it));
    this.#show();
  }

  #show() {
    const shown = this.#documents.filter(({ document_id: id }) => !removals.hides(id));
    const total = this.#total - (this.#documents.length - shown.length);
    const summary = counted("library.count", total);
    if (this.#summary.textContent !== summary) this.#summary.textContent = summary;
    if (shown.length === 0 && !this.#hasMore) {
      this.#list.replaceChildren(this.#isLimited() ? this.#nothingFits() : this.#nothingYet());
      return;
    }
    let list = this.#list.querySelector("ul");
    if (!list) {
      list = h("ul", { class: "documents", "aria-label": t("library.title") });
      this.#list.replaceChildren(list);
    }
    showRows(list, shown);
    this.#list.querySelector(".more")?.remove();
    if (this.#hasMore) this.#list.append(button(t("library.more"), () => this.#more(), { className: "quiet more" }));
  }

  #row(id) {
    return this.#list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  #isLimited() {
    const { search, collection, tags, status } = this.#query;
    return Boolean(search || collection || tags || status);
  }

  #nothingFits() {
    const clear = () => this.#change({ search: "", collection: "", tags: "", status: "" }, true);
    return h("div", { class: "empty" }, icon("filter"), h("h2", {}, t("library.nothing_fits")),
      button(t("library.clear"), clear, {}));
  }

  #nothingYet() {
    return h("div", { class: "empty" }, icon("library"), h("h2", {}, t("library.empty")), h("p", { "data-needs": "ingest" }, t("library.empty_text")),
      button(t("uploads.add"), () => this.tell("ids:add", {}), { shape: "upload", className: "primary", "data-needs": "ingest" }));
  }
}

/** Rows that are there stay, so that focus does. */
function showRows(list, documents) {
  const rows = new Map([...list.children].map((row) => [row.dataset.id, row]));
  documents.forEach((document_, index) => {
    const id = document_.document_id;
    const row = rows.get(id) ?? h("li", { "data-id": id }, h("ids-document-row"));
    rows.delete(id);
    row.firstChild.document = document_;
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  for (const row of rows.values()) row.remove();
}

customElements.define("ids-library", IdsLibrary);
