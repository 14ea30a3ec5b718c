// Calls to the server. Every failure becomes an `ApiError`, by its code.

import { access } from "./access.js";
import { connection } from "./connection.js";

/** The code of a failure that is not the server's word: it could not be asked at all. */
export const UNREACHABLE = "UNREACHABLE";

/** What a proxy answers when the server behind it is gone. */
const GATEWAY = new Set([502, 503, 504]);

export class ApiError extends Error {
  constructor({ code, detail, requestId, fields = [], status = 0 }) {
    super(detail);
    this.code = code;
    this.detail = detail;
    this.requestId = requestId;
    /** Of VALIDATION_FAILED: [{field, reason}]. */
    this.fields = fields;
    this.status = status;
    /** How long the server asks to be left alone. */
    this.retryAfterMs = 0;
  }
}

export function get(path, signal) {
  return call(path, { signal });
}

export function post(path, body, signal) {
  return call(path, { method: "POST", ...json(body), signal });
}

/** As one form, with a file in it. */
export function postForm(path, form) {
  return call(path, { method: "POST", body: form });
}

export function patch(path, body, signal) {
  return call(path, { method: "PATCH", ...json(body), signal });
}

/** `keepalive` lets it outlive the page. */
export function remove(path, keepalive = false) {
  return call(path, { method: "DELETE", keepalive });
}

/** Sends a question and gives the reply itself, to be read as it comes. */
export async function postForStream(path, body, signal) {
  const response = await reach(path, { method: "POST", ...json(body), signal });
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** Asks for a file, only to learn why the browser could not show it. */
export async function look(path, signal) {
  const response = await reach(path, { signal });
  if (!response.ok) throw await errorOf(response);
  await response.blob();
}

/** Path and query string; what is empty is left out, lists are repeated. */
export function withQuery(path, fields) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null && one !== "") query.append(name, one);
    }
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** The failure that a reply tells of. */
export async function errorOf(response) {
  const error = errorFrom(response.status, await response.json().catch(() => null), response.statusText);
  // Its other form, a date, is that of proxies in maintenance.
  error.retryAfterMs = 1000 * (Number(response.headers.get("retry-after")) || 0);
  return error;
}

export function errorFrom(status, body, statusText = "") {
  if (body?.error_code) {
    const { error_code: code, detail, request_id: requestId, fields } = body;
    return new ApiError({ code, detail, requestId, fields, status });
  }
  // Something between here and the server answered in its own words.
  if (GATEWAY.has(status)) {
    connection.lost();
    return unreachable();
  }
  return new ApiError({ code: "INTERNAL", detail: statusText || `HTTP ${status}`, status });
}

export function unreachable() {
  return new ApiError({ code: UNREACHABLE, detail: "the server cannot be reached" });
}

function json(body) {
  return { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

async function call(path, options) {
  const response = await reach(path, options);
  if (!response.ok) throw await errorOf(response);
  if (response.status === 204) return null;
  const body = await response.json().catch(() => null);
  if (body === null) throw errorFrom(response.status, null, "the reply broke off");
  return body;
}

async function reach(path, options) {
  for (;;) {
    const { age } = access;
    let response;
    try {
      response = await fetch(path, options);
    } catch (error) {
      if (options.signal?.aborted) throw error;
      connection.lost();
      throw unreachable();
    }
    if (response.status !== 401 || !(await access.renewed(age))) return response;
  }
}
