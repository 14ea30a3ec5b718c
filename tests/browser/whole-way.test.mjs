// The whole way a clerk goes: drop a contract, watch it being read, search it, ask, follow the citation to the page. In each
// language and look, and each view on the way is checked: axe, width, and as a screen reader has it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newPage, startBrowser, texts } from "./support/browser.mjs";
import { checkSnapshot, checkView, withoutWording } from "./support/checks.mjs";
import { dropOn, folderOf } from "./support/files.mjs";
import { contract, law } from "./support/samples.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

for (const [language, theme] of [["pt", "light"], ["en", "dark"], ["pt", "dark"], ["en", "light"]]) {
  test(`from a dropped folder to the page an answer cites, in ${language}, ${theme}`, async () => {
    const server = await startServer();
    try {
      await wholeWay(server, language, theme);
    } finally {
      await server.stop();
    }
  });
}

async function wholeWay(server, language, theme) {
  const t = texts(language);
  const page = await newPage(browser, server, { language, theme });
  const view = async (name, options) => {
    await checkView(page);
    await checkSnapshot(page, `${name}.${language}`, options);
  };

  await page.goto("/");
  await page.getByRole("button", { name: t.files }).waitFor();
  await view("home-empty");

  const tray = page.getByRole("region", { name: /Documentos sendo|Documents being/ });
  // One after the other: which of two is accepted first is not for the page to say.
  await dropOn(page, [await folderOf([contract, { name: ".DS_Store", make: () => "x" }])]);
  await tray.getByRole("heading", { name: /^1 (arquivo concluído|file done)$/ }).waitFor();
  await dropOn(page, [await folderOf([{ ...law, within: "leis/2019" }])]);
  await tray.getByRole("heading", { name: /^2 (arquivos concluídos|files done)$/ }).waitFor();
  assert.equal(await tray.getByText(t.ready, { exact: true }).count(), 2);
  // The list beneath the field is fetched anew on its own.
  await page.getByRole("main").getByRole("link", { name: "lei-1832-licenca" }).waitFor();
  await view("home-with-documents");
  await tray.getByRole("button", { name: /Limpar|Clear/ }).click();

  const field = page.getByRole("textbox", { name: t.field });
  await field.fill("multa por atraso na obra");
  const results = page.getByRole("list", { name: t.results });
  await results.getByRole("mark").first().waitFor().catch(() => {});
  await until("the contract is found first", async () =>
    (await results.getByRole("heading").first().textContent()) === contract.title);
  await until("the address has the search in it", () => page.url().includes("q=multa"));
  await view("search");
  await page.reload();
  assert.equal(await field.inputValue(), "multa por atraso na obra");
  await results.getByRole("heading").first().waitFor();

  await field.fill("Qual é a multa por dia de atraso na obra?");
  await field.press("Enter");
  const sources = page.getByRole("region", { name: t.sources });
  await sources.waitFor();
  await until("the conversation has its address", () => /conversations\/(?!new)/.test(page.url()));
  await view("answer", { reduce: withoutWording });

  await page.getByRole("link", { name: t.cite }).first().click();
  const text = page.getByRole("region", { name: t.pageText });
  await text.waitFor();
  const marked = await text.locator("mark").allTextContents();
  assert.match(marked.join(" "), /0,5%/);
  const picture = page.getByRole("img", { name: t.picture });
  await until("the picture of the page is there", () => picture.evaluate((it) => it.complete && it.naturalWidth > 0));
  const box = await page.locator(".box").first().boundingBox();
  const sheet = await picture.boundingBox();
  assert.ok(box.x >= sheet.x && box.x + box.width <= sheet.x + sheet.width, "the boxes lie on the picture");
  assert.ok(box.y >= sheet.y && box.y + box.height <= sheet.y + sheet.height, "the boxes lie on the picture");
  await view("document");

  const address = page.url();
  await page.reload();
  await text.locator("mark").first().waitFor();
  assert.equal(page.url(), address);

  await page.getByRole("button", { name: t.next }).click();
  await until("the next page is shown", () => /pages\/3$/.test(page.url()));
  await text.getByText(/PAGAMENTO/).waitFor();

  for (const place of ["library", "conversations", "status"]) {
    await page.getByRole("navigation").getByRole("link", { name: t[place] }).click();
    await page.getByRole("heading", { level: 1, name: t[place] }).waitFor();
    await until("it has loaded", async () => (await page.locator("[aria-busy=true]").count()) === 0);
    await view(place);
  }
  await page.context().close();
}
