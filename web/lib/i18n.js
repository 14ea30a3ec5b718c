// The page's texts, in the language of the browser or the one chosen.

const LANGUAGES = ["pt", "en"];
const CHOICE = "ids.language";

let strings = {};

export function detectLanguage() {
  const wanted = [remembered(), ...navigator.languages].filter(Boolean);
  return wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => LANGUAGES.includes(tag)) ?? "en";
}

export function rememberLanguage(language) {
  try {
    localStorage.setItem(CHOICE, language);
  } catch {
    // storage may be forbidden: then the choice lasts as long as the page
  }
}

function remembered() {
  try {
    return localStorage.getItem(CHOICE);
  } catch {
    return null;
  }
}

export async function loadStrings(language) {
  const response = await fetch(new URL(`../i18n/${language}.json`, import.meta.url));
  strings = await response.json();
  document.documentElement.lang = language;
}

/** The text of a key such as `results.page`, its `{names}` filled in; `fallback` when there is none. */
export function translate(key, values = {}, fallback = key) {
  const text = key.split(".").reduce((part, name) => part?.[name], strings);
  if (typeof text !== "string") return fallback;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Fills in the texts that stand in the HTML. */
export function translatePage() {
  document.title = translate("title");
  for (const element of document.querySelectorAll("[data-i18n]")) {
    element.textContent = translate(element.dataset.i18n);
  }
  for (const element of document.querySelectorAll("[data-i18n-label]")) {
    element.setAttribute("aria-label", translate(element.dataset.i18nLabel));
  }
}
