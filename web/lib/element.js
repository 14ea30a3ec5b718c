// What the page's elements have in common: one signal that ends every listener and request when they leave the page.

export class IdsElement extends HTMLElement {
  #life = new AbortController();

  connectedCallback() {
    this.#life = new AbortController();
    this.connected();
  }

  /** What an element does when it enters the page; most build themselves here. */
  connected() {}

  disconnectedCallback() {
    this.#life.abort();
  }

  /** Aborted when the element leaves the page. */
  get life() {
    return this.#life.signal;
  }

  /** Listens for as long as the element is in the page. */
  listen(target, type, listener) {
    target.addEventListener(type, listener, { signal: this.#life.signal });
  }

  /** Tells the elements around it. */
  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true }));
  }
}

/** Waits, unless the signal ends it: then it throws what fetch throws. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
