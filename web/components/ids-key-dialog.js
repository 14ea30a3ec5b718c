// Asks for the key that the server wants. Loaded only when it does.

import { access } from "../lib/access.js";
import { errorOf, unreachable } from "../lib/api.js";
import { connection } from "../lib/connection.js";
import { button, h, icon } from "../lib/dom.js";
import { errorText, t } from "../lib/i18n.js";

/** Stands at the top of the page while somebody goes on without a key; null when nobody does. */
let notice = null;
/** Nothing has been shown yet: then there is nothing to go on with, and the view says so. */
let isLocked = false;

/** Resolves with true when the server takes the key, with false when none is given. */
export async function askForKey() {
  const isGiven = await new Promise(open);
  notice?.remove();
  notice = null;
  if (!isGiven && !isLocked) document.querySelector("ids-banner").after((notice = banner()));
  return isGiven;
}

/** Shows in `main` that nothing can be shown without a key, until there is one. `take` gets what is shown. */
export async function untilKey(main, take) {
  isLocked = true;
  while (!(await access.ask())) {
    await new Promise((resolve) => {
      const view = h("div", { class: "empty" });
      view.retranslate = () => view.replaceChildren(icon("alert"), h("h1", {}, t("errors.UNAUTHENTICATED")), h("p", {}, where()),
        button(t("keys.give"), resolve, { className: "primary" }));
      view.retranslate();
      main.replaceChildren(view);
      take(view);
    });
  }
  isLocked = false;
  main.replaceChildren();
  take(null);
}

/** Where keys come from; what stands between backticks is to be typed. */
function where() {
  return t("keys.text").split("`").map((part, index) => (index % 2 === 1 ? h("code", {}, part) : part));
}

function banner() {
  const made = h("div", { class: "banner", role: "status", "data-retranslates": true });
  made.retranslate = () => made.replaceChildren(icon("alert"), h("p", {}, t("errors.UNAUTHENTICATED")), button(t("keys.give"), () => access.ask(), { className: "link" }));
  made.retranslate();
  return made;
}

function open(resolve) {
  let isGiven = false;
  const input = h("input", {
    type: "password", name: "key", required: true, autocomplete: "current-password", autocapitalize: "none", spellcheck: "false",
    "aria-describedby": "key-failure", autofocus: true,
  });
  const failure = h("p", { id: "key-failure", class: "notice danger", role: "alert", hidden: true });
  const submit = h("button", { type: "submit", class: "primary" }, t("keys.enter"));
  const form = h("form", { class: "key-form", onsubmit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    const words = await refusal(input.value.trim());
    submit.disabled = false;
    if (words === null) return done();
    failure.textContent = words;
    failure.hidden = false;
    input.setAttribute("aria-invalid", "true");
    input.select();
  } },
  h("h2", { id: "key-title" }, t("keys.title")),
  access.info && h("p", { class: "notice" }, t("keys.ended")),
  h("p", { id: "key-text" }, where()),
  h("label", { class: "field" }, h("span", {}, t("keys.field")), input),
  h("label", { class: "check" }, h("input", { type: "checkbox", onchange: (event) => {
    input.type = event.target.checked ? "text" : "password";
  } }), t("keys.show")),
  failure,
  h("p", { class: "summary" }, t("keys.kept")),
  h("div", { class: "actions" }, h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, t("keys.later")), submit));
  const dialog = h("dialog", { "aria-labelledby": "key-title", "aria-describedby": "key-text" }, form);
  const done = () => {
    isGiven = true;
    dialog.close();
  };
  // Somebody may have given it in another tab.
  const closed = new AbortController();
  window.addEventListener("focus", async () => {
    if ((await access.load()) === 200) done();
  }, { signal: closed.signal });
  dialog.addEventListener("close", () => {
    closed.abort();
    dialog.remove();
    resolve(isGiven);
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** Gives the key to the server: null when it takes it, else why not, in words. */
async function refusal(key) {
  let response;
  try {
    response = await fetch("/api/v1/login", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ key }) });
  } catch {
    connection.lost();
    return errorText(unreachable());
  }
  if (response.ok) return (await access.load()) === 401 ? t("keys.not_kept") : null;
  const error = await errorOf(response);
  if (error.code === "VALIDATION_FAILED") return t("keys.malformed");
  if (error.code === "UNAUTHENTICATED") return t("keys.wrong");
  return errorText(error);
}
