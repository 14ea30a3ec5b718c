// Documents that mean harm, or merely are odd, are shown as the text they are.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newPage, PHONE, startBrowser, texts } from "./support/browser.mjs";
import { checkView, noSideways } from "./support/checks.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const t = texts("pt");
const TAGS = `<script>window.harmed = 1</script><img src=x onerror="window.harmed = 2"><a href="javascript:window.harmed=3">clique</a>`;
const OVERRIDE = "\u202e";
const LONG = "palavra".repeat(1_430); // 10,010 letters without a gap

const scripts = {
  name: `<b onclick="window.harmed=4">oficio</b>.txt`, type: "text/plain",
  make: () => Buffer.from(`Ofício perigoso sobre malícia.\n\n${TAGS}\n\nFim do ofício perigoso.`),
};
const reversed = {
  name: `ata${OVERRIDE}txt.fdp.txt`, type: "text/plain",
  make: () => Buffer.from(`Ata ${OVERRIDE}invertida sobre zabumba municipal, com אבג e عربي no meio, e nada se inverte depois.`),
};
const endless = {
  name: `${"n".repeat(200)}.txt`, type: "text/plain",
  make: () => Buffer.from(`Relatório quilométrico. ${LONG} fim do relatório quilométrico.`),
};

let browser;
let server;
let ids;

before(async () => {
  browser = await startBrowser();
  server = await startServer();
  ids = {};
  for (const [key, document_] of Object.entries({ scripts, reversed, endless })) ids[key] = await server.add(document_);
  await server.send("PATCH", `/api/v1/documents/${ids.scripts}`, { title: `Ofício ${TAGS}`, description: TAGS, tags: ["<u>etiqueta</u>"] });
  await server.send("PATCH", `/api/v1/documents/${ids.endless}`, { title: LONG.slice(0, 290) });
});
after(async () => {
  await browser.close();
  await server.stop();
});

async function unharmed(page) {
  assert.equal(await page.evaluate(() => window.harmed), undefined);
  assert.equal(await page.locator("main img[src=x], main [onclick], main [onerror], main a[href^=javascript], main script, main b, main u").count(), 0);
}

for (const viewport of [undefined, PHONE]) {
  const where = viewport ? "a phone" : "a desk";

  test(`script tags stay text everywhere, on ${where}`, async () => {
    const page = await newPage(browser, server, { viewport });
    await page.goto("/#/library");
    await page.getByText(TAGS).first().waitFor();
    await unharmed(page);
    await checkView(page);
    await page.goto("/#/search?q=malícia&mode=keyword");
    await page.getByRole("list", { name: t.results }).getByText(/<script>/).first().waitFor();
    await unharmed(page);
    await checkView(page);
    await page.goto(`/#/documents/${ids.scripts}/pages/1?start=0&end=40`);
    await page.getByRole("region", { name: t.pageText }).getByText(/<script>window\.harmed = 1<\/script>/).waitFor();
    await unharmed(page);
    await checkView(page);
    await page.context().close();
  });

  test(`a word of 10,000 letters breaks and widens nothing, on ${where}`, async () => {
    const page = await newPage(browser, server, { viewport });
    for (const address of ["/#/", "/#/library", "/#/search?q=quilométrico&mode=keyword", `/#/documents/${ids.endless}/pages/1?start=24&end=9000`]) {
      await page.goto(address);
      await page.getByText(/(palavra){20}/).first().waitFor();
      await noSideways(page);
    }
    await page.context().close();
  });
}

/** All that a document says stands in elements that isolate it. */
async function noStrayMarks(page) {
  const stray = await page.evaluate((override) => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.data.includes(override) && !node.parentElement.closest("[dir=auto]")) found.push(node.parentElement.outerHTML);
    }
    return found;
  }, OVERRIDE);
  assert.deepEqual(stray, []);
}

test("marks that turn the direction stay inside their own text", async () => {
  const page = await newPage(browser, server);
  for (const address of ["/#/search?q=zabumba&mode=keyword", "/#/library", `/#/documents/${ids.reversed}/pages/1?start=0&end=30`]) {
    await page.goto(address);
    await page.getByRole("main").getByText(new RegExp(OVERRIDE)).first().waitFor();
    await noStrayMarks(page);
  }
  await page.context().close();
});

for (const viewport of [undefined, PHONE]) {
  test(`a hostile answer, its quotes and sources stay text, on ${viewport ? "a phone" : "a desk"}`, async () => {
    const page = await newPage(browser, server, { viewport });
    const source = (title, quote) => ({
      document_id: ids.scripts, document_title: title, chunk_id: "c", source: "oficio.txt", page: 1, similarity_score: 0.9,
      excerpt: `Antes ${quote} depois`, quote, start: 0, end: 10, boxes: [], verified: true,
    });
    const wild = [TAGS, `Ata ${OVERRIDE}invertida אבג عربي`, LONG];
    const answer = (mode) => ({
      response: wild.join(" "), session_id: "0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e", sources: wild.map((text) => source(text, text)),
      claims: wild.map((text, index) => ({ text, status: index === 1 ? "unconfirmed" : "verified", sources: [index] })),
      metadata: { message_id: "m", search_results_count: 3, conversation_length: 2, answered: true, mode, nearest: [], cost: null },
      processing_time: 1, token_usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
    });
    for (const [mode, kept] of [["extractive", {}], ["generated", {}], ["generated", { answered: false, nearest: wild.map((text) => ({ document_id: ids.scripts, document_title: text, page: 1 })) }]]) {
      const body = answer(mode);
      Object.assign(body.metadata, kept);
      const events = [["delta", { text: wild.join("\n\n") }], ["done", body]];
      await page.route("**/api/v1/chat/ask", (route) => route.fulfill({
        contentType: "text/event-stream", body: events.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join(""),
      }));
      await page.goto("/");
      await page.getByRole("textbox", { name: t.field }).fill(`malícia ${OVERRIDE}${TAGS}`);
      await noSideways(page);
      await page.getByRole("button", { name: t.ask }).click();
      await page.getByRole("list", { name: "Perguntas e respostas" }).getByRole("link", { name: /<script>/ }).first().waitFor();
      await unharmed(page);
      await noStrayMarks(page);
      await checkView(page);
      await page.unroute("**/api/v1/chat/ask");
    }
    await page.context().close();
  });
}

test("a question with tags in it is text in the conversation and in the list of them", async () => {
  const page = await newPage(browser, server);
  await page.goto("/");
  await page.getByRole("textbox", { name: t.field }).fill(`malícia ${TAGS}`);
  await page.getByRole("button", { name: t.ask }).click();
  await page.getByRole("list", { name: "Perguntas e respostas" }).getByRole("heading", { name: /<script>/ }).waitFor();
  await until("it is answered", async () => (await page.getByRole("button", { name: "Parar" }).count()) === 0);
  await unharmed(page);
  await page.goto("/#/conversations");
  await page.getByRole("link", { name: /malícia/ }).first().waitFor();
  await unharmed(page);
  await page.context().close();
});

test("no text of a document is an address that leads away", async () => {
  const page = await newPage(browser, server);
  await page.goto(`/#/documents/${ids.scripts}/pages/1`);
  await page.getByRole("region", { name: t.pageText }).waitFor();
  const away = await page.evaluate(() => [...document.querySelectorAll("a")].map((it) => it.href).filter((href) => !href.startsWith(location.origin)));
  assert.deepEqual(away, []);
  await page.context().close();
});
