// Adding documents: what is refused and why, trying again, a reload in the middle, and where a drop goes.

import assert from "node:assert/strict";
import { after, before, beforeEach, afterEach, test } from "node:test";
import { newPage, startBrowser, texts } from "./support/browser.mjs";
import { checkView } from "./support/checks.mjs";
import { dropOn, folderOf, payload } from "./support/files.mjs";
import { contract, law, minutes } from "./support/samples.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const t = texts("pt");
let browser;
let server;
let page;

before(async () => (browser = await startBrowser()));
after(() => browser.close());
beforeEach(async () => {
  server = await startServer();
  page = await newPage(browser, server);
});
afterEach(async () => {
  await page.context().close();
  await server.stop();
});

const tray = () => page.getByRole("region", { name: "Documentos sendo adicionados" });
const row = (name) => tray().getByRole("listitem").filter({ hasText: name });
const isThrough = (count) => until(`${count} files are through`, async () =>
  (await tray().getByRole("listitem").count()) === count && (await tray().getByRole("progressbar").count()) === 0);

async function choose(files) {
  await page.getByRole("banner").getByRole("button", { name: t.add }).click();
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("dialog").getByRole("button", { name: t.files }).click(),
  ]);
  await chooser.setFiles(files);
}

/** A line so slow that a reload comes in its middle. */
async function slowLine() {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 60_000 });
  return () => session.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
}

test("each refused file says why, and nothing of it stays in the library", async () => {
  await page.goto("/");
  await choose([
    payload(minutes),
    { name: "vazio.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) },
    { name: "programa.bin", mimeType: "application/octet-stream", buffer: Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3]) },
    { name: "rasgado.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4 e mais nada") },
  ]);
  await isThrough(4);
  await row("vazio.txt").getByText("O arquivo está vazio.").waitFor();
  await row("programa.bin").getByText("Este tipo de arquivo não pode ser lido aqui.").waitFor();
  await row("rasgado.pdf").getByText(/O arquivo está danificado/).waitFor();
  await row(minutes.name).getByText(t.ready, { exact: true }).waitFor();
  await checkView(page);

  const names = async () => (await server.get("/api/v1/documents")).documents.map(({ filename }) => filename).sort();
  await until("what was refused at the door is gone", async () =>
    JSON.stringify(await names()) === JSON.stringify([minutes.name, "rasgado.pdf"].sort()));
});

test("a failed document can be tried again from the tray and from the library", async () => {
  await page.goto("/");
  await choose([{ name: "rasgado.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4 e mais nada") }]);
  await isThrough(1);
  const jobs = [];
  page.on("request", (request) => request.url().endsWith("/retry") && jobs.push(request.url()));
  await row("rasgado.pdf").getByRole("button", { name: /^Tentar de novo/ }).click();
  await until("the job was tried again", () => jobs.length === 1);
  await row("rasgado.pdf").getByText(/O arquivo está danificado/).waitFor();

  await page.getByRole("navigation").getByRole("link", { name: t.library }).click();
  await page.getByRole("main").getByRole("button", { name: /^Tentar de novo/ }).click();
  await until("and once more", () => jobs.length === 2);
  await page.getByRole("main").getByText(/O arquivo está danificado/).waitFor();
});

test("collection and tags given in the dialog are the document's", async () => {
  await page.goto("/");
  await page.getByRole("banner").getByRole("button", { name: t.add }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/^Coleção/).fill("obras");
  await dialog.getByLabel(/^Etiquetas/).fill("reforma, 2024");
  await checkView(page);
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), dialog.getByRole("button", { name: t.files }).click()]);
  await chooser.setFiles([payload(contract)]);
  await isThrough(1);
  const [document_] = (await server.get("/api/v1/documents")).documents;
  assert.deepEqual([document_.collection, document_.tags], ["obras", ["reforma", "2024"]]);
});

test("what is dropped while one looks at a collection goes into it", async () => {
  await server.add(law, { collection: "legislacao" });
  await page.goto("/#/library?collection=legislacao");
  await page.getByRole("link", { name: /lei-1832/ }).waitFor();
  await dropOn(page, [await folderOf([minutes])]);
  await isThrough(1);
  const { documents } = await server.get("/api/v1/documents?collection=legislacao");
  assert.equal(documents.length, 2);
  await page.getByRole("main").getByRole("link", { name: /ata-conselho/ }).waitFor();
});

