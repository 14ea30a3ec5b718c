// What the key of this page allows, and the asking for one when the server wants it. The key itself lies in a cookie that no
// script can read.

import { connection } from "./connection.js";
import { loadStyles } from "./styles.js";

/** The scopes of keys, and what several of them allow: looking into the library, asking or searching, anything at all. */
const ALL = ["search", "ask", "ingest", "admin", "read", "use", "any"];
const ANY_OF = { read: ["search", "ingest"], use: ["search", "ask"], any: ["search", "ask", "ingest"] };

/** Tells `change` when another key allows something else. */
class Access extends EventTarget {
  /** As /info has it; null until that is known. */
  info = null;
  /** Another one with each key: what was refused with the one before is simply asked again. */
  age = 0;
  /** Nothing, until it is known: then everything is offered. */
  #lacking = [];
  #asking = null;
  #isDeclined = false;

  allows(name) {
    return !this.#lacking.includes(name);
  }

  /** Asks what the key allows. Gives the status of the reply: 401 when the server wants another one, 0 when there is none. */
  async load() {
    try {
      const response = await fetch("/info", { cache: "no-store" });
      if (response.ok) this.#take(await response.json());
      return response.status;
    } catch {
      return 0; // the next call tells
    }
  }

  /** After a refusal of the key of that age: whether there is another one now. It is asked for once, whoever waits for it. */
  async renewed(age) {
    if (age !== this.age) return true;
    // Who does not want to give one now is not asked again by each call.
    return !this.#isDeclined && this.ask();
  }

  ask() {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #ask() {
    const before = this.#lacking.join();
    try {
      const [{ askForKey }] = await Promise.all([import("../components/ids-key-dialog.js"), loadStyles("keys")]);
      if (!(await askForKey())) {
        this.#isDeclined = true;
        return false;
      }
    } catch {
      // Its code cannot be had: the server has gone.
      connection.lost();
      return false;
    }
    const wasDeclined = this.#isDeclined;
    this.#isDeclined = false;
    this.age += 1;
    const isOther = before !== this.#lacking.join();
    if (isOther) this.dispatchEvent(new Event("change"));
    // What gave up is tried again, as after an outage.
    if (wasDeclined || isOther) connection.dispatchEvent(new Event("back"));
    return true;
  }

  /** Nothing is offered: there is no key. */
  lock() {
    this.#lack(ALL);
  }

  #take(info) {
    this.info = info;
    const has = (scope) => ["admin", scope].some((it) => info.scopes.includes(it));
    this.#lack(ALL.filter((name) => !(ANY_OF[name] ?? [name]).some(has)));
  }

  #lack(names) {
    this.#lacking = names;
    // The style sheet hides what needs one of these (`data-needs`).
    document.documentElement.dataset.lacks = names.join(" ");
  }
}

export const access = new Access();
