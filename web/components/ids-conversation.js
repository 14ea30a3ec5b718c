// Questions and their answers, one after another.

import { STAGES } from "./ids-answer.js";
import "./ids-filters.js";
import { get, patch } from "../lib/api.js";
import { ask } from "../lib/answer-stream.js";
import { connection } from "../lib/connection.js";
import { announce, button, foreign, grow, h, icon, iconButton, skeleton } from "../lib/dom.js";
import { Draft } from "../lib/draft.js";
import { IdsElement } from "../lib/element.js";
import { documentIds, filtersOfScope, readFilters, requestFilters, writeFilters } from "../lib/filters.js";
import { keepFocus } from "../lib/focus.js";
import { counted, errorText, t } from "../lib/i18n.js";
import { takeQuestion } from "../lib/question.js";
import { removals } from "../lib/removals.js";
import { go, link, rename } from "../lib/router.js";
import { asJson, asMarkdown, fileName, save } from "../lib/export.js";
import { renameConversation } from "./ids-edit-dialog.js";

const NEW = "new";

class IdsConversation extends IdsElement {
  route;
  ready = Promise.resolve();
  /** As the server keeps it; null for one that has not been asked anything yet. */
  #session = null;
  /** {question, stage, draft, answer, error, isStopped, item}, in order; those of the server have `answer`, and
   * `item` is the element that shows it. */
  #turns = [];
  #asking = null;
  #filters;
  #draft = "";
  #thread;
  #title;
  #actions;
  #field;
  #form;
  #limits;

