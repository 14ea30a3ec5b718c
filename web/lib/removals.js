// Deleting with ten seconds to think again: what is removed is hidden at once, and deleted when the time is over or the
// page is left.

import { remove } from "./api.js";

export const UNDO_MS = 10_000;

class Removals extends EventTarget {
  /** By id: {id, title, path, deadline, timer}. */
  #pending = new Map();
  /** Deleted by now; lists that were fetched before may still have them. */
  #gone = new Set();

  /** Whether a list should leave it out. */
  hides(id) {
    return this.#pending.has(id) || this.#gone.has(id);
  }

  /** Those that can still be kept, oldest first. */
  get pending() {
    return [...this.#pending.values()];
  }

  add(id, title, path) {
    const timer = setTimeout(() => this.#finish(id), UNDO_MS);
    this.#pending.set(id, { id, title, path, deadline: Date.now() + UNDO_MS, timer });
    this.#tell("change", { id });
  }

  undo(id) {
    const removal = this.#pending.get(id);
    if (!removal) return;
    clearTimeout(removal.timer);
    this.#pending.delete(id);
    this.#tell("change", { id, undone: removal });
  }

  /** The page is left: what was removed is removed. */
  finishAll() {
    for (const { id, timer } of this.pending) {
      clearTimeout(timer);
      this.#finish(id, true);
    }
  }

  /** Told at once: the browser may keep the page as it is and show it again, and then nothing is left to undo. */
  async #finish(id, keepalive = false) {
    const removal = this.#pending.get(id);
    this.#gone.add(id);
    this.#pending.delete(id);
    this.#tell("change", { id });
    try {
      await remove(removal.path, keepalive);
      this.#tell("removed", { id });
    } catch (error) {
      // Somebody else was faster: it is gone, as wanted.
      if (error.status === 404) return this.#tell("removed", { id });
      this.#gone.delete(id);
      this.#tell("change", { id });
      this.#tell("failed", { title: removal.title, error });
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

export const removals = new Removals();
window.addEventListener("pagehide", () => removals.finishAll());
