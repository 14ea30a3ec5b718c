// How the server and the library are, and what answers have cost: at a glance.

import { access } from "../lib/access.js";
import { get, post } from "../lib/api.js";
import { connection } from "../lib/connection.js";
import { button, h, icon, skeleton } from "../lib/dom.js";
import { IdsElement } from "../lib/element.js";
import { keepFocus } from "../lib/focus.js";
import { ago, milliseconds, number, percent, size } from "../lib/format.js";
import { errorText, language, t } from "../lib/i18n.js";
import { money, month } from "../lib/money.js";
import { link } from "../lib/router.js";

/** Who keeps this open on a second screen sees it move. */
const REFRESH_MS = 10_000;
const WORKING = ["uploaded", "extracting", "checking_duplicates", "chunking", "embedding"];

class IdsStatus extends IdsElement {
  route;
  ready = Promise.resolve();
  #timer = 0;
  #facts = null;
  #title;
  #body;

  connected() {
    this.#title = h("h1", {}, t("status.title"));
    this.#body = h("div", {}, skeleton(4, t("shell.loading")));
    this.replaceChildren(h("header", { class: "view-head" }, this.#title), this.#body);
    this.ready = this.#load();
    this.listen(connection, "back", () => this.#load());
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    super.disconnectedCallback();
  }

  retranslate() {
    if (this.#facts) this.#show();
  }

  async #load() {
    clearTimeout(this.#timer);
    /** What the key does not allow is not asked for, and has no card. */
    const fetched = async (path, needs) => {
      if (!access.allows(needs)) return null;
      try {
        return await get(path, this.life);
      } catch (error) {
        return { error };
      }
    };
    const [health, info, stats, queues, usage] = await Promise.all(
      // /health is asked plainly: its 503 has a body worth showing.
      [fetchHealth(this.life), fetched("/info"), fetched("/api/v1/documents/stats", "read"), fetched("/api/v1/queue/info", "read"), fetched("/api/v1/usage", "admin")],
    );
    if (this.life.aborted) return;
    this.#facts = { health, info, stats, queues, usage };
    this.#show();
    this.#timer = setTimeout(() => document.hidden ? this.#later() : this.#load(), REFRESH_MS);
  }

  /** Nobody looks: it is asked again when somebody does. */
  #later() {
    document.addEventListener("visibilitychange", () => this.#load(), { once: true, signal: this.life });
  }

  #show() {
    const { health, info, stats, queues, usage } = this.#facts;
    this.#title.textContent = t("status.title");
    keepFocus(this.#body, () => this.#body.replaceChildren(
      h("div", { class: "cards" },
        card(t("status.server"), health, () => server(health, info)),
        card(t("status.library"), stats, () => library(stats)),
        card(t("status.work"), queues, () => work(queues)),
        card(t("status.usage"), usage, () => costs(usage)),
        info.auth === "keys" && card(t("keys.title"), info, () => key(info))),
      h("p", { class: "status-links" },
        [["docs", "/docs"], ["openapi", "/openapi.json"], ["metrics", "/metrics", "admin"]].map(([name, href, needs]) => h("a", { href, "data-focus": name, "data-needs": needs }, t(`status.${name}`))))));
  }
}

async function fetchHealth(signal) {
  try {
    const response = await fetch("/health", { signal });
    return await response.json();
  } catch (error) {
    return { error };
  }
}

function card(title, facts, body) {
  return facts && h("section", { class: "card" }, h("h2", {}, title), facts.error ? h("p", { class: "summary" }, errorText(facts.error)) : [body()].flat());
}

function rows(pairs) {
  return h("dl", { class: "facts" }, pairs.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

const LOOKS = { healthy: "good", degraded: "warn", unhealthy: "danger" };

function server(health, info) {
  const badge = (status) => h("span", { class: `badge ${LOOKS[status] ?? ""}` }, icon(status === "healthy" ? "check" : "alert"), t(`status.${status}`, {}, status));
  return [
    h("p", { class: "lead" }, badge(health.status)),
    rows([
      ...Object.entries(health.dependencies ?? {}).map(([name, { status, latency_ms: ms }]) =>
        [t(`status.dependency_${name}`, {}, name), [status === "healthy" ? "" : badge(status), " ", milliseconds(ms / 1000)]]),
      info.error ? null : [t("status.version"), info.version],
      info.error ? null : [t("status.since"), ago(info.started_at)],
    ]),
  ];
}

function key({ scopes }) {
  return [
    rows([[t("keys.allows"), new Intl.ListFormat(language()).format(scopes.map((scope) => t(`keys.${scope}`)))]]),
    h("p", {}, button(t("keys.forget"), forget, { "data-focus": "forget" })),
  ];
}

/** The page begins anew, so that nothing that was shown stays. */
async function forget() {
  const { uploads } = await import("../lib/uploads.js");
  uploads.dismissEnded();
  try {
    await post("/api/v1/logout", {});
    location.reload();
  } catch (error) {
    document.dispatchEvent(new CustomEvent("ids:failed", { detail: { error } }));
  }
}

function library(stats) {
  const of = (names) => names.reduce((sum, name) => sum + (stats.documents[name] ?? 0), 0);
  const failed = of(["failed"]);
  const share = stats.total_chunks > 0 ? stats.total_embeddings / stats.total_chunks : 1;
  return [
    h("p", { class: "figure" }, number(stats.total_documents), " ", h("small", {}, t("status.documents"))),
    rows([
      [t("status.pages"), number(stats.total_pages)],
      [t("status.chunks"), number(stats.total_chunks)],
      [t("status.by_meaning"), percent(Math.min(1, share))],
      [t("status.size"), size(stats.total_bytes)],
      of(WORKING) > 0 && [t("status.working"), number(of(WORKING))],
      failed > 0 && [t("status.failed"), h("a", { href: link(["library"], { status: "failed" }), "data-focus": "failed" }, number(failed))],
    ]),
  ];
}

function work({ queues }) {
  const columns = ["queued", "started", "finished", "job_failed"];
  return table(["queue", ...columns], queues.map((queue) => [
    t(`status.queue_${queue.name}`, {}, queue.name),
    ...[queue.length + queue.deferred_count, queue.started_count, queue.finished_count, queue.failed_count].map((count) => number(count)),
  ]));
}

/** The first cell of a row names it. */
function table(columns, rows_) {
  return h("table", {},
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, t(`status.${name}`))))),
    h("tbody", {}, rows_.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((cell) => h("td", {}, cell))))));
}

