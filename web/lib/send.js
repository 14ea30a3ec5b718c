// One file on its way to the server: announced, sent, accepted.

import { connection } from "./connection.js";
import { ApiError, errorFrom, post, postForm, unreachable } from "./api.js";
import { typeOf } from "./types.js";

/**
 * Sends `file` and resolves with {documentId, jobId} once it is accepted. `details` is {collection, tags}. Tells of each
 * step: `onAnnounced({documentId, uploadId})` as soon as the document has an id, `onSent(bytes)` as bytes leave.
 */
export async function send(file, details, { onAnnounced, onSent, signal }) {
  const announced = await post("/api/v1/documents/upload/presigned", {
    filename: file.name, file_size: file.size, content_type: typeOf(file), ...stated(details),
  }, signal);
  const { document_id: documentId, upload_id: uploadId } = announced;
  onAnnounced({ documentId, uploadId });
  try {
    await put(announced, file, onSent, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof BlockedError)) throw error;
    return sendAsForm(file, details, { documentId, onAnnounced, onSent, signal });
  }
  return { documentId, jobId: await accept(documentId, uploadId, signal) };
}

/** Says that the bytes are there. Called again it gives the same job: so it also finds out after a reload whether they are. */
export async function accept(documentId, uploadId, signal) {
  const path = `/api/v1/documents/${encodeURIComponent(documentId)}/process`;
  return (await post(path, { upload_id: uploadId }, signal)).job_id;
}

/** The address for the bytes cannot be reached from this page, while the server itself can: another host, no CORS. */
class BlockedError extends Error {}

/** `fetch` does not tell how much has been sent; this does. */
function put({ upload_url: url, method, headers }, file, onSent, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) {
      // Browsers set the length themselves and refuse to be told.
      if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(errorFrom(request.status, parsed(request.responseText), request.statusText));
    };
    request.onerror = () => whyNot(file).then(reject);
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

/** The browser does not say why a request failed: the file may be gone, the server, or only the way to that address. */
async function whyNot(file) {
  const readable = await file.slice(0, 1).arrayBuffer().then(() => true, () => false);
  if (!readable) return new ApiError({ code: "FILE_UNREADABLE", detail: "the file cannot be read any more" });
  const answers = await fetch("/live", { cache: "no-store" }).then((response) => response.ok, () => false);
  if (answers) return new BlockedError();
  connection.lost();
  return unreachable();
}

/** In one request through the server itself. */
async function sendAsForm(file, details, { documentId, onAnnounced, onSent, signal }) {
  const form = new FormData();
  const { collection, tags } = stated(details);
  if (collection) form.append("collection", collection);
  for (const tag of tags ?? []) form.append("tags", tag);
  form.append("file", file, file.name);
  const reply = await postForm("/api/v1/documents", form, signal);
  onSent(file.size);
  // The one that was announced waits for bytes that will not come.
  fetch(`/api/v1/documents/${encodeURIComponent(documentId)}`, { method: "DELETE" }).catch(() => {});
  onAnnounced({ documentId: reply.document_id, uploadId: null });
  return { documentId: reply.document_id, jobId: reply.job_id };
}

function stated({ collection, tags }) {
  return { ...(collection && { collection }), ...(tags?.length > 0 && { tags }) };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
