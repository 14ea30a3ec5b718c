// Files that go straight to a bucket: a real one, on a server of another origin, and what may be in their way.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { newPage, startBrowser, texts } from "./support/browser.mjs";
import { makeBucket } from "./support/bucket.mjs";
import { checkView } from "./support/checks.mjs";
import { payload } from "./support/files.mjs";
import { contract, law, minutes } from "./support/samples.mjs";
import { startServer, startServerWithKeys } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const t = texts("pt");
let browser;
let bucket;
let server;
let page;

before(async () => {
  browser = await startBrowser();
  bucket = await makeBucket();
  server = await startServerWithKeys(bucket.settings);
});
after(async () => {
  await browser.close();
  await server.stop();
  await bucket.discard();
});
afterEach(async () => {
  await page.context().close();
  await until("nothing is left in the library", async () => {
    const { documents } = await server.get("/api/v1/documents");
    for (const { document_id: id } of documents) await server.send("DELETE", `/api/v1/documents/${id}`);
    return documents.length === 0;
  });
});

const tray = () => page.getByRole("region", { name: "Documentos sendo adicionados" });
const row = (name) => tray().getByRole("listitem").filter({ hasText: name });
const total = async (of = server) => (await of.get("/api/v1/documents")).total;

/** A page that may add documents, and all that it asks for to add them: [method, address without its query]. */
async function open(of = server) {
  page = await newPage(browser, of);
  page.sent = [];
  page.on("request", (request) => {
    const address = new URL(request.url());
    if (["PUT", "POST"].includes(request.method())) page.sent.push(`${request.method()} ${address.origin === of.address ? address.pathname.replace(/[0-9a-f-]{36}/, "<id>") : address.origin}`);
  });
  if (of === server) await page.request.post(`${of.address}/api/v1/login`, { data: { key: (await of.createKey("search,ingest")).key } });
  await page.goto("/#/library");
  await page.getByRole("heading", { level: 1, name: t.library }).waitFor();
}

async function choose(files) {
  await page.getByRole("banner").getByRole("button", { name: t.add }).click();
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("dialog").getByRole("button", { name: t.files }).click(),
  ]);
  await chooser.setFiles(files);
}

const isReady = (name) => row(name).getByText(t.ready, { exact: true }).waitFor();
const PRESIGNED = "POST /api/v1/documents/upload/presigned";
const PROCESS = "POST /api/v1/documents/<id>/process";
const FORM = "POST /api/v1/documents";

test("a bucket that does not know the page is tried once; this file and the next go through the server", async () => {
  // Without any rule SeaweedFS lets every page.
  await bucket.allow("https://other.example.org");
  await open();
  await choose([payload(law)]);
  await isReady(law.name);
  await choose([payload(minutes), payload(contract)]);
  await isReady(minutes.name);
  await isReady(contract.name);
  assert.equal(page.sent.filter((it) => it === `PUT ${bucket.origin}`).length, 1);
  assert.equal(page.sent.filter((it) => it === PRESIGNED).length, 1);
  assert.equal(page.sent.filter((it) => it === FORM).length, 3);
  await until("the announced one is gone", async () => (await total()) === 3);
  assert.ok(page.faults.length > 0 && page.faults.every((it) => /CORS policy/.test(it)), page.faults.join("\n"));
});

test("a file goes to the bucket and not through the server, and its way is shown", async () => {
  await bucket.allow(server.address);
  await open();
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 100_000 });
  const html = `<!doctype html><title>Relatório de obras</title><!-- ${"x".repeat(300_000)} --><p>Relatório anual de obras.</p>`;
  await choose([{ name: "grande.html", mimeType: "text/html", buffer: Buffer.from(html) }]);
  await row("grande.html").getByText(/^Enviando (?!0)/).waitFor();
  await isReady("grande.html");
  assert.deepEqual(page.sent, [PRESIGNED, `PUT ${bucket.origin}`, PROCESS]);
  const [kept, ...others] = await bucket.keys();
  assert.match(kept, /^originals\//);
  assert.deepEqual(others, []);
  assert.deepEqual(page.faults, [], "the policy of the page lets it");
});

