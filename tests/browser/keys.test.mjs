// A server that wants a key: asked for, wrong, revoked in the middle, allowing only a part, forgotten.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { newPage, PHONE, startBrowser, texts } from "./support/browser.mjs";
import { checkSnapshot, checkView } from "./support/checks.mjs";
import { dropOn, folderOf, payload } from "./support/files.mjs";
import { contract, law, minutes } from "./support/samples.mjs";
import { startServerWithKeys } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

/** As a whole key looks, and no server's. */
const STRANGE = `ids_${"A".repeat(43)}`;
const QUESTION = "Qual é a multa por dia de atraso na obra?";

let browser;
let server;
let page;

before(async () => {
  browser = await startBrowser();
  server = await startServerWithKeys();
  await server.add(contract, { collection: "obras" });
});
after(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => page.context().close());

const dialogOf = (t) => page.getByRole("dialog", { name: t.keyTitle });

async function give(t, key) {
  await dialogOf(t).getByLabel(t.key, { exact: true }).fill(key);
  await dialogOf(t).getByRole("button", { name: t.enter, exact: true }).click();
}

/** A page of somebody who has given this key before. */
async function pageWith(key, options = {}) {
  const made = await newPage(browser, server, options);
  const { status } = await made.request.post("/api/v1/login", { data: { key } }).then((reply) => ({ status: reply.status() }));
  assert.equal(status, 204);
  return made;
}

async function choose(t, files) {
  await page.getByRole("banner").getByRole("button", { name: t.add }).click();
  await chooseNow(t, files);
}

async function chooseNow(t, files) {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("dialog").getByRole("button", { name: t.files }).click(),
  ]);
  await chooser.setFiles(files);
}

for (const [language, theme] of [["pt", "light"], ["en", "dark"]]) {
  const t = texts(language);

  test(`with a key everything goes its whole way, in ${language}`, async () => {
    page = await newPage(browser, server, { language, theme });
    await page.goto("/");
    await dialogOf(t).waitFor();
    const field = dialogOf(t).getByLabel(t.key, { exact: true });
    assert.deepEqual([await field.getAttribute("type"), await field.evaluate((it) => it === document.activeElement)], ["password", true]);
    await checkView(page);
    await checkSnapshot(page, `key-dialog.${language}`, { part: dialogOf(t) });
    assert.equal(await page.getByRole("banner").getByRole("link", { name: t.library, includeHidden: true }).isVisible(), false);

    await give(t, "ids_curta");
    await dialogOf(t).getByText({ pt: /^Isto não é uma chave inteira/, en: /^This is not a whole key/ }[language]).waitFor();
    await give(t, STRANGE);
    await dialogOf(t).getByText({ pt: /^O servidor não aceita esta chave/, en: /^The server does not take this key/ }[language]).waitFor();
    await checkView(page);
    await dialogOf(t).getByLabel(t.showKey).check();
    assert.deepEqual([await field.getAttribute("type"), await field.inputValue()], ["text", STRANGE]);

    // As it comes out of a letter: with spaces around it, and pasted.
    const { key } = await server.createKey("search,ask,ingest");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.evaluate((text) => navigator.clipboard.writeText(` ${text}\t`), key);
    await field.press("Control+a");
    await field.press("Control+v");
    await field.press("Enter");
    await dialogOf(t).waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => document.cookie), "", "no script can read it");

    await page.getByRole("textbox", { name: t.field }).fill("multa");
    await page.getByRole("list", { name: t.results }).waitFor();
    await choose(t, [payload(language === "pt" ? law : minutes)]);
    await page.getByRole("region", { name: /^(Documentos sendo|Documents being)/ }).getByText(t.ready, { exact: true }).waitFor();
    await page.getByRole("textbox", { name: t.field }).fill(QUESTION);
    await page.getByRole("button", { name: t.ask, exact: true }).click();
    await page.getByRole("link", { name: t.cite }).first().click();
    const picture = page.getByRole("img", { name: t.picture });
    await until("the picture of the page is there", () => picture.evaluate((it) => it.complete && it.naturalWidth > 0));

    await page.reload();
    await page.getByRole("region", { name: t.pageText }).waitFor();
    assert.equal(await dialogOf(t).count(), 0, "it is kept");
    assert.deepEqual(page.faults, []);
  });

  test(`who gives none sees why nothing is shown, and can think again, in ${language}`, async () => {
    page = await newPage(browser, server, { language, theme, viewport: PHONE });
    await page.goto("/#/library");
    await dialogOf(t).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("heading", { level: 1, name: { pt: /^É preciso uma chave/, en: /^A valid access key/ }[language] }).waitFor();
    await checkView(page);
    await checkSnapshot(page, `no-key.${language}`);
    await page.getByRole("button", { name: t.give }).click();
    await give(t, (await server.createKey("search")).key);
    await page.getByRole("link", { name: contract.title }).waitFor();
    assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), t.library);
  });
}

