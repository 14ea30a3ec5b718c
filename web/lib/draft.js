// The text of an answer while it is being written. A blank line parts its statements; the server numbers them from 0, struck
// ones too, and may strike any of them after it was shown.

const GAP = "\n\n";

export class Draft {
  #text = "";
  #struck = new Set();

  add(text) {
    this.#text += text;
  }

  strike(number) {
    this.#struck.add(number);
  }

  get hasStruck() {
    return this.#struck.size > 0;
  }

  /** What still stands. */
  get text() {
    return this.#text.split(GAP).filter((_, number) => !this.#struck.has(number)).join(GAP);
  }
}
