// The files that are being added in this tab: each is sent, then followed until the server is through with it. What is
// under way is remembered for the tab, so that a reload finds the accepted ones again and can name those it broke off.

import { UNREACHABLE, post, remove } from "./api.js";
import { connection } from "./connection.js";
import { pause } from "./element.js";
import { follow, hasEnded } from "./progress.js";
import { accept, send, sendAsForm } from "./send.js";
import { keep, ofTab, recall } from "./storage.js";
import { typeOf } from "./types.js";
import { mayBeOpened, openDocument } from "./unlock.js";

const KEY = "ids.uploads";
/** Two keep the line busy; more would take the browser's six connections from everything else. */
const SENDING = 2;
/** Open streams for progress; the server works on few documents at once anyway. */
const FOLLOWED = 2;
/** After the first failure to follow a document, and at most. */
const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 30_000;
/** Told together: a folder of a thousand files changes many times in one frame. */
const REMEMBER_MS = 300;
const COUNT_MS = 1_000;
/** What the same file would be refused for again. */
const FINAL = new Set(["EMPTY_FILE", "UNSUPPORTED_TYPE", "FILE_TOO_LARGE", "ENCRYPTED", "FILE_UNREADABLE", "VALIDATION_FAILED"]);
/** Goes on by itself: the server comes back, or another key is given. */
const HOLDING = new Set([UNREACHABLE, "UNAUTHENTICATED"]);
/** Lost when the page goes: only this tab has the file. */
const UNSENT = new Set(["waiting", "sending", "held"]);

/**
 * An item is {id, name, size, collection, tags, state, ...}. Its states: waiting, sending, held (until
 * the server is back, or takes the key; `error` says which), accepted (the server works on it;
 * `status` is the body of its /status), ended (likewise), failed (it was not accepted; `error`), interrupted (by a reload).
 * Tells `change` when any of them changes, and `library` when the library has other documents, or one is through.
 */
class Uploads extends EventTarget {
  #items = new Map();
  #files = new Map();
  #controllers = new Map();
  #following = new Set();
  /** How long each document that could not be followed is left alone, by id; taken out once it can be. */
  #rests = new Map();
  #resting = new Set();
  #rememberTimer = 0;
  /** When the server may be asked again, and what counts the seconds until then. */
  #restEnd = 0;
  #counting = 0;