const t = texts("pt");

test("a key revoked in the middle is asked for again, and what was typed, asked and sent goes on", async () => {
  const first = await server.createKey("search,ask,ingest");
  page = await pageWith(first.key);
  await page.goto("/");
  await page.getByRole("textbox", { name: t.field }).fill(QUESTION);
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: t.sources }).waitFor();
  const follow = page.getByRole("textbox", { name: "Pergunta" });
  await follow.fill("E qual é o prazo da obra?");
  await server.revokeKey(first);
  await follow.press("Enter");
  await dialogOf(t).getByText(/^A chave usada até aqui não vale mais/).waitFor();
  await checkView(page);
  await checkSnapshot(page, "key-ended.pt", { part: dialogOf(t) });
  const second = await server.createKey("search,ask,ingest");
  await give(t, second.key);
  await page.getByRole("region", { name: t.sources }).nth(1).waitFor();

  await follow.fill("Meia pergunta");
  await page.getByRole("banner").getByRole("button", { name: t.add }).click();
  await page.getByRole("dialog", { name: t.add }).getByRole("button", { name: t.files }).waitFor();
  await server.revokeKey(second);
  await chooseNow(t, [{ name: "um.txt", mimeType: "text/plain", buffer: Buffer.from("O primeiro ofício trata do lote 12.") },
    { name: "dois.txt", mimeType: "text/plain", buffer: Buffer.from("O segundo ofício trata do lote 34.") }]);
  await dialogOf(t).waitFor();
  assert.equal(await page.getByRole("dialog").count(), 1, "two uploads and the lists ask once");
  await page.keyboard.press("Escape");
  const tray = page.getByRole("region", { name: "Documentos sendo adicionados" });
  await tray.getByText(/^Falta a chave de acesso/).nth(1).waitFor();
  assert.equal(await follow.inputValue(), "Meia pergunta");

  await page.getByRole("status").filter({ hasText: "É preciso uma chave" }).getByRole("button", { name: t.give }).click();
  await give(t, (await server.createKey("search,ask,ingest")).key);
  await tray.getByRole("heading", { name: "2 arquivos concluídos" }).waitFor();
  assert.equal(await page.getByRole("button", { name: t.give }).count(), 0);
  assert.equal(await follow.inputValue(), "Meia pergunta");
  assert.deepEqual(page.faults, []);
});

test("a page's picture and a document's progress survive a new key", async () => {
  const first = await server.createKey("search,ingest");
  page = await pageWith(first.key);
  const { documents: [{ document_id: id }] } = await server.get("/api/v1/documents?collection=obras");
  await page.goto(`/#/documents/${id}/pages/1`);
  const picture = page.getByRole("img", { name: t.picture });
  const isThere = () => until("the picture is there", () => picture.evaluate((it) => it.complete && it.naturalWidth > 0));
  await isThere();
  await server.revokeKey(first);
  await page.getByRole("button", { name: t.next }).click();
  await dialogOf(t).waitFor();
  await give(t, (await server.createKey("search,ingest")).key);
  await page.getByRole("img", { name: /^Página 2 de / }).waitFor();
  await isThere();
});

test("a key given in another tab serves here too", async () => {
  page = await newPage(browser, server);
  await page.goto("/#/library");
  await dialogOf(t).waitFor();
  await page.request.post("/api/v1/login", { data: { key: (await server.createKey("search")).key } });
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await page.getByRole("link", { name: contract.title }).waitFor();
});

