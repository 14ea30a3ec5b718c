// The server goes away, and comes back.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { newPage, startBrowser, texts } from "./support/browser.mjs";
import { checkView } from "./support/checks.mjs";
import { payload } from "./support/files.mjs";
import { contract, law, minutes } from "./support/samples.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const t = texts("pt");
const LOST = /^O servidor não responde\. Tentamos/;
let browser;
let server;
let page;

before(async () => (browser = await startBrowser()));
after(() => browser.close());
beforeEach(async () => {
  server = await startServer();
  await server.add(contract);
  page = await newPage(browser, server);
});
afterEach(async () => {
  await page.context().close();
  await server.stop();
});

const banner = () => page.getByRole("alert").filter({ hasText: LOST });

test("a search during an outage says so, and shows its results when the server is back", async () => {
  await page.goto("/");
  const field = page.getByRole("textbox", { name: t.field });
  await field.fill("multa");
  const results = page.getByRole("list", { name: t.results });
  await results.waitFor();
  await server.kill();
  await field.fill("multa por atraso");
  await banner().waitFor();
  await page.getByRole("button", { name: "Tentar de novo" }).waitFor();
  await checkView(page);
  await server.start();
  await banner().waitFor({ state: "detached" });
  await results.waitFor();
  assert.equal(await field.inputValue(), "multa por atraso");
});

test("a question asked during an outage stays, and can be asked again after it", async () => {
  await page.goto("/");
  await page.getByRole("textbox", { name: t.field }).fill("Qual é a multa por atraso?");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: t.sources }).waitFor();
  await server.kill();
  const field = page.getByRole("textbox", { name: "Pergunta" });
  await field.fill("E qual é o prazo da obra?");
  await field.press("Enter");
  await banner().waitFor();
  await server.start();
  await banner().waitFor({ state: "detached" });
  await page.getByRole("heading", { level: 2, name: "E qual é o prazo da obra?" }).waitFor();
  await page.getByRole("button", { name: "Perguntar de novo" }).click();
  await page.getByRole("region", { name: t.sources }).nth(1).waitFor();
});

test("files chosen during an outage are sent when the server is back", async () => {
  await page.goto("/");
  await page.getByRole("heading", { name: "Documentos recentes" }).waitFor();
  await page.getByRole("banner").getByRole("button", { name: t.add }).click();
  await page.getByRole("dialog").waitFor();
  await server.kill();
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("dialog").getByRole("button", { name: t.files }).click()]);
  await chooser.setFiles([payload(minutes), payload(law)]);
  await banner().waitFor();
  const tray = page.getByRole("region", { name: "Documentos sendo adicionados" });
  await tray.getByText("O envio segue quando ele voltar").first().waitFor();
  await server.start();
  await tray.getByRole("heading", { name: "2 arquivos concluídos" }).waitFor();
  assert.equal((await server.get("/api/v1/documents")).total, 3);
});

test("a document under way is followed again after the server was killed", async () => {
  await page.goto("/");
  const sentences = Array.from({ length: 1_500 }, (_, index) => `O artigo ${index} trata do lote ${index * 7} do loteamento.`);
  await page.getByRole("banner").getByRole("button", { name: t.add }).click();
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("dialog").getByRole("button", { name: t.files }).click()]);
  await chooser.setFiles([{ name: "longo.txt", mimeType: "text/plain", buffer: Buffer.from(sentences.join("\n")) }]);
  const tray = page.getByRole("region", { name: "Documentos sendo adicionados" });
  await tray.getByText(/·/).waitFor();
  await server.kill();
  await banner().waitFor();
  await server.start();
  await banner().waitFor({ state: "detached" });
  // The killed worker's lease runs out first.
  await tray.getByText(t.ready, { exact: true }).waitFor({ timeout: 60_000 });
});

test("what needs code that was never loaded says so during an outage, and works after it", async () => {
  await page.goto("/");
  await page.getByRole("heading", { name: "Documentos recentes" }).waitFor();
  await server.kill();
  await page.getByRole("banner").getByRole("button", { name: t.add }).click();
  await page.getByRole("region", { name: "Avisos" }).getByText(/O servidor não responde/).waitFor();
  await page.getByRole("navigation").getByRole("link", { name: t.library }).click();
  await page.getByRole("main").getByRole("alert").waitFor();
  await server.start();
  await page.getByRole("link", { name: contract.title }).waitFor();
  await page.getByRole("banner").getByRole("button", { name: t.add }).click();
  await page.getByRole("dialog").waitFor();
});

