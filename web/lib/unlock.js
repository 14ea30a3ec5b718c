// Files that a password opens. It goes to the server once, in the body of the one request that needs it, and is kept nowhere.

import { post, postForm } from "./api.js";
import { OPENED_BY_PASSWORD } from "./types.js";

/** Whether a password may open what has failed: of other protected kinds (archives, old Office files, books) none does. */
export function mayBeOpened(contentType, errorCode) {
  return errorCode === "ENCRYPTED" && OPENED_BY_PASSWORD.has(contentType?.split(";")[0].trim());
}

/** Opens a document that failed for want of its password, from the bytes that the server has; or from `file`, where it has them no more. */
export function openDocument(documentId, password, file = null) {
  if (!file) return post(`/api/v1/documents/${encodeURIComponent(documentId)}/reindex`, { password });
  const form = new FormData();
  form.append("document_id", documentId);
  form.append("password", password);
  form.append("file", file, file.name);
  return postForm("/api/v1/documents", form);
}
