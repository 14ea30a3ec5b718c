// Whether an answer was of use: a thumb up, or a thumb down and why. Pressed once more it is taken back.

import { post } from "../lib/api.js";
import { announce, h, iconButton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { errorText, t } from "../lib/i18n.js";

/** The server takes no longer reasons. */
const REASON = 2000;

class IdsThumbs extends IdsElement {
  #session;
  #message;
  /** The answer that is shown; what was said of it is noted there, so that it stays when it is shown anew. */
  #answer;
  #form = null;

  set rated({ session, message, answer }) {
    this.#session = session;
    this.#message = message;
    this.#answer = answer;
    this.#build();
  }

  #build() {
    const rating = this.#answer.feedback?.rating;
    const thumb = (name, shape) => iconButton(t(`answer.thumb_${name}`), shape, () => this.#press(name),
      { "aria-pressed": String(rating === name), "data-rating": name });
    this.#form = null;
    this.replaceChildren(h("div", { class: "thumbs", role: "group", "aria-label": t("answer.verdict") }, thumb("up", "thumb_up"), thumb("down", "thumb_down")));
  }

  async #press(name) {
    const isTakenBack = this.#answer.feedback?.rating === name;
    await this.#send({ rating: isTakenBack ? "none" : name });
    this.querySelector(`[data-rating=${name}]`)?.focus();
    if (name === "down" && this.#answer.feedback?.rating === "down") this.#askWhy();
  }

  #askWhy() {
    const field = h("textarea", { name: "reason", rows: "2", maxlength: String(REASON), dir: "auto" });
    this.#form = h("form", { class: "why", onsubmit: async (event) => {
      event.preventDefault();
      const reason = field.value.trim();
      if (reason) await this.#send({ rating: "down", reason });
      else this.#build();
      this.querySelector("[data-rating=down]")?.focus();
    } }, h("label", { class: "field" }, h("span", {}, t("answer.why")), field), h("button", { type: "submit", class: "quiet" }, t("answer.send_why")));
    this.append(this.#form);
    field.focus();
  }

  async #send(body) {
    try {
      const path = `/api/v1/chat/sessions/${encodeURIComponent(this.#session)}/messages/${encodeURIComponent(this.#message)}/feedback`;
      this.#answer.feedback = (await post(path, body, this.life)).feedback;
      announce(t(body.rating === "none" ? "answer.verdict_taken_back" : "answer.verdict_noted"));
      this.#build();
    } catch (error) {
      if (this.life.aborted) return;
      announce(errorText(error));
      document.dispatchEvent(new CustomEvent("ids:failed", { detail: { error } }));
    }
  }
}

customElements.define("ids-thumbs", IdsThumbs);