test("where the address for the bytes cannot be reached, the file goes through the server itself", async () => {
  const elsewhere = await startServer({ PUBLIC_URL: "http://files.invalid" });
  const other = await newPage(browser, elsewhere);
  await other.goto("/");
  const [chooser] = await Promise.all([other.waitForEvent("filechooser"), other.getByRole("main").getByRole("button", { name: t.files }).click()]);
  await chooser.setFiles([payload(law)]);
  await other.getByRole("region", { name: "Documentos sendo adicionados" }).getByText(t.ready, { exact: true }).waitFor();
  await until("the announced one is gone", async () => (await elsewhere.get("/api/v1/documents")).total === 1);
  await other.context().close();
  await elsewhere.stop();
});

test("a second file with the same text is named as a copy and leads to the first", async () => {
  await server.add(law);
  await page.goto("/");
  await choose([{ ...payload(law), name: "lei-copia.md" }]);
  await isThrough(1);
  await row("lei-copia.md").getByRole("link", { name: "Ver o documento" }).click();
  await page.getByRole("heading", { level: 1, name: /lei-1832/ }).waitFor();
});

test("a reload in the middle of an upload names what broke off, and goes on with the file chosen anew", async () => {
  await page.goto("/");
  const fullSpeed = await slowLine();
  // Long on the line, short to read.
  const html = `<!doctype html><title>Relatório de obras</title><!-- ${"x".repeat(400_000)} --><p>Relatório anual de obras.</p>`;
  const large = { name: "grande.html", mimeType: "text/html", buffer: Buffer.from(html) };
  await choose([large]);
  await row(large.name).getByText(/^Enviando (?!0)/).waitFor();

  const asked = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    dialog.accept();
  });
  await page.reload();
  assert.deepEqual(asked, ["beforeunload"], "leaving while bytes are sent is asked about");
  await row(large.name).getByText("O envio foi interrompido. Escolha o arquivo de novo.").waitFor();
  await checkView(page);

  await fullSpeed();
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), row(large.name).getByRole("button", { name: "Escolher" }).click()]);
  await chooser.setFiles([large]);
  await isThrough(1);
  await row(large.name).getByText(t.ready, { exact: true }).waitFor();
  await until("the half-sent one is gone", async () => (await server.get("/api/v1/documents")).total === 1);
});

test("a reload after a document was accepted goes on showing its progress", async () => {
  await page.goto("/");
  const sentences = Array.from({ length: 4_000 }, (_, index) => `O artigo ${index} trata do lote ${index * 7} do loteamento municipal.`);
  await choose([{ name: "longo.txt", mimeType: "text/plain", buffer: Buffer.from(sentences.join("\n")) }]);
  await row("longo.txt").getByRole("progressbar").waitFor();
  await until("it is accepted", async () => (await server.get("/api/v1/documents")).documents[0]?.status !== "awaiting_upload");
  await row("longo.txt").getByText(/·/).waitFor();
  await page.reload();
  await row("longo.txt").getByRole("progressbar").waitFor();
  await row("longo.txt").getByRole("button", { name: /^Cancelar/ }).click();
  await row("longo.txt").getByText("Cancelado").waitFor();
});

test("an error that stays is asked about at growing intervals, and the document is followed when it has passed", async () => {
  const asked = [];
  const failed = { status: 500, json: { error: "internal error", detail: "internal error", error_code: "INTERNAL", request_id: "r" } };
  await page.route("**/events", (route) => route.fulfill(failed));
  await page.route("**/status", (route) => {
    asked.push(Date.now());
    return route.fulfill(failed);
  });
  await page.goto("/");
  await choose([payload(minutes)]);
  await until("it was asked three times", () => asked.length >= 3);
  const [first, second, third] = asked;
  assert.ok(second - first >= 900, `the second came after ${second - first} ms`);
  assert.ok(third - second >= 1_800, `the third came after ${third - second} ms`);
  await page.unroute("**/events");
  await page.unroute("**/status");
  await row(minutes.name).getByText(t.ready, { exact: true }).waitFor();
});
