// One file on its way to the server: announced, sent, accepted.

import { access } from "./access.js";
import { connection } from "./connection.js";
import { ApiError, errorFrom, post, remove, unreachable } from "./api.js";
import { typeOf } from "./types.js";

/** Origins that this page could not send to while the server itself answered: a bucket without CORS for this page, or out of
 * its reach. Until the page is loaded anew files go through the server at once. */
const blocked = new Set();

/** What may become of a signed address although a new one would do. */
const STALE = new Set(["UPLOAD_SIGNATURE_INVALID", "UPLOAD_EXPIRED", "UPLOAD_INCOMPLETE"]);

/** A bucket speaks XML, and in English: its status says enough. */
const OF_BUCKET = {
  400: "UPLOAD_SIGNATURE_INVALID", 403: "UPLOAD_SIGNATURE_INVALID", 409: "UPLOAD_INCOMPLETE", 410: "UPLOAD_EXPIRED", 413: "FILE_TOO_LARGE",
  429: "BUSY", 500: "BUSY", 502: "BUSY", 503: "BUSY", 504: "BUSY", 507: "STORAGE_FULL",
};
/** It asks for patience without saying how much. */
const BUCKET_REST_MS = 5_000;

/**
 * Sends `file` and resolves with {documentId, jobId} once it is accepted. `details` is {collection, tags}. Tells of each
 * step: `onAnnounced({documentId, uploadId})` as soon as the document has an id, `onSent(bytes)` as bytes leave,
 * `onStored()` when all are there and only have to be accepted.
 */
export async function send(file, details, steps) {
  if (blocked.has(access.info?.upload_origin)) return sendAsForm(file, details, steps);
  try {
    return await sendSigned(file, details, steps);
  } catch (error) {
    if (steps.signal.aborted || !STALE.has(error.code)) throw error;
    // Once: an address that a slow line let expire, or a clock that is wrong. Again would be the same again.
    return sendSigned(file, details, steps);
  }
}

/** By an address made for this one file. */
async function sendSigned(file, details, steps) {
  const { onAnnounced, onStored, signal } = steps;
  const announced = await post("/api/v1/documents/upload/presigned", {
    filename: file.name, file_size: file.size, content_type: typeOf(file), ...stated(details),
  }, signal);
  const { document_id: documentId, upload_id: uploadId } = announced;
  onAnnounced({ documentId, uploadId });
  try {
    await put(announced, file, steps);
    onStored();
    return { documentId, jobId: await accept(documentId, uploadId, signal) };
  } catch (error) {
    if (signal.aborted || !(error instanceof BlockedError || STALE.has(error.code))) throw error;
    // The one that was announced waits for bytes that will not come.
    remove(documentPath(documentId)).catch(() => {});
    if (!(error instanceof BlockedError)) throw error;
    return sendAsForm(file, details, steps);
  }
}

/** Says that the bytes are there. Called again it gives the same job: so it also finds out after a reload whether they are. */
export async function accept(documentId, uploadId, signal) {
  return (await post(`${documentPath(documentId)}/process`, { upload_id: uploadId }, signal)).job_id;
}

/** The address for the bytes cannot be reached from this page, while the server itself can: another host, no CORS. */
class BlockedError extends Error {}

async function put({ upload_url: url, method, headers }, file, { onSent, signal }) {
  const { origin } = new URL(url, location.href);
  const isOurs = origin === location.origin;
  if (blocked.has(origin)) throw new BlockedError();
  let reply;
  try {
    reply = await transfer(method, url, headers, file, onSent, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const reason = await whyNot(file);
    if (reason instanceof BlockedError && !isOurs) blocked.add(origin);
    throw reason;
  }
  if (reply.isOk) return;
  const error = isOurs ? refusal(reply) : refusalOfBucket(reply);
  // An earlier try has brought them: the answer to it was lost.
  if (error.code !== "UPLOAD_URL_USED") throw error;
}

/** In one request through the server itself; `details` may hold the `password` of the file, too. */
export async function sendAsForm(file, details, { onAnnounced, onSent, signal }) {
  const form = new FormData();
  const { collection, tags } = stated(details);
  if (collection) form.append("collection", collection);
  for (const tag of tags ?? []) form.append("tags", tag);
  if (details.password) form.append("password", details.password);
  form.append("file", file, file.name);
  for (;;) {
    const { age } = access;
    const reply = await transfer("POST", "/api/v1/documents", {}, form, (sent) => onSent(Math.min(sent, file.size)), signal)
      .catch(async (error) => {
        if (signal.aborted) throw error;
        const reason = await whyNot(file);
        throw reason instanceof BlockedError ? broken() : reason;
      });
    if (reply.status === 401 && (await access.renewed(age))) continue;
    if (!reply.isOk) throw refusal(reply);
    const { document_id: documentId, job_id: jobId } = reply.body ?? {};
    if (!jobId) throw broken();
    onAnnounced({ documentId, uploadId: null });
    return { documentId, jobId };
  }
}

/** `fetch` does not tell how much has been sent; this does. Throws without a reason when there is no reply. */
function transfer(method, url, headers, body, onSent, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) {
      // Browsers set the length themselves and refuse to be told.
      if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => resolve({
      status: request.status, isOk: request.status >= 200 && request.status < 300, statusText: request.statusText,
      body: parsed(request.responseText),
      // Of another origin it can only be read where its CORS says so; asking all the same is an error in the console.
      retryAfterMs: new URL(url, location.href).origin === location.origin ? 1000 * (Number(request.getResponseHeader("retry-after")) || 0) : 0,
    });
    request.onerror = () => reject(new Error("no reply"));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

function refusal({ status, body, statusText, retryAfterMs }) {
  return Object.assign(errorFrom(status, body, statusText), { retryAfterMs });
}

function refusalOfBucket({ status, statusText }) {
  const error = new ApiError({ code: OF_BUCKET[status] ?? "INTERNAL", detail: statusText || `HTTP ${status}`, status });
  if (error.code === "BUSY") error.retryAfterMs = BUCKET_REST_MS;
  return error;
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

function broken() {
  return new ApiError({ code: "INTERNAL", detail: "the reply broke off" });
}

function documentPath(id) {
  return `/api/v1/documents/${encodeURIComponent(id)}`;
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
