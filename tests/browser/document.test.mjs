// A document's pages: as a picture and as text, and what is shown where there is no picture.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newPage, startBrowser, texts } from "./support/browser.mjs";
import { checkView } from "./support/checks.mjs";
import { contract, law } from "./support/samples.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const t = texts("pt");
let browser;
let server;
let ids;

before(async () => {
  browser = await startBrowser();
  server = await startServer();
  ids = { contract: await server.add(contract), law: await server.add(law) };
});
after(async () => {
  await browser.close();
  await server.stop();
});

const picture = (page) => page.getByRole("img", { name: t.picture });
const text = (page) => page.getByRole("region", { name: t.pageText });

test("each line of the quote has a box where its words are on the picture", async () => {
  const page = await newPage(browser, server);
  const start = 35;
  await page.goto(`/#/documents/${ids.contract}/pages/2?start=${start}&end=243`);
  await until("the picture is there", () => picture(page).evaluate((it) => it.complete && it.naturalWidth > 0));
  const { width, boxes } = await server.get(`/api/v1/documents/${ids.contract}/pages/2/boxes?start=${start}&end=243`);
  assert.equal(await page.locator(".box").count(), boxes.length);
  const sheet = await page.locator(".sheet").boundingBox();
  const scale = sheet.width / width;
  for (const [index, box] of boxes.entries()) {
    const drawn = await page.locator(".box").nth(index).boundingBox();
    const near = (a, b) => assert.ok(Math.abs(a - b) < 3, `${a} is not near ${b}`);
    near(drawn.x - sheet.x, box.x * scale);
    near(drawn.y - sheet.y, box.y * scale);
    near(drawn.width, box.width * scale);
    near(drawn.height, box.height * scale);
  }
  await page.context().close();
});

test("words that recognition is not sure of are underlined, and said to be so", async () => {
  const page = await newPage(browser, server);
  await page.route("**/pages/1", async (route) => {
    const response = await route.fetch();
    const ocr = { confidence: 88, low_confidence: [{ start: 0, end: 8, confidence: 41 }] };
    await route.fulfill({ response, json: { ...(await response.json()), ocr } });
  });
  await page.goto(`/#/documents/${ids.contract}/pages/1`);
  await text(page).getByText(/reconhecido na imagem da página\. 1 palavra está sublinhada/).waitFor();
  assert.deepEqual(await page.locator(".doubt").allTextContents(), ["CONTRATO (pode estar errada)"]);
  await checkView(page);
  await page.context().close();
});

test("small print can be enlarged over the whole width, and stays so on the next page", async () => {
  const page = await newPage(browser, server);
  await page.goto(`/#/documents/${ids.contract}/pages/1`);
  const width = async () => (await picture(page).boundingBox()).width;
  const before = await width();
  await page.getByRole("button", { name: "Ampliar a página" }).click();
  await until("it is wider", async () => (await width()) > before * 1.8);
  await page.getByRole("button", { name: t.next }).click();
  await text(page).getByText(/PENALIDADES/).waitFor();
  assert.ok((await width()) > before * 1.8);
  await checkView(page);
  await page.getByRole("button", { name: "Reduzir a página" }).click();
  await until("it is as before", async () => Math.abs((await width()) - before) < 20);
  await page.context().close();
});

test("pages are turned by button, by number and by address, never beyond the last", async () => {
  const page = await newPage(browser, server);
  await page.goto(`/#/documents/${ids.contract}/pages/1`);
  await text(page).getByText(/OBJETO/).waitFor();
  assert.equal(await page.getByRole("button", { name: t.previous }).isDisabled(), true);
  await page.getByRole("spinbutton").fill("3");
  await page.getByRole("spinbutton").press("Enter");
  await text(page).getByText(/FORO/).waitFor();
  await until("there is no next one", () => page.getByRole("button", { name: t.next }).isDisabled());
  await page.getByRole("button", { name: t.previous }).click();
  await text(page).getByText(/PENALIDADES/).waitFor();
  await page.goto(`/#/documents/${ids.contract}/pages/99`);
  await text(page).getByText(/FORO/).waitFor();
  assert.match(page.url(), /pages\/3$/);
  await page.context().close();
});

test("a document without paper shows its headings and lists, over the whole width", async () => {
  const page = await newPage(browser, server);
  await page.goto(`/#/documents/${ids.law}/pages/1`);
  await text(page).getByRole("heading", { name: "Capítulo IV – Das férias" }).waitFor();
  assert.equal(await text(page).getByRole("listitem").count(), 3);
  assert.equal(await picture(page).count(), 0);
  await checkView(page);
  await page.context().close();
});

test("where originals are not kept the text stands alone", async () => {
  const forgetful = await startServer({ KEEP_ORIGINALS: "off" });
  const id = await forgetful.add(contract);
  const page = await newPage(browser, forgetful);
  await page.goto(`/#/documents/${id}/pages/2?start=35&end=243`);
  await text(page).locator("mark").first().waitFor();
  await until("the place of the picture is given up", async () => (await picture(page).count()) === 0);
  await checkView(page);
  // Nor does an empty sheet come back when the view is shown anew.
  await page.getByRole("button", { name: t.preferences }).click();
  await page.getByLabel("Idioma").selectOption("en");
  await page.getByRole("region", { name: texts("en").pageText }).waitFor();
  assert.equal(await page.locator(".sheet").count(), 0);
  assert.ok(await page.locator(".two-sides.one-side").isVisible());
  await page.context().close();
  await forgetful.stop();
});

