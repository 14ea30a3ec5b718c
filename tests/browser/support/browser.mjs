// A page as a person of some language, some taste and some screen has it.

import { chromium } from "playwright-core";

const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };

/** `more` are further flags of Chromium. */
export function startBrowser(...more) {
  return chromium.launch({ executablePath: PROGRAM, args: [...FLAGS, ...more] });
}

/** A new page in a context of its own. What goes wrong in it is kept in `page.faults`. */
export async function newPage(browser, server, { language = "pt", theme = "light", viewport = DESKTOP, ...more } = {}) {
  const context = await browser.newContext({
    baseURL: server.address, locale: { pt: "pt-BR", en: "en-US" }[language], timezoneId: "America/Sao_Paulo",
    colorScheme: theme, viewport, reducedMotion: "reduce", acceptDownloads: true, ...more,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.stack ?? String(error)));
  // The policy of the page is told here when something breaks it; refusals of the server are no faults of the page.
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) page.faults.push(message.text());
  });
  return page;
}

export function texts(language) {
  return { pt: PT, en: EN }[language];
}

/** What the tests look for, as people of each language read it. */
const PT = {
  add: "Adicionar documentos", files: "Escolher arquivos", field: "Pergunta ou busca", ask: "Perguntar", results: "Trechos encontrados",
  library: "Biblioteca", conversations: "Conversas", status: "Situação", ready: "Pronto", sources: "Fontes",
  undo: "Desfazer", remove: /^Excluir: /, edit: /^Editar: /, save: "Salvar", title: "Título", next: "Próxima página", previous: "Página anterior",
  picture: /^Página \d+ de /, pageText: /^Texto da página/, cite: /^Fonte 1: /, empty: "A biblioteca está vazia", preferences: "Idioma e aparência",
  key: "Chave", keyTitle: "Chave de acesso", enter: "Entrar", later: "Agora não", give: "Informar a chave", showKey: "Mostrar a chave", forget: "Esquecer esta chave",
  search: "Buscar",
};
const EN = {
  add: "Add documents", files: "Choose files", field: "Question or search", ask: "Ask", results: "Passages found",
  library: "Library", conversations: "Conversations", status: "Status", ready: "Ready", sources: "Sources",
  undo: "Undo", remove: /^Delete: /, edit: /^Edit: /, save: "Save", title: "Title", next: "Next page", previous: "Previous page",
  picture: /^Page \d+ of /, pageText: /^Text of page/, cite: /^Source 1: /, empty: "The library is empty", preferences: "Language and appearance",
  key: "Key", keyTitle: "Access key", enter: "Sign in", later: "Not now", give: "Enter the key", showKey: "Show the key", forget: "Forget this key",
  search: "Search",
};