test("library, conversations, status and a page load by themselves after an outage", async () => {
  const { documents: [{ document_id: id }] } = await server.get("/api/v1/documents");
  for (const [address, sign] of [
    ["/#/library", () => page.getByRole("link", { name: contract.title })],
    ["/#/conversations", () => page.getByText("Nenhuma conversa ainda")],
    ["/#/status", () => page.getByText("Tudo funciona")],
    [`/#/documents/${id}/pages/1`, () => page.getByRole("region", { name: t.pageText })],
  ]) {
    await page.goto(address);
    await sign().waitFor();
  }
  // Each view's code is loaded: now they are asked for while nobody answers.
  await page.goto("/#/");
  await server.kill();
  await page.goto("/#/library");
  await banner().waitFor();
  await page.getByRole("main").getByRole("alert").waitFor();
  await server.start();
  await page.getByRole("link", { name: contract.title }).waitFor();
  await banner().waitFor({ state: "detached" });
});

test("a picture that a busy server or an outage kept back comes by itself, with words in its place until then", async () => {
  const { documents: [{ document_id: id }] } = await server.get("/api/v1/documents");
  const picture = page.getByRole("img", { name: t.picture });
  const isThere = () => until("the picture is there", () => picture.evaluate((it) => it.complete && it.naturalWidth > 0));
  const busy = { error: "busy", detail: "too busy to draw this page", error_code: "BUSY", request_id: "r" };
  await page.route("**/image?*", (route) => route.fulfill({ status: 503, headers: { "retry-after": "1" }, json: busy }));
  await page.goto(`/#/documents/${id}/pages/1`);
  await page.getByRole("figure").getByText(/^O servidor está ocupado/).waitFor();
  await checkView(page);
  await page.unroute("**/image?*");
  await isThere();
  assert.equal(await page.getByText(/^O servidor está ocupado/).count(), 0);

  await page.route("**/image?*", (route) => route.abort());
  await page.getByRole("button", { name: t.next }).click();
  await page.getByRole("figure").getByText(/^O servidor não responde/).waitFor();
  await page.unroute("**/image?*");
  await isThere();
  assert.match(await picture.getAttribute("alt"), /^Página 2 /);
});

test("a picture that does not exist leaves no empty sheet, and is not asked for again", async () => {
  const { documents: [{ document_id: id }] } = await server.get("/api/v1/documents");
  let asked = 0;
  await page.route("**/image?*", (route) => {
    asked += 1;
    return route.fulfill({ status: 404, json: { error: "none", detail: "there is no picture", error_code: "PAGE_IMAGE_UNAVAILABLE", request_id: "r" } });
  });
  await page.goto(`/#/documents/${id}/pages/1`);
  await page.getByRole("region", { name: t.pageText }).waitFor();
  await until("the text stands alone", async () => (await page.locator(".sheet").count()) === 0);
  const before = asked;
  await server.kill();
  await page.getByRole("button", { name: t.next }).click();
  await banner().waitFor();
  await server.start();
  await banner().waitFor({ state: "detached" });
  await page.getByRole("region", { name: t.pageText }).getByText(/PENALIDADES/).waitFor();
  await until("the text stands alone again", async () => (await page.locator(".sheet").count()) === 0);
  assert.ok(asked <= before + 3, `it was asked for ${asked - before} times more`);
});

test("without its texts the page says so in both languages, and works when they are there", async () => {
  await page.route("**/i18n/*.json", (route) => route.fulfill({ status: 404, body: "" }));
  await page.goto("/");
  const alert = page.getByRole("main").getByRole("alert");
  await alert.getByText("Não foi possível carregar os textos desta página.").waitFor();
  await alert.getByText("The texts of this page could not be loaded.").waitFor();
  assert.ok(await page.getByRole("navigation").getByRole("link", { name: t.library }).isVisible());
  await checkView(page);
  await page.unroute("**/i18n/*.json");
  await page.getByRole("button", { name: "Recarregar / Reload" }).click();
  await page.getByRole("textbox", { name: t.field }).waitFor();
});

test("a language that cannot be loaded is not chosen", async () => {
  await page.goto("/#/library");
  await page.getByRole("link", { name: contract.title }).waitFor();
  await page.route("**/i18n/en.json", (route) => route.abort());
  await page.getByRole("button", { name: t.preferences }).click();
  const choice = page.getByLabel("Idioma");
  await choice.selectOption("en");
  await page.getByRole("region", { name: "Avisos" }).getByText(/O servidor não responde/).waitFor();
  assert.equal(await choice.inputValue(), "pt");
  await page.getByRole("heading", { level: 1, name: t.library }).waitFor();
  await page.unroute("**/i18n/en.json");
  await page.reload();
  await page.getByRole("heading", { level: 1, name: t.library }).waitFor();
  assert.deepEqual(page.faults, []);
});
