// All conversations: looked for, renamed, deleted.

import { get, withQuery } from "../lib/api.js";
import { connection } from "../lib/connection.js";
import { button, foreign, h, icon, iconButton, skeleton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { keepFocus, rescueFocus } from "../lib/focus.js";
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
    this.listen(removals, "change", ({ detail: { id, undone } }) => {
      this.#show();
      // Whoever took it back goes on where it is again.
      if (undone) this.#focusOn(this.#rowOf(id), "delete");
    });
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

  #fetch(signal, offset = "") {
    return get(withQuery("/api/v1/chat/sessions", { search: this.#search.trim(), limit: ROWS, offset }), signal);
  }

  /** The first rows. A newer call ends an older one. */
  async #load() {
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    try {
      const reply = await this.#fetch(signal);
      this.#sessions = reply.sessions;
      this.#hasMore = reply.has_more;
      this.#show();
    } catch (error) {
      if (signal.aborted) return;
      this.#list.replaceChildren(h("div", { class: "notice danger", role: "alert" }, h("p", {}, errorText(error)),
        button(t("shell.again"), () => this.#load(), { shape: "retry" })));
    }
  }

  async #more() {
    const { signal } = this.#loading;
    try {
      const reply = await this.#fetch(signal, this.#sessions.length);
      const known = new Set(this.#sessions.map((it) => it.session_id));
      const more = reply.sessions.filter((it) => !known.has(it.session_id));
      this.#sessions = [...this.#sessions, ...more];
      this.#hasMore = reply.has_more;
      this.#show();
      // The button is gone or below: who pressed it goes on at the first new row.
      if (more.length > 0) this.#focusOn(this.#rowOf(more[0].session_id), "title");
    } catch (error) {
      if (!signal.aborted) document.dispatchEvent(new CustomEvent("ids:failed", { detail: { error } }));
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
    let list = this.#list.querySelector("ul");
    if (!list) {
      list = h("ul", { class: "documents", "aria-label": t("conversations.title") });
      this.#list.replaceChildren(list);
    }
    this.#showRows(list, shown);
    this.#list.querySelector(".more")?.remove();
    if (this.#hasMore) this.#list.append(button(t("library.more"), () => this.#more(), { className: "quiet more" }));
  }

  /** Rows that are there stay, so that focus does. */
  #showRows(list, sessions) {
    const rows = new Map([...list.children].map((row) => [row.dataset.id, row]));
    const wanted = sessions.map((session) => {
      const row = rows.get(session.session_id) ?? h("li", { class: "session", "data-id": session.session_id });
      rows.delete(session.session_id);
      keepFocus(row, () => this.#fill(row, session));
      return row;
    });
    for (const row of rows.values()) row.remove();
    wanted.forEach((row, index) => {
      if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
    });
  }

  #rowOf(id) {
    return this.#list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  #focusOn(row, name) {
    row?.querySelector(`[data-focus="${name}"]`)?.focus();
  }

  /** The row is gone at once: who deleted it by keyboard goes on at the one below it, else above. */
  #remove({ session_id: id, title }) {
    const row = this.#rowOf(id);
    const neighbor = row.nextElementSibling ?? row.previousElementSibling;
    removals.add(id, title, `/api/v1/chat/sessions/${encodeURIComponent(id)}`);
    this.#focusOn(neighbor, "delete");
    rescueFocus();
  }

  #fill(row, session) {
    const { session_id: id, title, updated_at: updated, message_count: count } = session;
    const about = { title };
    row.replaceChildren(
      h("div", {},
        h("a", { href: link(["conversations", id]), "data-focus": "title" }, foreign(title)),
        h("p", { class: "place" }, `${counted("conversations.messages", count)} · ${ago(updated)}`)),
      h("div", { class: "row-actions" },
        iconButton(t("conversations.rename", about), "edit", async () => {
          const changed = await renameConversation(session);
          // The row may have been made anew behind the dialog.
          if (document.activeElement === document.body) this.#focusOn(this.#rowOf(id), "rename");
          if (!changed) return;
          this.#sessions = this.#sessions.map((it) => (it.session_id === id ? { ...it, title: changed.title } : it));
          this.#show();
        }, { "data-focus": "rename" }),
        iconButton(t("conversations.delete", about), "trash", () => this.#remove(session), { "data-focus": "delete" })));
  }
}

customElements.define("ids-conversations", IdsConversations);
