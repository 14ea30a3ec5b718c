// A phone, large text, and the weight of the first view.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newPage, PHONE, startBrowser, texts } from "./support/browser.mjs";
import { checkView, noSideways } from "./support/checks.mjs";
import { contract, law } from "./support/samples.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

/** The whole first view, uncompressed: html, styles, modules, texts, icon. */
const FIRST_VIEW_BYTES = 100_000;

let browser;
let server;
let id;

before(async () => {
  browser = await startBrowser();
  server = await startServer();
  id = await server.add(contract, { collection: "obras", tags: "2024,reforma" });
  await server.add(law);
  await server.send("POST", "/api/v1/chat/ask", { message: "Qual é a multa por dia de atraso na obra?" });
});
after(async () => {
  await browser.close();
  await server.stop();
});

async function views() {
  const { sessions: [{ session_id: session }] } = await server.get("/api/v1/chat/sessions");
  return [
    "/#/", "/#/search?q=multa", "/#/search?q=nadanadanada&mode=keyword", "/#/library", "/#/library?search=nada", `/#/documents/${id}/pages/2?start=35&end=243`,
    `/#/documents/${id}/pages/99`, "/#/documents/0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e/pages/1", "/#/conversations", `/#/conversations/${session}`,
    "/#/conversations/0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e", "/#/status", "/#/nowhere",
  ];
}

async function settled(page) {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await until("it has loaded", async () => (await page.locator("[aria-busy=true]").count()) === 0);
}

for (const [name, options] of [
  ["a phone of 360 pixels", { viewport: PHONE, hasTouch: true, isMobile: true }],
  ["text of 200 %", { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }],
  ["text of 400 %", { viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 }],
]) {
  for (const [language, theme] of [["pt", "light"], ["en", "dark"]]) {
    test(`each view fits ${name}, in ${language}, ${theme}`, async () => {
      const page = await newPage(browser, server, { language, theme, ...options });
      for (const address of await views()) {
        await page.goto(address);
        await settled(page);
        await noSideways(page).catch((error) => assert.fail(`${address}: ${error.message}`));
      }
      await page.context().close();
    });
  }
}

test("on a phone the whole way works by touch, and axe finds nothing", async () => {
  const t = texts("pt");
  const page = await newPage(browser, server, { viewport: PHONE, hasTouch: true, isMobile: true });
  await page.goto("/");
  await page.getByRole("textbox", { name: t.field }).fill("Qual é a multa por dia de atraso na obra?");
  await page.getByRole("button", { name: t.ask }).tap();
  await page.getByRole("region", { name: t.sources }).waitFor();
  await checkView(page);
  await page.getByRole("button", { name: "Baixar ou imprimir" }).tap();
  const entry = await page.getByRole("button", { name: "Baixar como Markdown" }).boundingBox();
  assert.ok(entry.x >= 0 && entry.x + entry.width <= PHONE.width && entry.height < 60, "the menu is whole, and its words are not broken");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: t.cite }).first().tap();
  await page.getByRole("region", { name: t.pageText }).locator("mark").first().waitFor();
  await checkView(page);
  await page.getByRole("navigation").getByRole("link", { name: t.library }).tap();
  await page.getByRole("link", { name: contract.title }).waitFor();
  await checkView(page);
  await page.context().close();
});

for (const theme of ["light", "dark"]) {
  test(`errors and empty views have no findings, ${theme}`, async () => {
    const page = await newPage(browser, server, { theme });
    for (const address of await views()) {
      await page.goto(address);
      await settled(page);
      await checkView(page).catch((error) => assert.fail(`${address}: ${error.message}`));
    }
    await page.context().close();
  });
}

test("the description of the API has no findings, and fits a phone", async () => {
  const page = await newPage(browser, server, { viewport: PHONE });
  await page.goto("/docs");
  await page.getByRole("heading", { level: 2 }).first().waitFor();
  await checkView(page);
  await page.context().close();
});

test("motion is reduced for whoever asks for it, and only for them", async () => {
  const seconds = async (reducedMotion) => {
    const page = await newPage(browser, server, { reducedMotion });
    await page.route("**/api/v1/documents?*", () => {}); // never answered: what is loading moves
    await page.goto("/#/library");
    const bar = page.locator(".skeleton-row span").first();
    await bar.waitFor();
    const found = await bar.evaluate((it) => {
      const [moving, still] = [getComputedStyle(it), getComputedStyle(document.querySelector("#add"))];
      return [moving.animationDuration, moving.animationIterationCount, still.transitionDuration];
    });
    const running = await page.evaluate(() => document.getAnimations().filter((it) => it.playState === "running").length);
    await page.context().close();
    return { found, running };
  };
  const usual = await seconds("no-preference");
  assert.deepEqual(usual.found, ["1.4s", "infinite", "0.12s, 0.12s"]);
  assert.ok(usual.running > 0);
  const reduced = await seconds("reduce");
  assert.deepEqual(reduced.found, ["0s", "1", "0s"]);
  assert.equal(reduced.running, 0);
});

test("the first view takes less than 100 kB, and few requests", async (context) => {
  const page = await newPage(browser, server);
  const bodies = [];
  page.on("response", (response) => bodies.push(response.body().then((body) => [new URL(response.url()).pathname, body.length])));
  await page.goto("/");
  await settled(page);
  await page.getByRole("heading", { level: 2 }).first().waitFor();
  const files = (await Promise.all(bodies)).filter(([path]) => !path.startsWith("/api/"));
  const bytes = files.reduce((sum, [, size]) => sum + size, 0);
  context.diagnostic(`${bytes} bytes in ${files.length} files, ${bodies.length} requests with those for data`);
  assert.ok(bytes < FIRST_VIEW_BYTES, `the first view takes ${bytes} bytes:\n${files.map((it) => it.join(" ")).join("\n")}`);
  assert.ok(files.length <= 40, `the first view takes ${files.length} files`);
  await page.context().close();
});

test("nothing is asked of anybody but the server, and the policy is never broken", async () => {
  const page = await newPage(browser, server);
  const elsewhere = [];
  page.on("request", (request) => request.url().startsWith(server.address) || elsewhere.push(request.url()));
  for (const address of await views()) {
    await page.goto(address);
    await settled(page);
  }
  assert.deepEqual(elsewhere.filter((url) => !url.startsWith("about:")), []);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
