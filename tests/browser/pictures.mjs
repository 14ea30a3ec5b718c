// Takes the README's pictures: the real page over documents of a town that does not exist.
// Usage: PROGRAM_UNDER_TEST=ids node tests/browser/pictures.mjs FOLDER

import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { newPage, PHONE, startBrowser, texts } from "./support/browser.mjs";
import { contract, law, minutes, notice } from "./support/samples.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

/** What a README can carry. */
const MOST_BYTES = 200_000;
const SCREEN = { width: 1200, height: 760 };

const folder = process.argv[2] ?? "docs/pictures";
const t = texts("pt");

async function take(page, name) {
  const file = path.join(folder, `${name}.png`);
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: file, animations: "disabled", caret: "hide" });
  const { size } = await stat(file);
  if (size > MOST_BYTES) throw new Error(`${file} has ${size} bytes, more than ${MOST_BYTES}`);
  process.stdout.write(`${file}: ${Math.round(size / 1000)} kB\n`);
}

async function ask(page, question) {
  await page.goto("/");
  await page.getByRole("textbox", { name: t.field }).fill(question);
  await page.getByRole("button", { name: t.ask }).click();
  await page.getByRole("region", { name: t.sources }).waitFor();
  await page.evaluate(() => document.activeElement?.blur());
}

async function pictureIsThere(page) {
  const picture = page.getByRole("img", { name: t.picture });
  await until("the picture of the page is there", () => picture.evaluate((it) => it.complete && it.naturalWidth > 0));
}

await mkdir(folder, { recursive: true });
const server = await startServer();
const browser = await startBrowser();
try {
  await server.add(minutes, { collection: "saude", tags: "ata,2024" });
  await server.add(law, { collection: "legislacao", tags: "servidores" });
  await server.add(notice, { collection: "compras", tags: "merenda,2024" });
  await server.add(contract, { collection: "obras", tags: "escola,2024" });
  await server.add({ name: "recibo-digitalizado.pdf", type: "application/pdf", make: () => Buffer.from("%PDF-1.4 rasgado") }, { collection: "obras" });

  const page = await newPage(browser, server, { viewport: SCREEN });
  await ask(page, "Qual é a multa por dia de atraso na obra?");
  await take(page, "answer");

  await page.getByRole("link", { name: t.cite }).first().click();
  await page.getByRole("region", { name: t.pageText }).waitFor();
  await pictureIsThere(page);
  await page.evaluate(() => window.scrollTo(0, 0));
  await take(page, "page");

  await page.goto("/#/library");
  await page.getByRole("link", { name: contract.title }).waitFor();
  await take(page, "library");

  const phone = await newPage(browser, server, { theme: "dark", viewport: PHONE, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
  await phone.goto("/");
  await phone.getByRole("textbox", { name: t.field }).fill("quem paga se a obra atrasar");
  await phone.getByRole("list", { name: t.results }).waitFor();
  await phone.evaluate(() => document.activeElement?.blur());
  await take(phone, "phone");
} finally {
  await browser.close();
  await server.stop();
}
