// The page as it comes through nginx: over TLS, under the policy that is really sent. What breaks the policy is an error.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newPage, startBrowser, texts } from "../browser/support/browser.mjs";
import { checkView } from "../browser/support/checks.mjs";
import { until } from "../browser/support/wait.mjs";

const ADDRESS = process.env.SITE_UNDER_TEST;
const KEY = process.env.SITE_KEY;
const t = texts("pt");

let browser;
let page;
const broken = [];

before(async () => {
  const { hostname } = new URL(ADDRESS);
  browser = await startBrowser(`--host-resolver-rules=MAP ${hostname} 127.0.0.1`);
  // The authority is of this test; that a client checks certificates is tested with curl.
  page = await newPage(browser, { address: ADDRESS }, { ignoreHTTPSErrors: true });
  await page.exposeFunction("tellBroken", (what) => broken.push(what));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => window.tellBroken(`${event.violatedDirective}: ${event.blockedURI}`));
  });
});
after(() => browser.close());

test("a person signs in, searches, asks and looks at a page, and nothing breaks the policy", async () => {
  const reply = await page.goto("/");
  assert.equal(reply.status(), 200);
  assert.match(reply.headers()["content-security-policy"], /default-src 'self'/);

  const dialog = page.getByRole("dialog", { name: t.keyTitle });
  await dialog.getByLabel(t.key, { exact: true }).fill(KEY);
  await dialog.getByRole("button", { name: t.enter, exact: true }).click();
  await dialog.waitFor({ state: "detached" });

  const field = page.getByRole("textbox", { name: t.field });
  await field.fill("multa por atraso");
  await page.getByRole("list", { name: t.results }).getByText("multa").first().waitFor();

  await field.fill("Qual é o prazo de entrega das lâmpadas?");
  await page.getByRole("button", { name: t.ask, exact: true }).click();
  await page.getByRole("link", { name: t.cite }).first().click();
  const picture = page.getByRole("img", { name: t.picture }).first();
  await picture.waitFor();
  await until("the page's picture is drawn", () => picture.evaluate((it) => it.complete && it.naturalWidth > 0));
  await checkView(page);
  assert.deepEqual(broken, []);
});

test("a file goes in by the page", async () => {
  await page.goto("/");
  await page.getByRole("banner").getByRole("button", { name: t.add }).click();
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("dialog").getByRole("button", { name: t.files }).click(),
  ]);
  await chooser.setFiles({
    name: "aviso.md", mimeType: "text/markdown", buffer: Buffer.from("# Aviso\n\nA praça da matriz fecha às vinte e duas horas.\n"),
  });
  await until("it can be found", async () => {
    const found = await page.evaluate(async () => {
      const body = JSON.stringify({ query: "praça da matriz fecha" });
      const reply = await fetch("/api/v1/documents/search", { method: "POST", headers: { "content-type": "application/json" }, body });
      return reply.json();
    });
    return found.results?.some((hit) => hit.content.includes("vinte e duas"));
  }, 60_000);
  assert.deepEqual(page.faults, []);
  assert.deepEqual(broken, []);
});

test("the policy is in force: what it forbids is refused", async () => {
  await page.goto("/");
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.ranInline = true";
    document.head.append(script);
  });
  await until("the browser tells of it", () => broken.some((what) => what.startsWith("script-src")));
  assert.equal(await page.evaluate(() => window.ranInline), undefined);
});
