// The page: a search box, what was found, and how many documents there are.

import { ApiError, get, post } from "./lib/api.js";
import { detectLanguage, loadStrings, rememberLanguage, translate, translatePage } from "./lib/i18n.js";
import { marked } from "./lib/marked.js";

/** Long enough that a word is typed on, short enough that nobody waits. */
const DEBOUNCE_MS = 250;
const RESULTS = 10;

const query = document.querySelector("#query");
const form = document.querySelector("#search");
const message = document.querySelector("#message");
const results = document.querySelector("#results");
const count = document.querySelector("#count");
const language = document.querySelector("#language");

let timer;
/** The search under way; a newer one ends it, so that an old answer never replaces a new one. */
let running = new AbortController();
/** What is shown, so that a change of language shows it anew without asking again. */
let shown = { kind: "nothing" };
let documents = null;

async function search() {
  clearTimeout(timer);
  running.abort();
  const text = query.value.trim();
  if (text === "") {
    show({ kind: "nothing" });
    return;
  }
  running = new AbortController();
  const { signal } = running;
  results.setAttribute("aria-busy", "true");
  try {
    const reply = await post("/api/v1/documents/search", { query: text, n_results: RESULTS }, signal);
    show({ kind: "reply", reply });
  } catch (error) {
    if (signal.aborted) return;
    show({ kind: "error", error });
  } finally {
    if (!signal.aborted) results.removeAttribute("aria-busy");
  }
}

function show(next) {
  shown = next;
  if (next.kind === "nothing") results.removeAttribute("aria-busy");
  const found = next.kind === "reply" ? next.reply.results : [];
  results.replaceChildren(...found.map(resultItem));
  message.classList.toggle("error", next.kind === "error");
  message.textContent = messageOf(next);
}

function messageOf(next) {
  switch (next.kind) {
    case "nothing":
      return "";
    case "error":
      return next.error instanceof ApiError
        ? translate(`errors.${next.error.code}`, {}, next.error.detail)
        : translate("search.unreachable");
    default: {
      const { results: found, query_time: seconds } = next.reply;
      if (found.length === 0) return translate("results.none");
      const time = new Intl.NumberFormat(document.documentElement.lang, {
        style: "unit", unit: "millisecond", maximumFractionDigits: 0,
      }).format(seconds * 1000);
      return translate(found.length === 1 ? "results.one" : "results.many", { count: found.length, time });
    }
  }
}

function resultItem(result) {
  const item = document.createElement("li");
  const title = document.createElement("h2");
  title.textContent = result.document_title;
  const place = document.createElement("p");
  place.className = "place";
  const parts = [result.source, translate("results.page", { page: result.page })];
  if (result.heading) parts.push(result.heading);
  place.textContent = parts.join(" · ");
  const content = document.createElement("p");
  content.className = "content";
  content.append(...marked(result.content, result.highlights));
  item.append(title, place, content);
  return item;
}

async function countDocuments() {
  try {
    documents = (await get("/api/v1/documents/stats")).total_documents;
  } catch {
    documents = null; // a count is a courtesy: without it the search still works
  }
  showCount();
}

function showCount() {
  if (documents === null) {
    count.textContent = "";
    return;
  }
  const number = new Intl.NumberFormat(document.documentElement.lang).format(documents);
  count.textContent = translate(documents === 1 ? "documents.one" : "documents.many", { count: number });
}

async function useLanguage(name) {
  await loadStrings(name);
  language.value = name;
  translatePage();
  showCount();
  show(shown);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
query.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, DEBOUNCE_MS);
});
language.addEventListener("change", () => {
  rememberLanguage(language.value);
  useLanguage(language.value);
});

await useLanguage(detectLanguage());
countDocuments();
