// Asks for files or a folder, and what is to be said of them.

import { button, h, icon, iconButton } from "../lib/dom.js";
import { filesIn } from "../lib/entries.js";
import { splitTags } from "../lib/filters.js";
import { t } from "../lib/i18n.js";
import { knownCollections, knownTags } from "../lib/known.js";

/** Resolves with {files, collection, tags}, or null when nothing was chosen. `pick` opens the system's dialog at once. */
export function chooseFiles(pick, collection) {
  if (pick) return pickFiles(pick).then((files) => (files.length > 0 ? { files, collection, tags: [] } : null));
  return new Promise((resolve) => ask(collection, resolve));
}

function pickFiles(kind) {
  return new Promise((resolve) => {
    const input = h("input", { type: "file", multiple: true, webkitdirectory: kind === "folder" });
    input.addEventListener("change", () => resolve([...input.files]));
    input.addEventListener("cancel", () => resolve([]));
    input.click();
  });
}

function ask(collection, resolve) {
  let chosen = null;
  const collections = h("datalist", { id: "dialog-collections" });
  const tags = h("datalist", { id: "dialog-tags" });
  const collectionField = h("input", {
    type: "text", name: "collection", value: collection, list: collections.id, placeholder: t("uploads.collection_default"),
    maxlength: "100", autocomplete: "off",
  });
  const tagField = h("input", { type: "text", name: "tags", list: tags.id, placeholder: t("filters.tags_placeholder"), autocomplete: "off" });
  const take = (files) => {
    if (files.length === 0) return;
    chosen = { files, collection: collectionField.value.trim(), tags: splitTags(tagField.value) };
    dialog.close();
  };
  const dropZone = h("div", { class: "drop-here" },
    icon("upload"),
    h("p", {}, t("uploads.drop_here")),
    h("p", { class: "actions" },
      button(t("uploads.choose_files"), async () => take(await pickFiles("files")), { shape: "file", className: "primary", autofocus: true }),
      button(t("uploads.choose_folder"), async () => take(await pickFiles("folder")), { shape: "folder" })));
  const dialog = h("dialog", { class: "upload-dialog", "aria-labelledby": "upload-title" },
    h("header", { class: "dialog-head" },
      h("h2", { id: "upload-title" }, t("uploads.add")),
      iconButton(t("shell.close"), "close", () => dialog.close())),
    h("div", { class: "pair" },
      h("label", { class: "field" }, h("span", {}, t("uploads.collection")), collectionField, collections),
      h("label", { class: "field" }, h("span", {}, t("uploads.tags")), tagField, tags)),
    dropZone,
    h("p", { class: "hint" }, t("uploads.kinds")));

  // What is dropped into the dialog gets what is written in it; elsewhere the page takes it.
  dropZone.addEventListener("dragover", (event) => event.preventDefault());
  dialog.addEventListener("drop", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    document.querySelector(".drop-veil")?.remove();
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    take(await filesIn(entries));
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(chosen);
  });
  document.body.append(dialog);
  dialog.showModal();
  offer(collections, knownCollections());
  offer(tags, knownTags());
}

async function offer(list, names) {
  list.replaceChildren(...(await names).map((name) => h("option", { value: name })));
}
