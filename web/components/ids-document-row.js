// One document in the library.

import { post } from "../lib/api.js";
import { button, foreign, h, icon, iconButton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { keepFocus, rescueFocus } from "../lib/focus.js";
import { day, size } from "../lib/format.js";
import { counted, errorText, t } from "../lib/i18n.js";
import { removals } from "../lib/removals.js";
import { pageLink } from "../lib/router.js";
import { LOOKS, readable } from "../lib/states.js";
import { kindOf } from "../lib/types.js";
import { mayBeOpened, openDocument } from "../lib/unlock.js";
import { editDocument } from "./ids-edit-dialog.js";

class IdsDocumentRow extends IdsElement {
  #document = null;
  #shown = "";

  connected() {
    this.#shown = "";
    if (this.#document) this.document = this.#document;
  }

  set document(value) {
    this.#document = value;
    const whole = JSON.stringify(value) + document.documentElement.lang;
    if (whole === this.#shown || !this.isConnected) return;
    this.#shown = whole;
    keepFocus(this, () => this.#build(value));
  }

  focusOn(name) {
    this.querySelector(`[data-focus="${name}"]`)?.focus();
  }

  #build(it) {
    const title = readable(it)
      ? h("a", { class: "title", href: pageLink(it.document_id, 1), "data-focus": "title" }, foreign(it.title))
      : h("span", { class: "title" }, foreign(it.title));
    const facts = [
      t(`kinds.${kindOf(it.content_type)}`),
      it.page_count && counted("library.pages", it.page_count),
      size(it.file_size),
      day(it.created_at),
      it.collection !== "default" && it.collection,
    ].filter(Boolean);
    const place = [foreign(it.filename), ...facts.flatMap((fact) => [" · ", foreign(fact)])];
    const tags = it.tags.map((tag) =>
      h("button", { type: "button", class: "tag", "aria-label": t("library.only_tag", { tag }), "data-focus": `tag ${tag}`, onclick: () => this.tell("ids:tag", tag) }, foreign(tag)));
    const badge = h("span", { class: `badge ${LOOKS[it.status] ?? "busy"}` }, t(`states.${it.status}`));
    const reason = this.#reason(it);
    this.replaceChildren(
      h("div", { class: "document-row" },
        h("span", { class: "kind" }, icon("file")),
        h("div", { class: "document-text" },
          title,
          h("p", { class: "place" }, place),
          it.parent_id && this.#origin(it),
          it.description && h("p", { class: "description", dir: "auto" }, it.description),
          tags.length > 0 && h("p", { class: "tags" }, tags),
          reason && h("p", { class: "reason" }, reason, this.#passwordButton(it))),
        badge,
        h("div", { class: "row-actions", "data-needs": "ingest" }, this.#actions(it))),
    );
  }

  /** Where it lies in the archive or mail it came in, and the way there. */
  #origin(it) {
    return h("p", { class: "origin" },
      h("a", { href: pageLink(it.parent_id, 1), "data-focus": "origin", "aria-label": `${t("library.came_in")}: ${it.path}` }, foreign(it.path)));
  }

  #reason(it) {
    if (it.status === "failed" && it.error) return errorText({ code: it.error.error_code, detail: it.error.error });
    if (it.status === "duplicate" && it.duplicate_of) {
      return [t("uploads.duplicate"), " ", h("a", { href: pageLink(it.duplicate_of, 1), "data-focus": "other" }, t("uploads.show_other"))];
    }
    if (it.status === "awaiting_upload") return t("library.never_came");
    return null;
  }

  /** For what a password opens: the way out of its failure. */
  #passwordButton(it) {
    if (it.status !== "failed" || !mayBeOpened(it.content_type, it.error?.error_code)) return null;
    // Of a document that was read before, the server keeps that version and not the one that failed last.
    const needsFile = readable(it);
    return [" ", button(t("password.give"), async () => {
      const { askForPassword } = await import("./ids-password-dialog.js");
      const isOpened = await askForPassword({ name: it.title, needsFile, open: (password, file) => openDocument(it.document_id, password, file) });
      if (isOpened) document.dispatchEvent(new Event("ids:library-changed"));
    }, { className: "link", "aria-label": t("password.give_for", { name: it.title }), "data-needs": "ingest", "data-focus": "password" })];
  }

  #actions(it) {
    const about = { title: it.title };
    const actions = [];
    if (["failed", "cancelled"].includes(it.status) && it.job_id) {
      actions.push(iconButton(t("library.retry", about), "retry", () => this.#job("retry"), { "data-focus": "retry" }));
    }
    if (["uploaded", "extracting", "checking_duplicates", "chunking", "embedding"].includes(it.status) && it.job_id) {
      actions.push(iconButton(t("library.cancel", about), "stop", () => this.#job("cancel"), { "data-focus": "cancel" }));
    }
    actions.push(iconButton(t("library.edit", about), "edit", async () => {
      const changed = await editDocument(this.#document);
      if (changed) this.tell("ids:document-changed", changed);
      // The row was made anew behind the dialog.
      if (document.activeElement === document.body) this.focusOn("edit");
    }, { "data-focus": "edit" }));
    actions.push(iconButton(t("library.delete", about), "trash", () => this.#remove(), { "data-focus": "delete" }));
    return actions;
  }

  async #job(verb) {
    const { job_id: jobId, title } = this.#document;
    try {
      await post(`/api/v1/queue/job/${encodeURIComponent(jobId)}/${verb}`, {});
      document.dispatchEvent(new Event("ids:library-changed"));
    } catch (error) {
      document.dispatchEvent(new CustomEvent("ids:failed", { detail: { title, error } }));
    }
  }

  /** The row is gone at once: who deleted it by keyboard goes on at the one below it, else above. */
  #remove() {
    const { document_id: id, title } = this.#document;
    const row = this.closest("li");
    const neighbor = row?.nextElementSibling ?? row?.previousElementSibling;
    removals.add(id, title, `/api/v1/documents/${encodeURIComponent(id)}`);
    neighbor?.firstChild.focusOn("delete");
    rescueFocus();
  }
}

customElements.define("ids-document-row", IdsDocumentRow);
