// All conversations: looked for, renamed, deleted.

import { get, withQuery } from "../lib/api.js";
import { connection } from "../lib/connection.js";
import { button, foreign, h, icon, iconButton, skeleton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { ago } from "../lib/format.js";
import { counted, errorText, t } from "../lib/i18n.js";
import { removals } from "../lib/removals.js";
import { link, renameSoon } from "../lib/router.js";
import { renameConversation } from "./ids-edit-dialog.js";

const ROWS = 50;

class IdsConversations extends IdsElement {
  route;
  ready = Promise.resolve();
  #search = "";
  #sessions = [];
  #hasMore = false;
  #loading = new AbortController();
  #list;

  connected() {
    this.#search = this.route.fields.get("search") ?? "";
    this.#build();
    this.ready = this.#load();
    this.listen(connection, "back", () => this.#load());
    this.listen(removals, "change", () => this.#show());
  }

  disconnectedCallback() {
    this.#loading.abort();
    super.disconnectedCallback();
  }

  retranslate() {
    this.#build();
    this.#show();
  }

  #build() {
    this.#list = h("div", { class: "session-list" }, skeleton(4, t("shell.loading")));
    this.replaceChildren(
      h("div", { class: "sessions" },
        h("header", { class: "view-head" }, h("h1", {}, t("conversations.title")),
          h("a", { class: "button quiet", href: "#/" }, icon("ask"), t("conversation.ask_new"))),
        h("label", { class: "field" }, h("span", {}, t("conversations.search")),
          h("input", { type: "search", value: this.#search, autocomplete: "off", "data-main-field": true, oninput: (event) => {
            this.#search = event.target.value;
            renameSoon(link(["conversations"], { search: this.#search }));
            this.#load();
          } })),
        this.#list));
  }

  async #load(offset = 0) {
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    try {
      const reply = await get(withQuery("/api/v1/chat/sessions", { search: this.#search.trim(), limit: ROWS, offset: offset || "" }), signal);
      this.#sessions = offset > 0 ? [...this.#sessions, ...reply.sessions] : reply.sessions;
      this.#hasMore = reply.has_more;
      this.#show();
    } catch (error) {
      if (signal.aborted) return;
      this.#list.replaceChildren(h("div", { class: "notice danger", role: "alert" }, h("p", {}, errorText(error)),
        button(t("shell.again"), () => this.#load(), { shape: "retry" })));
    }
  }

  #show() {
    const shown = this.#sessions.filter(({ session_id: id }) => !removals.hides(id));
    if (shown.length === 0) {
      const isSearch = this.#search.trim() !== "";
      this.#list.replaceChildren(h("div", { class: "empty" }, icon("ask"),
        h("h2", {}, t(isSearch ? "conversations.none_found" : "conversations.empty")),
        !isSearch && h("p", {}, t("conversations.empty_text")),
        !isSearch && h("a", { class: "button primary", href: "#/" }, t("conversation.ask_new"))));
      return;
    }
    this.#list.replaceChildren(
      h("ul", { class: "documents", "aria-label": t("conversations.title") }, shown.map((session) => this.#row(session))),
      ...(this.#hasMore ? [button(t("library.more"), () => this.#load(this.#sessions.length), { className: "quiet more" })] : []));
  }

  #row(session) {
    const { session_id: id, title, updated_at: updated, message_count: count } = session;
    const about = { title };
    return h("li", { class: "session" },
      h("div", {},
        h("a", { href: link(["conversations", id]) }, foreign(title)),
        h("p", { class: "place" }, `${counted("conversations.messages", count)} · ${ago(updated)}`)),
      h("div", { class: "row-actions" },
        iconButton(t("conversations.rename", about), "edit", async () => {
          const changed = await renameConversation(session);
          if (!changed) return;
          this.#sessions = this.#sessions.map((it) => (it.session_id === id ? { ...it, title: changed.title } : it));
          this.#show();
        }),
        iconButton(t("conversations.delete", about), "trash", () => removals.add(id, title, `/api/v1/chat/sessions/${encodeURIComponent(id)}`))));
  }
}

customElements.define("ids-conversations", IdsConversations);
