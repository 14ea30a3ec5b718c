// Files dropped anywhere on the page.

import { access } from "./access.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { parse } from "./router.js";

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

/** Calls `take({entries, files, collection})` for each drop. Entries are read here: after the event they are gone. */
export function watchDrops(take) {
  let veil = null;

  const hide = () => {
    veil?.remove();
    veil = null;
  };

  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    const mayAdd = access.allows("ingest");
    event.dataTransfer.dropEffect = mayAdd ? "copy" : "none";
    if (veil || !mayAdd) return;
    const collection = currentCollection();
    const text = collection ? t("uploads.drop_into", { collection }) : t("uploads.drop");
    veil = h("div", { class: "drop-veil" }, h("p", {}, text));
    document.body.append(veil);
  });
  document.addEventListener("dragleave", (event) => {
    // Leaving one element for another is no leaving of the window.
    if (event.relatedTarget === null) hide();
  });
  document.addEventListener("drop", (event) => {
    hide();
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (!access.allows("ingest")) return;
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    take({ entries, files: [...event.dataTransfer.files], collection: currentCollection() });
  });
}

/** Whoever looks at one collection and drops a file there means that collection. */
export function currentCollection() {
  return parse(location.hash).fields.get("collection") ?? "";
}