  constructor() {
    super();
    this.#recall();
    connection.addEventListener("back", () => this.#afterOutage());
    window.addEventListener("beforeunload", (event) => {
      if (this.isSending) event.preventDefault();
    });
    window.addEventListener("pagehide", () => this.#remember());
  }

  get items() {
    return [...this.#items.values()];
  }

  /** For how many seconds nothing is sent, as the server wishes. */
  get restSeconds() {
    return Math.max(0, Math.ceil((this.#restEnd - Date.now()) / 1000));
  }

  /** Whether leaving the page would break something off. */
  get isSending() {
    return this.items.some(({ state }) => UNSENT.has(state));
  }

  add(files, { collection = "", tags = [] } = {}) {
    for (const file of files) {
      const id = crypto.randomUUID();
      this.#files.set(id, file);
      this.#items.set(id, { id, name: file.name, size: file.size, collection, tags, state: "waiting", sent: 0 });
    }
    this.#changed();
    this.#sendNext();
  }

  /** Once more: the file is sent again, or the server tries its job again. */
  async retry(id) {
    const item = this.#items.get(id);
    if (item.state === "ended" && item.status?.job_id) {
      try {
        await post(`/api/v1/queue/job/${encodeURIComponent(item.status.job_id)}/retry`, {});
        this.#set(id, { state: "accepted", status: { ...item.status, status: "uploaded", progress: 0, error: null }, error: null });
        this.#followNext();
      } catch (error) {
        this.#set(id, { error });
      }
    } else if (this.#files.has(id)) {
      this.#again(item);
      this.#sendNext();
    }
  }

  /** Back into the line. What is stored only has to be accepted; of anything else nothing is left. */
  #again(item) {
    if (!item.isStored) this.#forgetAnnounced(item);
    this.#set(item.id, { state: "waiting", error: null, ...(!item.isStored && { sent: 0, documentId: null, uploadId: null }) });
  }

  /** An interrupted upload goes on with the file chosen anew. */
  resume(id, file) {
    this.#files.set(id, file);
    this.#set(id, { name: file.name, size: file.size });
    return this.retry(id);
  }

  /** Whether `retry` can do something: the file is at hand, or the server has it. */
  canRetry({ id, state, status, error }) {
    if (state === "failed") return this.#files.has(id) && !FINAL.has(error?.code);
    return state === "ended" && ["failed", "cancelled"].includes(status?.status) && Boolean(status.job_id);
  }

  /** Whether a password may open it: refused at the door, where this tab has the file still, or by the job, whose bytes the server has. */
  canOpen({ id, name, state, status, error, documentId }) {
    if (state === "failed") return error?.code === "ENCRYPTED" && this.#files.has(id);
    return state === "ended" && Boolean(documentId) && mayBeOpened(typeOf({ name }), status?.error?.error_code);
  }

  /** Opens it with its password, which is not kept. Throws what the server says; then it stays as it was. */
  async open(id, password) {
    const item = this.#items.get(id);
    const file = this.#files.get(id);
    if (!file) {
      const { job_id: jobId } = await openDocument(item.documentId, password);
      this.#accepted(id, item.documentId, jobId);
      return;
    }
    const controller = new AbortController();
    this.#controllers.set(id, controller);
    try {
      const { collection, tags } = item;
      const { documentId, jobId } = await sendAsForm(file, { collection, tags, password }, { signal: controller.signal, onAnnounced: () => {}, onSent: () => {} });
      this.#accepted(id, documentId, jobId);
    } finally {
      this.#controllers.delete(id);
    }
  }

  /** The server has it, and says that it will not be lost. */
  #accepted(id, documentId, jobId) {
    this.#files.delete(id);
    this.#set(id, { state: "accepted", documentId, error: null, status: { job_id: jobId, status: "uploaded", progress: 0 } });
    this.dispatchEvent(new Event("library"));
    this.#followNext();
  }

  /** Stops it, wherever it is. */
  async cancel(id) {
    const item = this.#items.get(id);
    if (item.state === "accepted" && item.status?.job_id) {
      try {
        await post(`/api/v1/queue/job/${encodeURIComponent(item.status.job_id)}/cancel`, {});
      } catch (error) {
        this.#set(id, { error });
      }
      return;
    }
    this.#controllers.get(id)?.abort();
    this.#forgetAnnounced(item);
    this.#drop(id);
    this.#sendNext();
  }

  /** Takes it from the list; the document stays. */
  dismiss(id) {
    const item = this.#items.get(id);
    if (item?.state === "interrupted" || item?.state === "failed") this.#forgetAnnounced(item);
    this.#drop(id);
  }

  /** Takes all from the list that need nobody's attention any more. */
  dismissEnded() {
    for (const item of this.items) {
      if (["ended", "failed", "interrupted"].includes(item.state)) this.dismiss(item.id);
    }
  }

  #sendNext() {
    if (this.restSeconds > 0) return;
    const sending = this.items.filter(({ state }) => state === "sending").length;
    for (const item of this.items.filter(({ state }) => state === "waiting").slice(0, Math.max(0, SENDING - sending))) {
      this.#send(item);
    }
  }

  async #send({ id, collection, tags, isStored, documentId: known, uploadId }) {
    const controller = new AbortController();
    this.#controllers.set(id, controller);
    this.#set(id, { state: "sending" });
    try {
      const { documentId, jobId } = isStored
        ? { documentId: known, jobId: await accept(known, uploadId, controller.signal) }
        : await send(this.#files.get(id), { collection, tags }, {
          signal: controller.signal,
          onAnnounced: (ids) => this.#set(id, { ...ids, isStored: false }),
          onSent: (sent) => this.#set(id, { sent }),
          onStored: () => this.#set(id, { isStored: true }),
        });
      this.#accepted(id, documentId, jobId);
    } catch (error) {
      if (controller.signal.aborted) return;
      if (HOLDING.has(error.code)) return this.#set(id, { state: "held", error });
      if (error.retryAfterMs > 0) return this.#restFor(error.retryAfterMs, id);
      this.#set(id, { state: "failed", error, isStored: false });
      // Refused for good: nothing of it stays behind.
      this.#forgetAnnounced(this.#items.get(id));
      this.#set(id, { documentId: null, uploadId: null });
    } finally {
      this.#controllers.delete(id);
      this.#sendNext();
    }
  }

  /** The server wants to be left alone: nothing is sent for so long, then all goes on. */
  #restFor(ms, id) {
    this.#restEnd = Math.max(this.#restEnd, Date.now() + ms);
    this.#again(this.#items.get(id));
    this.#counting ||= setInterval(() => {
      this.dispatchEvent(new Event("change"));
      if (this.restSeconds > 0) return;
      clearInterval(this.#counting);
      this.#counting = 0;
      this.#sendNext();
    }, COUNT_MS);
  }

  /** The oldest ones: the server takes them in order, so these are the ones that move. */
  #followNext() {
    const waiting = this.items.filter(({ id, state }) => state === "accepted" && !this.#following.has(id) && !this.#resting.has(id));
    for (const item of waiting.slice(0, Math.max(0, FOLLOWED - this.#following.size))) this.#follow(item);
  }

  async #follow({ id, documentId }) {
    const controller = new AbortController();
    this.#controllers.set(id, controller);
    this.#following.add(id);
    try {
      await follow(documentId, (status) => {
        this.#rests.delete(id);
        if (this.#items.has(id)) this.#set(id, { status, state: hasEnded(status.status) ? "ended" : "accepted" });
      }, controller.signal);
    } catch (error) {
      // Deleted meanwhile, here or elsewhere. Anything else may pass.
      if (error.status === 404) this.#drop(id);
      else this.#rest(id, error.retryAfterMs ?? 0);
    } finally {
      this.#following.delete(id);
      this.#controllers.delete(id);
    }
    if (this.#items.get(id)?.state === "ended") this.dispatchEvent(new Event("library"));
    this.#followNext();
  }

  /** It is asked for again after a while, longer each time: an error that stays is no reason to ask without end. Others go on. */
  async #rest(id, leastMs) {
    const rest = this.#rests.get(id) ?? FIRST_REST_MS;
    this.#rests.set(id, Math.min(rest * 2, LONGEST_REST_MS));
    this.#resting.add(id);
    await connection.whenBack();
    await pause(Math.max(rest, leastMs));
    this.#resting.delete(id);
    this.#followNext();
  }

  /** What could not be sent only because the server was away is sent again by itself. */
  #afterOutage() {
    for (const { id, state } of this.items) if (state === "held") this.retry(id);
  }

  /** An upload that was announced and will not come would stand in the library as one that waits for its bytes. */
  async #forgetAnnounced({ documentId, state }) {
    if (!documentId || state === "accepted" || state === "ended") return;
    await remove(`/api/v1/documents/${encodeURIComponent(documentId)}`).catch(() => {});
    this.dispatchEvent(new Event("library"));
  }

  #set(id, part) {
    const item = this.#items.get(id);
    if (!item) return;
    Object.assign(item, part);
    this.#changed();
  }

  #drop(id) {
    this.#controllers.get(id)?.abort();
    this.#items.delete(id);
    this.#files.delete(id);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
    // At most that often, and once more at the end: sessionStorage is written synchronously.
    this.#rememberTimer ||= setTimeout(() => {
      this.#rememberTimer = 0;
      this.#remember();
    }, REMEMBER_MS);
  }

  #remember() {
    const lasting = this.items.map(({ id, name, size, collection, tags, state, documentId, uploadId, status }) =>
      ({ id, name, size, collection, tags, state, documentId, uploadId, status }));
    keep(KEY, lasting.length > 0 ? JSON.stringify(lasting) : null, ofTab);
  }

  #recall() {
    for (const item of parsed(recall(KEY, ofTab))) {
      if (UNSENT.has(item.state)) item.state = "interrupted";
      this.#items.set(item.id, item);
      if (item.state === "interrupted" && item.uploadId) this.#wasItAll(item);
    }
    // A reload shows what still needs attention, not what was done before it.
    for (const item of this.items) if (item.state === "ended" && item.status?.status === "completed") this.#items.delete(item.id);
    this.#followNext();
  }

  /** The reload may have come after the last byte: then the upload is complete, and only has to be said so. */
  async #wasItAll({ id, documentId, uploadId }) {
    try {
      const jobId = await accept(documentId, uploadId);
      this.#set(id, { state: "accepted", status: { job_id: jobId, status: "uploaded", progress: 0 } });
      this.#followNext();
    } catch {
      // it was not: it stays interrupted
    }
  }
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? [];
  } catch {
    return [];
  }
}

export const uploads = new Uploads();