test("a key that may only search offers nothing else", async () => {
  page = await pageWith((await server.createKey("search", "--collections", "obras")).key);
  await page.goto("/");
  await page.getByRole("link", { name: contract.title }).waitFor();
  await checkView(page);
  await checkSnapshot(page, "home-search-only.pt");
  const field = page.getByRole("textbox", { name: t.search });
  await field.fill("multa");
  await page.getByRole("list", { name: t.results }).waitFor();
  assert.equal(await page.getByRole("button", { name: t.ask }).count(), 0);
  await field.press("Enter");
  assert.match(page.url(), /#\/search\?q=multa$/);

  const asked = [];
  page.on("response", (response) => response.status() === 403 && asked.push(response.url()));
  await page.goto("/#/library");
  await page.getByRole("heading", { level: 1, name: t.library }).waitFor();
  await page.getByRole("link", { name: contract.title }).waitFor();
  assert.equal(await page.getByRole("main").getByRole("button", { name: /^(Editar|Excluir)/ }).count(), 0);
  await dropOn(page, [await folderOf([minutes])]);
  await page.goto("/#/status");
  await page.getByText("Tudo funciona").waitFor();
  await page.getByRole("heading", { name: t.keyTitle }).waitFor();
  assert.equal(await page.getByRole("heading", { name: "Uso de modelos" }).count(), 0);
  await checkView(page);
  await checkSnapshot(page, "status-key.pt", { part: page.locator("section").filter({ has: page.getByRole("heading", { name: t.keyTitle }) }) });
  assert.equal(await page.locator("ids-uploads").count(), 0, "what was dropped is not taken");

  await page.goto("/#/conversations/new?q=multa");
  await page.getByRole("heading", { level: 1, name: "Sua chave de acesso não permite isso." }).waitFor();
  await page.getByText("uma chave que permita perguntar").waitFor();
  await checkView(page);
  assert.deepEqual(asked, [], "nothing is asked for that is not allowed");
});

test("a key that may only ask, and one that may only add, offer that", async () => {
  page = await pageWith((await server.createKey("ask")).key, { language: "en" });
  const asked = [];
  page.on("response", (response) => response.status() === 403 && asked.push(response.url()));
  const en = texts("en");
  await page.goto("/");
  await page.getByRole("textbox", { name: en.ask }).fill(QUESTION);
  await checkView(page);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: en.cite }).first().click();
  await page.getByRole("region", { name: en.pageText }).waitFor();
  assert.equal(await page.getByRole("navigation", { name: "Pages", exact: true }).getByRole("link", { name: en.library }).count(), 0);
  await page.goto("/#/library");
  await page.getByText("a key that allows to search").waitFor();
  assert.deepEqual(asked, []);
  await page.context().close();

  page = await pageWith((await server.createKey("ingest")).key);
  page.on("response", (response) => response.status() === 403 && asked.push(response.url()));
  await page.goto("/");
  await page.getByRole("heading", { level: 1, name: t.library }).waitFor();
  await page.getByRole("button", { name: t.edit }).first().waitFor();
  assert.equal(await page.getByRole("navigation", { name: "Páginas", exact: true }).getByRole("link").count(), 2);
  await checkView(page);
  await page.goto("/#/search?q=multa");
  await page.getByText("uma chave que permita buscar").waitFor();
  assert.deepEqual(asked, []);
});

test("a new key that allows less takes away what it does not, at once", async () => {
  const first = await server.createKey("search,ingest");
  page = await pageWith(first.key);
  await page.goto("/#/library");
  await page.getByRole("button", { name: t.edit }).first().waitFor();
  await server.revokeKey(first);
  await page.getByLabel("Título ou nome do arquivo").fill("contrato");
  await dialogOf(t).getByRole("button", { name: t.later }).click();
  await page.getByRole("main").getByRole("alert").getByText("É preciso uma chave de acesso válida.").waitFor();
  await checkView(page);
  await page.getByRole("status").getByRole("button", { name: t.give }).click();
  await give(t, (await server.createKey("search")).key);
  await page.getByRole("link", { name: contract.title }).waitFor();
  await until("nothing can be changed", async () => (await page.getByRole("button", { name: t.edit }).count()) === 0);
  assert.equal(await page.getByRole("banner").getByRole("button", { name: t.add }).count(), 0);
  assert.equal(await page.getByLabel("Título ou nome do arquivo").inputValue(), "contrato");
});

test("a refusal for rights that comes anyway is shown as what it is", async () => {
  page = await pageWith((await server.createKey("search,ingest", "--collections", "obras")).key);
  await page.goto("/");
  await choose(t, [payload(minutes)]);
  await page.getByRole("region", { name: "Documentos sendo adicionados" }).getByText("Sua chave de acesso não permite isso.").waitFor();
});

test("the key can be forgotten, and is asked for after that", async () => {
  page = await pageWith((await server.createKey("admin")).key);
  await page.goto("/#/status");
  await page.getByRole("heading", { name: "Uso de modelos" }).waitFor();
  await page.getByRole("button", { name: t.forget }).click();
  await dialogOf(t).waitFor();
  assert.equal((await page.context().cookies()).length, 0);
  assert.equal(await page.getByText("Tudo funciona").count(), 0);
});
