// The frame around the views: which address shows which view, the language, files dropped anywhere, and what is said
// when the server goes away.

import "./components/ids-banner.js";
import "./components/ids-preferences.js";
import "./components/ids-toasts.js";
import { access } from "./lib/access.js";
import { unreachable } from "./lib/api.js";
import { connection } from "./lib/connection.js";
import { announce, button, h, icon } from "./lib/dom.js";
import { currentCollection, watchDrops } from "./lib/drop-target.js";
import { focusHeading, rescueFocus } from "./lib/focus.js";
import { detectLanguage, rememberLanguage, t, translatePage, useLanguage } from "./lib/i18n.js";
import { link, parse } from "./lib/router.js";
import { ofTab, recall } from "./lib/storage.js";
import { loadStyles } from "./lib/styles.js";
import { applyTheme } from "./lib/theme.js";

/** Each view comes with its own code and style, the first time it is asked for; some need a key that allows it. */
const VIEWS = {
  home: { element: "ids-home", load: () => import("./components/ids-home.js"), needs: "use" },
  library: { element: "ids-library", load: () => import("./components/ids-library.js"), styles: "library", needs: "read" },
  document: { element: "ids-document", load: () => import("./components/ids-document.js"), styles: "document" },
  conversations: { element: "ids-conversations", load: () => import("./components/ids-conversations.js"), styles: "conversation", needs: "ask" },
  conversation: { element: "ids-conversation", load: () => import("./components/ids-conversation.js"), styles: "conversation", needs: "ask" },
  status: { element: "ids-status", load: () => import("./components/ids-status.js"), styles: "status" },
  missing: { element: "ids-missing", load: () => import("./components/ids-missing.js") },
};

/** What the uploads of this tab are kept under; their code is loaded only when there are some. */
const UPLOADS = "ids.uploads";

const main = document.querySelector("#main");
/** Where each address of this tab's history was scrolled to, by the key in its history state. */
const scrolls = new Map();
let key = history.state?.key ?? crypto.randomUUID();
let shown = null;
let isTrayMissing = false;
/** Counts navigations: a view that took long to load does not replace a later one. */
let turn = 0;

function viewOf({ path }) {
  const [first, second, third] = path;
  if (first === undefined || first === "search") return "home";
  if (first === "library" && path.length === 1) return "library";
  if (first === "documents" && second && (third === undefined || third === "pages")) return "document";
  if (first === "conversations") return second ? "conversation" : "conversations";
  if (first === "status") return "status";
  return "missing";
}

/** What who may only add documents begins with; at other addresses the page says what the key lacks. */
function insteadOf({ path }) {
  return path.length === 0 && access.allows("read") ? "library" : "missing";
}

async function show({ isFirst = false } = {}) {
  // A link inside the view, such as the one that skips the navigation, is no address.
  if (location.hash !== "" && !location.hash.startsWith("#/")) return;
  const mine = ++turn;
  scrolls.set(key, window.scrollY);
  key = history.state?.key ?? crypto.randomUUID();
  if (!history.state?.key) history.replaceState({ key }, "");
  const route = parse(location.hash);
  const wanted = viewOf(route);
  const { needs } = VIEWS[wanted];
  const name = access.allows(needs) ? wanted : insteadOf(route);
  markPlace(name);

  const { element, load, styles } = VIEWS[name];
  if (shown?.localName === element && shown.takes?.(route)) {
    finish(isFirst, mine);
    return;
  }
  try {
    await Promise.all([load(), styles && loadStyles(styles)]);
  } catch {
    if (mine === turn) broke(mine);
    return;
  }
  if (mine !== turn) return;
  const view = document.createElement(element);
  view.route = route;
  if (name === "missing") view.needs = needs;
  main.replaceChildren(view);
  shown = view;
  await finish(isFirst, mine);
}

/** The server has gone, or has another version of the page by now. */
function broke(mine) {
  shown = null;
  main.replaceChildren(h("p", { class: "notice danger", role: "alert" }, t("shell.broken")));
  connection.lost();
  // Browsers remember that a module could not be loaded: only a new page asks again.
  connection.addEventListener("back", () => mine === turn && location.reload(), { once: true });
}

async function finish(isFirst, mine) {
  titlePage();
  if (!isFirst && !main.contains(document.activeElement)) focusHeading();
  // Back to where one was, once there is something to scroll over.
  const scroll = scrolls.get(key) ?? 0;
  window.scrollTo(0, 0);
  await shown?.ready;
  if (mine !== turn) return;
  // The heading may have come only now.
  if (!isFirst) rescueFocus();
  if (scroll > 0) window.scrollTo(0, scroll);
}

function titlePage() {
  const heading = main.querySelector("h1");
  if (heading) document.title = `${heading.textContent} · ids`;
}

