// Calls to the server. Every failure of it becomes an `ApiError`, by its code.

export class ApiError extends Error {
  constructor(code, detail, requestId) {
    super(detail);
    this.code = code;
    this.detail = detail;
    this.requestId = requestId;
  }
}

export function get(path, signal) {
  return call(path, { signal });
}

export function post(path, body, signal) {
  const headers = { "content-type": "application/json" };
  return call(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function call(path, options) {
  const response = await fetch(path, options);
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  // Something between here and the server may answer in its own words.
  throw new ApiError(body?.error_code ?? "INTERNAL", body?.detail ?? response.statusText, body?.request_id);
}
