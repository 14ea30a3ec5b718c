// Whether the server can be reached. Who fails to reach it says `lost()`; from then on it is asked again and again, at
// growing intervals, until it answers. Views listen for `back` and show themselves anew.

const FIRST_PAUSE_MS = 500;
/** Somebody who has just restarted the server looks at the page: it should not take much longer than that look. */
const LONGEST_PAUSE_MS = 8_000;

class Connection extends EventTarget {
  #isLost = false;

  get isLost() {
    return this.#isLost;
  }

  lost() {
    if (this.#isLost) return;
    this.#isLost = true;
    this.dispatchEvent(new Event("lost"));
    this.#ask(FIRST_PAUSE_MS);
  }

  /** Resolves at once when the server is there, else when it is back. */
  whenBack() {
    if (!this.#isLost) return Promise.resolve();
    return new Promise((resolve) => this.addEventListener("back", resolve, { once: true }));
  }

  #ask(pause) {
    setTimeout(async () => {
      // `/ready` and not `/live`: a server that still migrates would refuse what comes next.
      const answered = await fetch("/ready", { cache: "no-store" }).then((response) => response.ok, () => false);
      if (!answered) {
        this.#ask(Math.min(pause * 2, LONGEST_PAUSE_MS));
        return;
      }
      this.#isLost = false;
      this.dispatchEvent(new Event("back"));
    }, pause);
  }
}

export const connection = new Connection();
