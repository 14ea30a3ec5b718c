// The page's texts, in the language of the browser or the one chosen.

import { keep, recall } from "./storage.js";

export const LANGUAGES = ["pt", "en"];
const CHOICE = "ids.language";

let strings = {};

export function detectLanguage() {
  const wanted = [recall(CHOICE), ...navigator.languages].filter(Boolean);
  return wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => LANGUAGES.includes(tag)) ?? "en";
}

/** Throws when its texts cannot be had; then all stays as it was. */
export async function useLanguage(language) {
  const response = await fetch(new URL(`../i18n/${language}.json`, import.meta.url));
  if (!response.ok) throw new Error(`${language}.json: ${response.status}`);
  strings = await response.json();
  // Dates and numbers as in Brazil; the page says so too, for screen readers.
  document.documentElement.lang = language === "pt" ? "pt-BR" : language;
}

export function rememberLanguage(language) {
  keep(CHOICE, language);
}

/** pt or en. */
export function language() {
  return document.documentElement.lang.slice(0, 2);
}

/** The text of a key such as `results.page`, its `{names}` filled in; `fallback` when there is none. */
export function t(key, values = {}, fallback = key) {
  const text = key.split(".").reduce((part, name) => part?.[name], strings);
  if (typeof text !== "string") return fallback;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** `key.one` or `key.many`, with `{count}` as people of this language write it. */
export function counted(key, count, values = {}) {
  const text = new Intl.NumberFormat(document.documentElement.lang).format(count);
  return t(`${key}.${count === 1 ? "one" : "many"}`, { ...values, count: text });
}

/** What went wrong, in words: by the code, else what the server said. */
export function errorText(error) {
  if (error?.code === undefined) return t("errors.INTERNAL");
  const text = t(`errors.${error.code}`, {}, error.detail);
  const fields = error.fields?.map(({ field, reason }) => `${field}: ${reason}`) ?? [];
  return fields.length > 0 ? `${text} (${fields.join("; ")})` : text;
}

/** Fills in the texts that stand in the HTML. */
export function translatePage() {
  for (const element of document.querySelectorAll("[data-i18n]")) {
    element.textContent = t(element.dataset.i18n);
  }
  for (const element of document.querySelectorAll("[data-i18n-label]")) {
    element.setAttribute("aria-label", t(element.dataset.i18nLabel));
  }
}
