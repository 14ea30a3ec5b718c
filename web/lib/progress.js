// Where documents stand on the server, told as it changes.

import { get } from "./api.js";
import { pause } from "./element.js";

export const ENDS = new Set(["completed", "failed", "duplicate", "cancelled"]);
const POLL_MS = 1_500;

export function hasEnded(status) {
  return ENDS.has(status);
}

/** Calls `tell(status)` with the body of /status, now and at each change, until the end or until `signal`. */
export async function follow(documentId, tell, signal) {
  const path = `/api/v1/documents/${encodeURIComponent(documentId)}`;
  while (!signal.aborted) {
    const ended = await listen(`${path}/events`, tell, signal);
    if (ended || signal.aborted) return;
    // The stream broke off: a proxy that does not pass streams on, or the server is gone. Asking finds out which.
    const status = await get(`${path}/status`, signal);
    tell(status);
    if (hasEnded(status.status)) return;
    await pause(POLL_MS, signal);
  }
}

/** Whether the document has come to its end; false when the stream broke off before. */
function listen(path, tell, signal) {
  return new Promise((resolve) => {
    const events = new EventSource(path);
    const end = (ended) => {
      events.close();
      signal.removeEventListener("abort", onAbort);
      resolve(ended);
    };
    const onAbort = () => end(false);
    signal.addEventListener("abort", onAbort);
    events.addEventListener("status", (event) => {
      const status = JSON.parse(event.data);
      tell(status);
      if (hasEnded(status.status)) end(true);
    });
    // It would try again by itself, but not say whether the document is still there.
    events.onerror = () => end(false);
  });
}