test("other words in the place of a quote are not marked, and it is said that the document has changed", async () => {
  const page = await newPage(browser, server);
  const changed = page.getByRole("main").getByText(/^O documento mudou depois desta resposta/);
  const address = `/#/documents/${ids.contract}/pages/2?start=35&end=243`;
  await page.goto(`${address}&quote=00000000`);
  await changed.waitFor();
  await text(page).getByText(/PENALIDADES/).waitFor();
  assert.equal(await text(page).locator("mark").count(), 0);
  assert.equal(await page.locator(".box").count(), 0);
  await until("the picture is there", () => picture(page).evaluate((it) => it.complete && it.naturalWidth > 0));
  await checkView(page);
  // Pages that fell away are the same case.
  await page.goto(`/#/documents/${ids.contract}/pages/9?start=35&end=243&quote=00000000`);
  await text(page).getByText(/FORO/).waitFor();
  await changed.waitFor();
  // Another page, or a link that tells of no quote, is as ever.
  await page.goto(address);
  await text(page).locator("mark").first().waitFor();
  assert.equal(await changed.count(), 0);
  await page.context().close();
});

test("an answer's link marks its quote, and carries its fingerprint", async () => {
  const page = await newPage(browser, server);
  await page.goto("/");
  await page.getByRole("textbox", { name: t.field }).fill("Qual é a multa por dia de atraso na obra?");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: t.cite }).first().click();
  await text(page).locator("mark").first().waitFor();
  assert.match(page.url(), /quote=[0-9a-f]{8}$/);
  await page.context().close();
});

test("one searches inside a document, and leaves that limit again", async () => {
  const page = await newPage(browser, server);
  await page.goto(`/#/documents/${ids.contract}/pages/1`);
  await page.getByRole("link", { name: "Buscar neste documento" }).click();
  await page.getByText("Só neste documento:").waitFor();
  await page.getByRole("textbox", { name: t.field }).fill("férias do servidor");
  const results = page.getByRole("list", { name: t.results });
  await results.waitFor();
  const titles = () => results.getByRole("heading").allTextContents();
  assert.ok((await titles()).every((title) => title === contract.title));
  await page.getByRole("button", { name: "Buscar em todos os documentos" }).click();
  await until("the law is found too", async () => (await titles()).some((title) => /lei/.test(title)));
  await page.context().close();
});

test("Back returns to the place in the results one came from", async () => {
  const page = await newPage(browser, server, { viewport: { width: 1000, height: 420 } });
  await page.goto("/#/search?q=obra");
  const links = page.getByRole("list", { name: t.results }).getByRole("link");
  await links.nth(4).waitFor();
  await links.nth(4).scrollIntoViewIfNeeded();
  const scrolled = await page.evaluate(() => window.scrollY);
  assert.ok(scrolled > 0);
  await links.nth(4).click();
  await text(page).waitFor();
  await page.goBack();
  await until("the list stands where it stood", async () => Math.abs((await page.evaluate(() => window.scrollY)) - scrolled) < 40);
  await page.context().close();
});

const mail = {
  name: "carta.eml",
  type: "message/rfc822",
  make: () => Buffer.from(
    "From: a@exemplo.gov.br\r\nSubject: Obra da ponte\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" +
      "--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSegue a minuta.\r\n" +
      "--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: attachment; filename=\"minuta.txt\"\r\n\r\nA jabuticabeira fica.\r\n" +
      "--x\r\nContent-Type: application/x-msdownload\r\nContent-Disposition: attachment; filename=\"programa.exe\"\r\n" +
      "Content-Transfer-Encoding: base64\r\n\r\nTVqQAAMAAAA=\r\n--x--\r\n"),
};

test("a mail shows what came in it, and each of these the way back, in both languages", async () => {
  const id = await server.add(mail);
  await until("the attachment is there", async () => {
    const { documents } = await server.get(`/api/v1/documents?parent_id=${id}`);
    return documents.length === 1 && documents[0].status === "completed";
  });
  for (const [language, words] of [["pt", ["1 documento veio dentro dele", "1 arquivo não foi lido", "tipo não lido", "Veio dentro de outro documento"]],
    ["en", ["1 document came in it", "1 file was passed over", "type is not read", "It came in another document"]]]) {
    const page = await newPage(browser, server, { language });
    await page.goto(`/#/documents/${id}/pages/1`);
    await page.getByText(words[0]).click();
    await page.getByText(words[1]).click();
    await page.getByText(words[2]).waitFor();
    await page.getByRole("link", { name: "minuta.txt" }).click();
    const there = page.getByRole("region", { name: texts(language).pageText });
    await there.getByText("A jabuticabeira fica.").waitFor();
    await page.getByRole("link", { name: words[3] }).click();
    await there.getByText("Segue a minuta.").waitFor();
    await checkView(page);
    await page.context().close();
  }
});
