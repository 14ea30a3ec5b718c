// Beneath an empty field: what was added and asked lately; in an empty library, how to begin.

import { access } from "../lib/access.js";
import { get } from "../lib/api.js";
import { connection } from "../lib/connection.js";
import { button, foreign, h, icon, skeleton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { ago } from "../lib/format.js";
import { counted, errorText, t } from "../lib/i18n.js";
import { link, pageLink } from "../lib/router.js";
import { LOOKS, readable } from "../lib/states.js";

const LATEST = 5;
const NONE = { sessions: [] };

class IdsWelcome extends IdsElement {
  ready = Promise.resolve();

  connected() {
    this.replaceChildren(skeleton(3, t("shell.loading")));
    this.ready = this.#load();
    this.listen(connection, "back", () => this.#load());
    this.listen(document, "ids:library-changed", () => this.#load());
  }

  async #load() {
    try {
      const read = (path) => access.allows("read") && get(path, this.life);
      const [stats, documents, sessions] = await Promise.all([
        read("/api/v1/documents/stats"),
        read(`/api/v1/documents?limit=${LATEST}`),
        // Conversations are a courtesy here: without them the rest is still of use.
        access.allows("ask") ? get(`/api/v1/chat/sessions?limit=${LATEST}`, this.life).catch(() => NONE) : NONE,
      ]);
      if (stats?.total_documents === 0) this.replaceChildren(access.allows("ingest") ? this.#firstSteps() : h("p", { class: "hint" }, t("library.empty")));
      else this.replaceChildren(this.#latest(stats, documents.documents, sessions.sessions));
    } catch (error) {
      if (this.life.aborted) return;
      this.replaceChildren(h("p", { class: "notice danger", role: "alert" }, errorText(error)));
    }
  }

  #firstSteps() {
    const step = (shape, name) =>
      h("li", {}, icon(shape), h("div", {}, h("h3", {}, t(`welcome.${name}`)), h("p", {}, t(`welcome.${name}_text`))));
    return h("section", { class: "first-steps" },
      h("div", { class: "drop-here" },
        icon("upload"),
        h("h2", {}, t("welcome.title")),
        h("p", {}, t("welcome.text")),
        h("p", { class: "actions" },
          button(t("uploads.choose_files"), () => this.tell("ids:add", { pick: "files" }), { shape: "file", className: "primary" }),
          button(t("uploads.choose_folder"), () => this.tell("ids:add", { pick: "folder" }), { shape: "folder" }))),
      h("ol", { class: "steps" }, step("upload", "add"), step("search", "find"), step("quote", "check")));
  }

  #latest(stats, documents, sessions) {
    const figures = stats ? this.#figures(stats) : [];
    const parts = [
      figures.length > 0 && h("p", { class: "summary" }, figures.join(" · ")),
      h("div", { class: "columns" },
        documents && list(t("welcome.latest_documents"), documents.map((it) => [readable(it) ? pageLink(it.document_id, 1) : link(["library"]), it.title, whenOf(it), "file"]),
          h("a", { href: link(["library"]) }, t("welcome.all_documents"))),
        sessions.length > 0 && list(t("welcome.latest_questions"),
          sessions.map((it) => [link(["conversations", it.session_id]), it.title, ago(it.updated_at), "ask"]),
          h("a", { href: link(["conversations"]) }, t("welcome.all_questions")))),
    ];
    return h("section", { class: "latest" }, parts);
  }

  #figures(stats) {
    const working = Object.entries(stats.documents)
      .filter(([status]) => ["uploaded", "extracting", "checking_duplicates", "chunking", "embedding"].includes(status))
      .reduce((sum, [, count]) => sum + count, 0);
    const figures = [counted("welcome.documents", stats.total_documents), counted("welcome.pages", stats.total_pages)];
    if (working > 0) figures.push(counted("welcome.working", working));
    return figures;
  }
}

/** One that is not ready says so here as well: its first page may not be there to be opened. */
function whenOf(it) {
  return it.status === "completed" ? ago(it.created_at) : h("span", { class: `badge ${LOOKS[it.status] ?? "busy"}` }, t(`states.${it.status}`));
}

function list(title, rows, all) {
  return h("section", {},
    h("h2", {}, title),
    h("ul", { class: "plain" }, rows.map(([href, text, when, shape]) =>
      h("li", {}, h("a", { href }, icon(shape), foreign(text)), h("span", { class: "when" }, when)))),
    h("p", {}, all));
}

customElements.define("ids-welcome", IdsWelcome);
