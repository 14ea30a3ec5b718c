// What a search or question is limited to, in an address and in a request.

import { KINDS } from "./types.js";

export const MODES = ["hybrid", "keyword", "semantic"];

/** Filters of an address: {collection, kind, tags, mode, document}; `document` holds ids parted by commas. */
export function readFilters(fields) {
  const mode = fields.get("mode");
  const kind = fields.get("kind");
  return {
    collection: fields.get("collection") ?? "",
    kind: Object.hasOwn(KINDS, kind ?? "") ? kind : "",
    tags: fields.get("tags") ?? "",
    mode: MODES.includes(mode) ? mode : "hybrid",
    document: fields.get("document") ?? "",
  };
}

/** The same for an address; what is not limited is left out. */
export function writeFilters({ collection, kind, tags, mode, document }) {
  const fields = { collection, kind, tags, document, mode: mode === "hybrid" ? "" : mode };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value));
}

/** The same for a request to search or ask. */
export function requestFilters({ collection, kind, tags, document }) {
  const list = splitTags(tags);
  return {
    ...(collection && { collection }),
    ...(kind && { content_types: KINDS[kind] }),
    ...(list.length > 0 && { tags: list }),
    ...(document && { document_ids: documentIds(document) }),
  };
}

/** Filters of what the server says a conversation is limited to. */
export function filtersOfScope({ collection, document_ids: ids = [], content_types: types = [], tags = [] } = {}) {
  const kind = Object.keys(KINDS).find((key) => KINDS[key].length === types.length && types.every((type) => KINDS[key].includes(type)));
  return { collection: collection ?? "", kind: kind ?? "", tags: tags.join(", "), mode: "hybrid", document: ids.join(",") };
}

/** The ids in the filter `document`. */
export function documentIds(document) {
  return splitTags(document);
}

export function splitTags(text) {
  return text.split(",").map((tag) => tag.trim()).filter(Boolean);
}
