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