  connected() {
    this.#filters = readFilters(this.route.fields);
    const question = takeQuestion();
    if (!this.#isNew) {
      this.replaceChildren(h("div", { class: "conversation" }, h("h1", {}, t("conversation.loading")), skeleton(3, t("shell.loading"))));
      this.ready = this.#load();
    } else {
      this.#draft = question ? "" : this.route.fields.get("q") ?? "";
      this.#build();
      if (question) this.#ask(question);
    }
    this.listen(connection, "back", () => this.#afterOutage());
  }

  disconnectedCallback() {
    this.#asking?.abort();
    super.disconnectedCallback();
  }

  takes(route) {
    // The conversation that was new has its address by now.
    if (this.#session && route.path[1] === this.#session.session_id) {
      this.route = route;
      return true;
    }
    return false;
  }

  retranslate() {
    this.#draft = this.#field?.value ?? "";
    if (this.#form) this.#build();
  }

  get #isNew() {
    return this.route.path[1] === NEW && this.#session === null;
  }

  /** What was shown is looked up again; a question that failed stays, to be asked again. */
  #afterOutage() {
    if (this.#isNew || this.#asking || this.#turns.some((turn) => turn.error)) return;
    this.#load();
  }

  async #load() {
    try {
      const id = this.#session?.session_id ?? this.route.path[1];
      this.#session = await get(`/api/v1/chat/sessions/${encodeURIComponent(id)}`, this.life);
      this.#turns = turnsOf(this.#session.messages);
      this.#filters = filtersOfScope(this.#session.scope);
      if (this.#field) this.#draft = this.#field.value;
      keepFocus(this, () => this.#build());
      this.tell("ids:titled");
    } catch (error) {
      // Under another key it may be nobody's.
      if (this.life.aborted || (this.#session && error.status !== 404)) return;
      this.replaceChildren(h("div", { class: "empty" }, icon("ask"), h("h1", {}, t("conversation.missing")), h("p", { role: "alert" }, errorText(error)),
        h("a", { class: "button primary", href: "#/" }, t("conversation.ask_new"))));
    }
  }

  #build() {
    this.#title = h("h1", { dir: "auto", tabindex: "-1", "data-focus": "title" });
    this.#actions = h("div", { class: "actions" });
    this.#thread = h("ol", { class: "thread", "aria-label": t("conversation.thread") });
    this.#field = h("textarea", {
      id: "follow-up", name: "message", rows: "1", maxlength: "10000", "data-main-field": true, "data-focus": "field", enterkeyhint: "send",
      placeholder: t("conversation.placeholder"), oninput: () => grow(this.#field),
      onkeydown: (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          this.#submit();
        } else if (event.key === "Escape") this.#stop();
      },
    });
    this.#field.value = this.#draft;
    this.#form = h("form", { class: "ask-box", onsubmit: (event) => {
      event.preventDefault();
      this.#submit();
    } }, h("label", { class: "unseen", for: "follow-up" }, t("conversation.field")), this.#field, h("span", { class: "send" }));
    this.replaceChildren(h("div", { class: "conversation" },
      h("header", { class: "view-head" }, this.#title, this.#actions), this.#thread, h("div", { class: "dock" }, this.#limits = h("div", { class: "limits" }), this.#form)));
    this.#showLimits();
    this.#showHead();
    this.#showButton();
    this.#turns.forEach((turn) => this.#append(turn));
  }

  /** What the questions are limited to: each limit can be taken away, all can be changed. The server keeps it with the conversation. */
  #showLimits() {
    const { collection, kind, tags, document: one } = this.#filters;
    const parts = [["document", one && (documentIds(one).length === 1 ? t("conversation.one_document") : t("conversation.documents", { count: documentIds(one).length }))], ["collection", collection], ["kind", kind && t(`kinds.${kind}`)], ["tags", tags]]
      .filter(([, words]) => words);
    const panel = h("ids-filters");
    panel.filters = this.#filters;
    panel.addEventListener("ids:filters", ({ detail }) => this.#limit(detail));
    const popover = h("div", { id: "limits", class: "popover limits-panel", popover: "auto" }, h("p", {}, t("conversation.limits_hint")), panel);
    popover.addEventListener("toggle", ({ newState }) => newState === "closed" && popover.isConnected && keepFocus(this, () => this.#showLimits()));
    this.#limits.replaceChildren(...[
      parts.length > 0 && h("ul", { class: "chips", "aria-label": t("conversation.limited_to") }, parts.map(([name, words]) =>
        h("li", { class: "chip" }, foreign(words), iconButton(t("conversation.lift", { limit: words }), "close", () => this.#limit({ ...this.#filters, [name]: "" }))))),
      button(t(parts.length > 0 ? "conversation.change_limits" : "conversation.limit"), null, { shape: "filter", className: "plain", popovertarget: "limits", "data-focus": "limits" }),
      popover,
    ].filter(Boolean));
  }

  async #limit(filters) {
    const before = this.#filters;
    const isOpen = this.#limits.querySelector("#limits").matches(":popover-open");
    this.#filters = filters;
    if (this.#session) {
      try {
        await patch(`/api/v1/chat/sessions/${encodeURIComponent(this.#session.session_id)}`, { scope: requestFilters(filters) }, this.life);
      } catch (error) {
        this.#filters = before;
        document.dispatchEvent(new CustomEvent("ids:failed", { detail: { error } }));
      }
      rename(link(["conversations", this.#session.session_id], writeFilters(this.#filters)));
    }
    announce(t("conversation.limits_changed"));
    for (const { item } of this.#turns) item.querySelector("ids-answer").filters = this.#filters;
    // In an open panel the field that was changed keeps the focus.
    if (isOpen) return;
    this.#showLimits();
    this.#limits.querySelector("[data-focus=limits]").focus();
  }

  /** The elements stay: the heading, or the button that was pressed, has the focus. */
  #showHead() {
    this.#title.textContent = this.#session?.title ?? this.#turns[0]?.question ?? t("conversation.new");
    if (this.#session === null || this.#actions.childElementCount > 0) return;
    this.#actions.append(
      iconButton(t("conversation.rename"), "edit", () => this.#rename(), { "data-focus": "rename" }),
      iconButton(t("conversation.export"), "download", null, { popovertarget: "export", "data-focus": "export" }),
      this.#exports(),
      iconButton(t("conversation.delete"), "trash", () => this.#delete(), { "data-focus": "delete" }));
  }

  #exports() {
    const menu = h("div", { id: "export", class: "popover menu", popover: "auto" });
    const entry = (label, shape, action) => button(label, () => {
      menu.hidePopover();
      action();
    }, { shape, className: "plain" });
    menu.append(
      entry(t("conversation.markdown"), "download", () => this.#export("md")),
      entry(t("conversation.json"), "download", () => this.#export("json")),
      entry(t("conversation.print"), "print", () => window.print()));
    return menu;
  }

  /** Ask, or stop what is being answered: one place, one button. */
  #showButton() {
    const slot = this.#form.querySelector(".send");
    const hadFocus = slot.contains(document.activeElement);
    const shown = this.#asking
      ? h("button", { type: "button", class: "quiet", onclick: () => this.#stop() }, icon("stop"), h("span", {}, t("conversation.stop")))
      : h("button", { type: "submit", class: "primary" }, icon("send"), h("span", {}, t("home.ask")));
    slot.replaceChildren(shown);
    if (hadFocus) shown.focus();
  }

  #submit() {
    const text = this.#field.value.trim();
    if (text === "" || this.#asking) return;
    this.#field.value = "";
    this.#ask(text);
  }

  #ask(question) {
    const turn = { question, stage: "searching", draft: new Draft(), answer: null, error: null, isStopped: false };
    this.#turns.push(turn);
    this.#append(turn);
    if (this.#turns.length === 1) this.#showHead();
    // A conversation that is there has its limits.
    const limits = this.#session ? { session_id: this.#session.session_id } : requestFilters(this.#filters);
    return this.#answer(turn, { message: question, ...limits });
  }

  /** Another answer to the last question. Until it is there the server keeps the one before, and so does the page when it fails. */
  async #regenerate(turn) {
    if (this.#asking) return;
    const { answer } = turn;
    Object.assign(turn, { stage: "searching", draft: new Draft(), answer: null, error: null, isStopped: false });
    turn.item.querySelector("ids-answer").turn = turn;
    await this.#answer(turn, { regenerate: true, session_id: this.#session.session_id });
    if (turn.answer || this.life.aborted) return;
    Object.assign(turn, { answer, error: null, isStopped: false });
    turn.item.querySelector("ids-answer").turn = turn;
  }

  async #answer(turn, body) {
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    this.#showButton();
    turn.item.scrollIntoView({ block: "nearest" });
    try {
      turn.answer = await ask(body, (event, data) => this.#progress(turn, event, data), signal);
      this.#hasAnswer(turn.answer);
    } catch (error) {
      if (this.life.aborted) return;
      turn.isStopped = signal.aborted;
      turn.error = signal.aborted ? null : error;
      announce(signal.aborted ? t("answer.stopped") : errorText(error));
    } finally {
      this.#asking = null;
      turn.stage = null;
      if (!this.life.aborted) {
        // Only the last one can be answered anew.
        for (const other of this.#turns) this.#show(other);
        this.#showButton();
      }
    }
  }

  #progress(turn, event, data) {
    if (event === "stage" && STAGES.includes(data.stage)) {
      // Said once, however often the server comes back to it.
      if (data.stage !== turn.stage) announce(t(`answer.${data.stage}`));
      turn.stage = data.stage;
    } else if (event === "delta") turn.draft.add(data.text);
    else if (event === "retract") turn.draft.strike(data.claim);
    turn.item.querySelector("ids-answer").turn = turn;
  }

  #hasAnswer({ session_id: id, sources, metadata }) {
    announce(metadata?.answered === false ? t("answer.none") : counted("answer.ready", sources.length));
    if (this.#session === null) {
      this.#session = { session_id: id, title: this.#turns[0].question };
      rename(link(["conversations", id], writeFilters(this.#filters)));
      // The name the server gave it.
      get(`/api/v1/chat/sessions/${encodeURIComponent(id)}`, this.life).then((session) => {
        this.#session = session;
        this.#showHead();
        this.tell("ids:titled");
      }).catch(() => {});
    }
  }

  #stop() {
    this.#asking?.abort();
  }

  #show(turn) {
    const answer = turn.item.querySelector("ids-answer");
    answer.session = this.#session?.session_id;
    answer.isLast = turn === this.#turns.at(-1) && !this.#asking;
    answer.turn = turn;
  }

  #append(turn) {
    const answer = h("ids-answer");
    const item = h("li", { class: "turn" }, h("h2", { class: "question", dir: "auto" }, turn.question), answer);
    answer.filters = this.#filters;
    answer.addEventListener("ids:regenerate", () => {
      this.#regenerate(turn);
      this.#form.querySelector(".send button").focus({ preventScroll: true });
    });
    answer.addEventListener("ids:again", () => {
      this.#turns = this.#turns.filter((it) => it !== turn);
      item.remove();
      this.#ask(turn.question);
      // The button that was pressed is gone; this one stops what it began.
      this.#form.querySelector(".send button").focus({ preventScroll: true });
    });
    this.#thread.append(item);
    turn.item = item;
    this.#show(turn);
  }

  async #rename() {
    const changed = await renameConversation(this.#session);
    if (!changed) return;
    this.#session = { ...this.#session, title: changed.title };
    this.#showHead();
    this.tell("ids:titled");
  }

  async #export(ending) {
    try {
      const session = await get(`/api/v1/chat/sessions/${encodeURIComponent(this.#session.session_id)}`, this.life);
      if (ending === "md") save(fileName(session.title, "md"), "text/markdown", asMarkdown(session));
      else save(fileName(session.title, "json"), "application/json", asJson(session));
    } catch (error) {
      document.dispatchEvent(new CustomEvent("ids:failed", { detail: { error } }));
    }
  }

  #delete() {
    const { session_id: id, title } = this.#session;
    removals.add(id, title, `/api/v1/chat/sessions/${encodeURIComponent(id)}`);
    go(link(["conversations"]));
  }
}

/** What the server keeps as messages, as questions with their answers. */
function turnsOf(messages) {
  const turns = [];
  for (const message of messages) {
    if (message.role === "user") turns.push({ question: message.content, answer: null, isStopped: true });
    else if (turns.length > 0) {
      Object.assign(turns.at(-1), { isStopped: false, answer: { response: message.content, ...message } });
    }
  }
  return turns;
}

customElements.define("ids-conversation", IdsConversation);
