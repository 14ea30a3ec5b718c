// What answers have cost, also where nobody can know.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newPage, startBrowser } from "./support/browser.mjs";
import { checkView } from "./support/checks.mjs";
import { startServer } from "./support/server.mjs";

let browser;
let server;

before(async () => {
  browser = await startBrowser();
  server = await startServer();
});
after(async () => {
  await browser.close();
  await server.stop();
});

const ROW = { key: null, model: "um-modelo", questions: 12, prompt_tokens: 9_000, completion_tokens: 345, cost: null };
const USAGE = { month: "2026-11", currency: null, budget: null, spent: null, reserved: 0, remaining: null, by: [] };
const NOTHING = /^Nada foi gasto/;
const NO_PRICES = /não há preços configurados/;

async function costs(usage) {
  const page = await newPage(browser, server);
  await page.route("**/api/v1/usage", (route) => route.fulfill({ json: { ...USAGE, ...usage } }));
  await page.goto("/#/status");
  const card = page.locator("section").filter({ has: page.getByRole("heading", { name: "Uso de modelos" }) });
  await card.waitFor();
  await checkView(page);
  const text = (await card.innerText()).replace(/\s+/g, " ");
  await page.context().close();
  return text;
}

test("without prices the cost of a model is a dash, and no zero", async () => {
  const text = await costs({ by: [ROW] });
  assert.match(text, NO_PRICES);
  assert.match(text, /— novembro de 2026/);
  assert.match(text, /um-modelo 12 9\.345 —/);
  assert.doesNotMatch(text, /0,00/);
  assert.doesNotMatch(text, /Nada foi gasto/);
});

test("without prices and with a budget no part of it is shown as used", async () => {
  const text = await costs({ by: [ROW], budget: 200, currency: "BRL" });
  assert.match(text, /R\$ 200,00/);
  assert.match(text, NO_PRICES);
  assert.doesNotMatch(text, /R\$ 0,00/);
});

test("nothing was spent where no model was ever asked", async () => {
  const text = await costs({ by: [{ ...ROW, model: null, prompt_tokens: 0, completion_tokens: 0 }] });
  assert.match(text.replace("Uso de modelos ", ""), NOTHING);
  assert.doesNotMatch(text, NO_PRICES);
});

test("a sum a hair below zero is zero, without a sign", async () => {
  const by = [{ ...ROW, cost: -0.0001 }];
  assert.doesNotMatch(await costs({ by, spent: -0, currency: null }), /[-−]0/);
  const text = await costs({ by, spent: -0.001, currency: "BRL", budget: 10, remaining: -0.001 });
  assert.match(text, /R\$ 0,00/);
  assert.doesNotMatch(text, /[-−](R|\d)/);
});

test("a budget that is nearly or wholly used up says so", async () => {
  const usage = { by: [{ ...ROW, cost: 8.5, currency: "BRL", unknown_prices: 2 }], spent: 8.5, currency: "BRL", budget: 10, remaining: 1.5 };
  const low = await costs({ ...usage, warning: 80 });
  assert.match(low, /Mais de 80 % do orçamento/);
  assert.match(low, /Alguns preços não são conhecidos/);
  assert.match(await costs({ ...usage, warning: 100 }), /O orçamento acabou/);
  assert.doesNotMatch(await costs({ ...usage, warning: null }), /orçamento acabou|Mais de 80/);
});