test("a key revoked between the file and its acceptance does not have the file sent again", async () => {
  await open();
  const { keys } = await server.get("/api/v1/keys");
  const mine = keys.find(({ scopes, revoked_at: revoked }) => scopes.includes("ingest") && !revoked);
  let isRevoked = false;
  await page.route("**/process", async (route) => {
    if (!isRevoked) await server.revokeKey(mine);
    isRevoked = true;
    await route.continue();
  });
  await choose([payload(law)]);
  const dialog = page.getByRole("dialog", { name: t.keyTitle });
  await dialog.getByRole("button", { name: t.later }).click();
  await row(law.name).getByText(/^Falta a chave de acesso/).waitFor();
  await page.getByRole("status").getByRole("button", { name: t.give }).click();
  await dialog.getByLabel(t.key, { exact: true }).fill((await server.createKey("search,ingest")).key);
  await dialog.getByRole("button", { name: t.enter, exact: true }).click();
  await isReady(law.name);
  assert.equal(page.sent.filter((it) => it.startsWith("PUT")).length, 1);
});

/** Spoils the signature of the next so many addresses: the real bucket refuses them with 403. */
async function spoil(count) {
  let left = count;
  await page.route("**/upload/presigned", async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    if (left-- > 0) body.upload_url = body.upload_url.replace(/Signature=..../, "Signature=0000");
    await route.fulfill({ response, json: body });
  });
}

test("an address that the bucket refuses is asked for anew, once", async () => {
  await open();
  await spoil(1);
  await choose([payload(law)]);
  await isReady(law.name);
  assert.deepEqual(page.sent, [PRESIGNED, `PUT ${bucket.origin}`, PRESIGNED, `PUT ${bucket.origin}`, PROCESS]);
  await until("the first is gone", async () => (await total()) === 1);
});

test("two addresses that the bucket refuses are enough to say so, and nothing is left of them", async () => {
  await open();
  await spoil(2);
  await choose([payload(law)]);
  await row(law.name).getByText(/^O envio não corresponde/).waitFor();
  await checkView(page);
  await until("nothing is left", async () => (await total()) === 0);
  assert.equal(page.sent.filter((it) => it.startsWith("PUT")).length, 2);
  await row(law.name).getByRole("button", { name: /^Tentar de novo/ }).click();
  await isReady(law.name);
});

test("when the server asks for a pause, the seconds are counted and all goes on by itself", async () => {
  await open();
  let asked = 0;
  await page.route("**/upload/presigned", (route) => {
    asked += 1;
    if (asked > 1) return route.continue();
    return route.fulfill({ status: 429, headers: { "retry-after": "3" }, json: { error: "too many", detail: "wait a moment", error_code: "RATE_LIMITED", request_id: "r" } });
  });
  const begin = Date.now();
  await choose([payload(law)]);
  await row(law.name).getByText(/Segue em 3 s/).waitFor();
  await row(law.name).getByText(/Segue em 1 s/).waitFor();
  await checkView(page);
  await isReady(law.name);
  assert.ok(Date.now() - begin >= 3_000);
  assert.equal(asked, 2);
});

test("a bucket that is busy is given a rest, and a pause before the acceptance does not send the file again", async () => {
  await open();
  let refused = 0;
  await page.route(`${bucket.origin}/**`, (route) => {
    refused += 1;
    if (refused > 1) return route.continue();
    return route.fulfill({ status: 503, headers: { "access-control-allow-origin": "*" }, body: "<Error><Code>SlowDown</Code></Error>" });
  });
  let accepted = 0;
  await page.route("**/process", (route) => {
    accepted += 1;
    if (accepted > 1) return route.continue();
    return route.fulfill({ status: 503, headers: { "retry-after": "1" }, json: { error: "busy", detail: "busy", error_code: "BUSY", request_id: "r" } });
  });
  await choose([payload(law)]);
  await row(law.name).getByText(/Segue em 5 s/).waitFor();
  await isReady(law.name);
  assert.deepEqual([refused, accepted], [2, 2]);
  await until("one is left", async () => (await total()) === 1);
});

test("without a bucket, an address that came too late or was used already is no end either", async () => {
  const own = await startServer({ UPLOAD_URL_TTL_SECONDS: "2" });
  await open(own);
  let puts = 0;
  await page.route((url) => url.searchParams.has("signature") || /\/uploads?\//.test(url.pathname), async (route) => {
    if (route.request().method() !== "PUT") return route.continue();
    puts += 1;
    // The first waits until it is too late; the second is sent twice, as when the reply to it was lost.
    const late = Date.now() + 3_000;
    if (puts === 1) await until("the address is too old", () => Date.now() > late);
    else await route.fetch();
    await route.continue();
  });
  const statuses = [];
  page.on("response", (response) => response.request().method() === "PUT" && statuses.push(response.status()));
  await choose([payload(law)]);
  await isReady(law.name);
  assert.deepEqual(statuses, [410, 409]);
  await until("one is left", async () => (await total(own)) === 1);
  await page.context().close();
  await own.stop();
  await open();
});