function costs({ month: which, currency, budget, spent, reserved, remaining, warning, by }) {
  const cost = (value) => money(value, currency);
  const questions = by.length > 0 && table(["model", "questions", "tokens", "cost"], by.map((row) => [
    [row.model ?? t("status.no_model"), row.key && ` (${row.key_name ?? row.key})`].filter(Boolean).join(""), number(row.questions),
    number(row.prompt_tokens + row.completion_tokens), cost(row.model === null ? row.cost ?? 0 : row.cost),
  ]));
  const hasAskedModel = by.some((row) => row.model !== null);
  if (!hasAskedModel && !spent && !budget) return [h("p", { class: "summary" }, t("status.no_usage")), questions];
  // Without prices nobody knows what the models that were asked have cost.
  const isUnknown = spent === null && hasAskedModel;
  const used = Math.min(1, (spent + reserved) / budget);
  return [
    h("p", { class: "figure" }, cost(isUnknown ? null : spent ?? 0), " ", h("small", {}, month(which))),
    isUnknown && h("p", { class: "summary" }, t("status.no_prices")),
    warning && h("p", { class: `notice ${warning < 100 ? "" : "danger"}`, role: "status" }, t(warning < 100 ? "status.budget_low" : "status.budget_out")),
    by.some((row) => row.unknown_prices > 0) && h("p", { class: "summary" }, t("status.unknown_prices")),
    budget > 0 && !isUnknown && h("progress", { max: "1", value: String(used), "aria-label": t("status.budget_used") }),
    rows([budget !== null && [t("status.budget"), cost(budget)], remaining !== null && [t("status.remaining"), cost(remaining)]]),
    questions,
  ];
}

customElements.define("ids-status", IdsStatus);
