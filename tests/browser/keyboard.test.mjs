// Everything by keyboard alone, with the focus where one expects it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newPage, startBrowser, texts } from "./support/browser.mjs";
import { contract, notice } from "./support/samples.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const t = texts("pt");
let browser;
let server;

before(async () => {
  browser = await startBrowser();
  server = await startServer();
  for (const document_ of [contract, notice]) await server.add(document_);
});
after(async () => {
  await browser.close();
  await server.stop();
});

const hasFocus = (locator) => locator.evaluate((it) => it === document.activeElement);

const focused = (page) => page.evaluate(() => {
  const it = document.activeElement;
  return it.getAttribute("aria-label") ?? it.id ?? it.textContent;
});

/** Presses Tab until `check` holds of what has the focus. */
async function tabTo(page, selector) {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
  }
  assert.fail(`Tab never reached ${selector}`);
}

test("search, read, turn pages, ask and follow a citation without a mouse", async () => {
  const page = await newPage(browser, server);
  await page.goto("/");
  const field = page.getByRole("textbox", { name: t.field });
  await until("the field has the focus", () => field.evaluate((it) => it === document.activeElement));
  await page.keyboard.type("multa por atraso");
  const links = page.getByRole("list", { name: t.results }).getByRole("link");
  await links.first().waitFor();
  await page.keyboard.press("ArrowDown");
  await until("the first result has the focus", () => links.first().evaluate((it) => it === document.activeElement));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await until("above the first is the field", () => field.evaluate((it) => it === document.activeElement));
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  const text = page.getByRole("region", { name: t.pageText });
  await text.waitFor();
  await until("the heading has the focus", () => page.evaluate(() => document.activeElement.localName === "h1"));

  await page.keyboard.press("ArrowRight");
  await text.getByText(/PAGAMENTO/).waitFor();
  await page.keyboard.press("ArrowLeft");
  await text.getByText(/PENALIDADES/).waitFor();
  await page.goBack();
  await until("Back shows the search", async () => (await field.inputValue()) === "multa por atraso");
  await links.first().waitFor();

  await page.keyboard.press("Escape");
  await field.focus();
  await page.keyboard.press("Escape");
  assert.equal(await field.inputValue(), "");
  await page.keyboard.type("Qual é a multa por dia de atraso?");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: t.sources }).waitFor();
  await tabTo(page, "a.cite");
  await page.keyboard.press("Enter");
  await text.locator("mark").first().waitFor();
  await page.context().close();
});