function markPlace(name) {
  const place = { document: "library", conversation: "conversations" }[name] ?? name;
  for (const anchor of document.querySelectorAll(".places a")) {
    if (anchor.dataset.place === place) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
}

async function changeLanguage(name) {
  try {
    await useLanguage(name);
  } catch (error) {
    const isAway = error instanceof TypeError; // what fetch throws
    if (isAway) connection.lost();
    // The choice shows what the page is in.
    document.querySelector("ids-preferences").retranslate();
    document.dispatchEvent(new CustomEvent("ids:failed", { detail: { error: isAway ? unreachable() : null } }));
    return;
  }
  rememberLanguage(name);
  sayFrame();
  if (shown?.retranslate) shown.retranslate();
  else await show({ isFirst: true });
  titlePage();
  announce(t("shell.language_changed"));
}

/** The words of all that stands around the view. */
function sayFrame() {
  document.querySelector("[data-place=home] span").dataset.i18n = access.allows("ask") ? "home.place" : "home.search";
  translatePage();
  for (const element of document.querySelectorAll("[data-retranslates]")) element.retranslate();
}

/** Another key allows something else; what was typed stays. */
function onAccess() {
  sayFrame();
  const name = viewOf(parse(location.hash));
  if (shown?.retranslate && shown.localName === VIEWS[name].element && access.allows(VIEWS[name].needs)) shown.retranslate();
  else show({ isFirst: true });
}

/** Does something with the tray of uploads, which is loaded only now. */
async function withTray(act) {
  try {
    const [{ tray }] = await Promise.all([import("./components/ids-uploads.js"), loadStyles("uploads")]);
    await act(tray());
  } catch {
    // As above: it was missing during an outage, and stays missing in this page.
    if (isTrayMissing && !connection.isLost) return location.reload();
    isTrayMissing = true;
    connection.lost();
    document.dispatchEvent(new CustomEvent("ids:failed", { detail: { error: unreachable() } }));
  }
}

/** Somebody is here: the rest is loaded while the server is, so that the next view comes at once. */
function loadTheRest() {
  for (const { load, styles } of Object.values(VIEWS)) {
    load().catch(() => {}); // told when it is needed
    if (styles) loadStyles(styles);
  }
  import("./components/ids-home.js").then(({ loadResults }) => loadResults()).catch(() => {});
  import("./components/ids-uploads.js").then(() => loadStyles("uploads"), () => {});
}

function onFirst(types, act) {
  const heard = new AbortController();
  const once = () => {
    heard.abort();
    // After what the event itself does.
    setTimeout(act);
  };
  for (const type of types) window.addEventListener(type, once, { signal: heard.signal });
}

function onKey(event) {
  const isTyping = event.target.closest("input, textarea, select, [contenteditable], dialog");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const field = main.querySelector("[data-main-field]");
  if (field) field.focus();
  else location.hash = link([]);
}

/** The one text that cannot come from the texts. */
function showWithoutTexts() {
  document.documentElement.dataset.ready = "";
  main.replaceChildren(h("div", { class: "empty", role: "alert" }, icon("alert"),
    h("h1", {}, "Não foi possível carregar os textos desta página."),
    h("p", { lang: "en" }, "The texts of this page could not be loaded."),
    button("Recarregar / Reload", () => location.reload(), { shape: "retry" })));
}

async function start() {
  applyTheme();
  history.scrollRestoration = "manual";
  for (const element of document.querySelectorAll("[data-icon]")) element.prepend(icon(element.dataset.icon));
  const entrance = access.load();
  try {
    await useLanguage(detectLanguage());
  } catch {
    showWithoutTexts();
    return;
  }
  const isLocked = (await entrance) === 401;
  if (isLocked) access.lock();
  sayFrame();
  document.documentElement.dataset.ready = "";

  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  document.querySelector("#add").addEventListener("click", () => withTray((tray) => tray.choose({ collection: currentCollection() })));
  document.addEventListener("ids:language", (event) => changeLanguage(event.detail));
  document.addEventListener("ids:add", (event) => withTray((tray) => tray.choose(event.detail)));
  document.addEventListener("ids:titled", titlePage);
  document.addEventListener("keydown", onKey);
  watchDrops((drop) => withTray((tray) => tray.take(drop)));
  if (isLocked) {
    try {
      await (await import("./components/ids-key-dialog.js")).untilKey(main, (view) => (shown = view));
    } catch {
      return broke(turn);
    }
    sayFrame();
  }
  window.addEventListener("hashchange", () => show());
  access.addEventListener("change", onAccess);

  // Who has just given a key goes on in the view.
  await show({ isFirst: !isLocked });
  onFirst(["pointermove", "pointerdown", "keydown", "dragenter"], loadTheRest);
  if (recall(UPLOADS, ofTab)) await withTray(() => {});
}

start();
