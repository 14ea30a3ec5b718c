// The states of a document, as people see them.

/** How each status looks; what is not here is being worked on. */
export const LOOKS = { completed: "good", failed: "danger", duplicate: "warn", cancelled: "", awaiting_upload: "warn" };

const READABLE = new Set(["completed", "embedding", "failed", "chunking"]);

/** Whether its first page can be opened. */
export const readable = (it) => READABLE.has(it.status) && Boolean(it.page_count);