test("the first Tab offers to skip to the content, and a slash finds the field", async () => {
  const page = await newPage(browser, server);
  await page.goto("/#/library");
  await page.getByRole("link", { name: contract.title }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Ir para o conteúdo");
  await page.keyboard.press("Enter");
  assert.equal(await focused(page), "main");
  assert.match(page.url(), /#\/library$/);
  await page.keyboard.press("/");
  await until("the library's field has the focus", () =>
    page.getByLabel("Título ou nome do arquivo").evaluate((it) => it === document.activeElement));
  await page.goto("/#/status");
  await page.getByText("Tudo funciona").waitFor();
  await page.keyboard.press("/");
  await until("elsewhere it leads to the search", () =>
    page.getByRole("textbox", { name: t.field }).evaluate((it) => it === document.activeElement));
  await page.context().close();
});

test("language and look are changed by keyboard, at once and for good", async () => {
  const page = await newPage(browser, server);
  await page.goto("/#/library");
  await page.getByRole("link", { name: contract.title }).waitFor();
  await page.getByRole("button", { name: t.preferences }).focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Idioma").selectOption("en");
  await page.getByRole("heading", { level: 1, name: "Library" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
  await page.getByRole("combobox", { name: "Appearance" }).selectOption("dark");
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.keyboard.press("Escape");
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Library" }).waitFor();
  assert.equal(await ground(), dark);
  await page.context().close();
});

test("after a deletion the focus goes on in the list", async () => {
  const page = await newPage(browser, server);
  await page.goto("/#/library");
  await page.getByRole("button", { name: `Excluir: ${notice.title}` }).focus();
  await page.keyboard.press("Enter");
  await until("the next row's button has the focus", async () => (await focused(page)) === `Excluir: ${contract.title}`);
  await page.getByRole("button", { name: t.undo }).click();
  await page.context().close();
});

test("the focus stays while an answer arrives, and after a conversation was given another name", async () => {
  const page = await newPage(browser, server);
  await page.goto("/");
  await page.getByRole("textbox", { name: t.field }).fill("Qual é a multa por dia de atraso?");
  const named = page.waitForResponse((response) => /chat\/sessions\/[^/?]+$/.test(response.url()));
  await page.keyboard.press("Enter");
  const heading = page.getByRole("heading", { level: 1 });
  const rename = page.getByRole("button", { name: "Dar outro nome" });
  await until("the heading has the focus", () => hasFocus(heading));
  await page.getByRole("region", { name: t.sources }).waitFor();
  await rename.waitFor();
  await (await named).finished();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert.ok(await hasFocus(heading), "the answer has come, and the focus is where it was");

  await rename.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByLabel(t.title).fill("Multas da obra");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Multas da obra" }).waitFor();
  assert.ok(await hasFocus(rename));

  await page.route("**/api/v1/chat/ask", (route) => route.abort());
  const field = page.getByRole("textbox", { name: "Pergunta" });
  await field.fill("E qual é o prazo?");
  await field.press("Enter");
  const again = page.getByRole("button", { name: "Perguntar de novo" });
  await again.focus();
  await page.unroute("**/api/v1/chat/ask");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: t.sources }).nth(1).waitFor();
  await until("the button that stopped is the one that asks", () => hasFocus(page.getByRole("main").getByRole("button", { name: t.ask })));
  await page.context().close();
});

test("the focus stays in the list of conversations when one is renamed, deleted, brought back, and when more are shown", async () => {
  for (const question of ["Qual é o prazo da obra?", "Quem entrega a merenda?"]) await server.send("POST", "/api/v1/chat/ask", { message: question });
  const page = await newPage(browser, server);
  await page.goto("/#/conversations");
  const list = page.getByRole("list", { name: t.conversations });
  await page.getByRole("button", { name: "Dar outro nome: Quem entrega a merenda?" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByLabel(t.title).fill("Merenda");
  await page.keyboard.press("Enter");
  await until("the same button has the focus", async () => (await focused(page)) === "Dar outro nome: Merenda");

  const names = async () => Promise.all((await list.getByRole("listitem").all()).map((row) => row.getByRole("link").textContent()));
  const at = (await names()).indexOf("Merenda");
  const neighbor = (await names())[at + 1] ?? (await names())[at - 1];
  await page.getByRole("button", { name: "Excluir: Merenda" }).focus();
  await page.keyboard.press("Enter");
  await until("the next row's button has the focus", async () => (await focused(page)) === `Excluir: ${neighbor}`);
  await page.getByRole("button", { name: t.undo }).focus();
  await page.keyboard.press("Enter");
  await until("what was brought back has it", async () => (await focused(page)) === "Excluir: Merenda");

  const brief = (index) => ({ session_id: `s${index}`, title: `Conversa ${index}`, created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z", message_count: 2 });
  await page.route("**/api/v1/chat/sessions?*", (route) => {
    const offset = Number(new URL(route.request().url()).searchParams.get("offset") ?? 0);
    const sessions = Array.from({ length: offset === 0 ? 50 : 3 }, (_, index) => brief(offset + index));
    return route.fulfill({ json: { sessions, total: 53, has_more: offset === 0 } });
  });
  await page.reload();
  await page.getByRole("button", { name: "Mostrar mais" }).focus();
  await page.keyboard.press("Enter");
  await until("the first new one has the focus", () => hasFocus(list.getByRole("link", { name: "Conversa 50", exact: true })));
  await page.context().close();
});

test("a document keeps the focus under its new title, and after it was brought back", async () => {
  const page = await newPage(browser, server);
  await page.goto("/#/library");
  await page.getByRole("button", { name: `Editar: ${notice.title}` }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByLabel(t.title).fill("Edital da merenda");
  await page.keyboard.press("Enter");
  await until("the same button has the focus", async () => (await focused(page)) === "Editar: Edital da merenda");
  await page.getByRole("button", { name: `Excluir: ${contract.title}` }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Excluir: Edital da merenda" }).focus();
  await page.keyboard.press("Enter");
  // Both are gone: the focus is not at the top of the page.
  await until("the heading has the focus", () => hasFocus(page.getByRole("heading", { level: 1 })));
  await page.getByRole("button", { name: t.undo }).first().focus();
  await page.keyboard.press("Enter");
  await until("the first one has it", async () => (await focused(page)) === `Excluir: ${contract.title}`);
  await page.getByRole("navigation").getByRole("link", { name: t.status }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("Tudo funciona").waitFor();
  await page.getByRole("button", { name: t.undo }).focus();
  await page.keyboard.press("Enter");
  await until("where there is no row the heading has it", () => hasFocus(page.getByRole("heading", { level: 1 })));
  await server.send("PATCH", `/api/v1/documents/${(await server.get("/api/v1/documents?search=merenda")).documents[0].document_id}`, { title: notice.title });
  await page.context().close();
});

test("a note that comes does not take the focus from the one that is there", async () => {
  const page = await newPage(browser, server);
  await page.goto("/#/library");
  await page.getByRole("button", { name: `Excluir: ${contract.title}` }).click();
  const undo = page.getByRole("button", { name: t.undo });
  await undo.focus();
  await page.evaluate(() => document.dispatchEvent(new CustomEvent("ids:failed", { detail: { error: { code: "BUSY" } } })));
  const close = page.getByRole("region", { name: "Avisos" }).getByRole("button", { name: "Fechar" });
  await close.waitFor();
  assert.ok(await hasFocus(undo));
  await close.focus();
  await page.keyboard.press("Enter");
  await until("the note that is left has it", () => hasFocus(undo));
  await page.keyboard.press("Enter");
  await page.context().close();
});
