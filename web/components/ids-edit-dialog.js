// Small dialogs that change a few words: a document's title, description and tags, a conversation's name.

import { patch } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { splitTags } from "../lib/filters.js";
import { errorText, t } from "../lib/i18n.js";
import { knownTags } from "../lib/known.js";

/** The server refuses longer titles. */
const DOCUMENT_TITLE = 300;
const CONVERSATION_TITLE = 120;

/** Resolves with the changed document, or null. */
export function editDocument(document_) {
  const tags = h("datalist", { id: "edit-tags" });
  knownTags().then((names) => tags.replaceChildren(...names.map((name) => h("option", { value: name }))));
  return edit({
    title: t("edit.document"),
    fields: [
      textField(t("edit.title"), "title", document_.title, { required: true, maxlength: String(DOCUMENT_TITLE) }),
      h("label", { class: "field" }, h("span", {}, t("edit.description")),
        h("textarea", { name: "description", rows: "3", maxlength: "5000", dir: "auto" }, document_.description ?? "")),
      textField(t("edit.tags"), "tags", document_.tags.join(", "), { list: tags.id }),
      tags,
    ],
    save: (form) => patch(`/api/v1/documents/${encodeURIComponent(document_.document_id)}`, {
      title: form.get("title").trim(), description: form.get("description").trim(), tags: splitTags(form.get("tags")),
    }),
  });
}

/** Resolves with the changed conversation, or null. */
export function renameConversation(session) {
  return edit({
    title: t("edit.conversation"),
    fields: [textField(t("edit.title"), "title", session.title, { required: true, maxlength: String(CONVERSATION_TITLE) })],
    save: (form) => patch(`/api/v1/chat/sessions/${encodeURIComponent(session.session_id)}`, { title: form.get("title").trim() }),
  });
}

function textField(label, name, value, attributes) {
  return h("label", { class: "field" }, h("span", {}, label),
    h("input", { type: "text", name, value, dir: "auto", autocomplete: "off", ...attributes }));
}

function edit({ title, fields, save }) {
  return new Promise((resolve) => {
    let changed = null;
    const failure = h("p", { class: "notice danger", role: "alert", hidden: true });
    const submit = h("button", { type: "submit", class: "primary" }, t("edit.save"));
    const form = h("form", { onsubmit: async (event) => {
      event.preventDefault();
      submit.disabled = true;
      try {
        changed = await save(new FormData(form));
        dialog.close();
      } catch (error) {
        failure.textContent = errorText(error);
        failure.hidden = false;
        submit.disabled = false;
      }
    } },
    h("h2", { id: "edit-title" }, title), fields, failure,
    h("div", { class: "actions end" }, h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("edit.cancel")), submit));
    const dialog = h("dialog", { "aria-labelledby": "edit-title" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(changed);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
