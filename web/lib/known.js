// Names that are in use already, to be offered where one may be typed.

import { access } from "./access.js";
import { get } from "./api.js";

/** The newest documents' tags: enough for suggestions, without asking for the whole library. */
const DOCUMENTS = 200;

export async function knownTags() {
  if (!access.allows("read")) return [];
  try {
    const { documents } = await get(`/api/v1/documents?limit=${DOCUMENTS}`);
    return [...new Set(documents.flatMap(({ tags }) => tags))].sort((a, b) => a.localeCompare(b));
  } catch {
    return []; // a suggestion less
  }
}

export async function knownCollections() {
  if (!access.allows("read")) return [];
  try {
    return (await get("/api/v1/collections")).collections.map(({ name }) => name);
  } catch {
    return [];
  }
}
