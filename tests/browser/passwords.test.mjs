// Files with a password: given where the file failed, said to be wrong, used once and kept nowhere.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, beforeEach, afterEach, test } from "node:test";
import { newPage, startBrowser, texts } from "./support/browser.mjs";
import { checkSnapshot, checkView } from "./support/checks.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const PASSWORD = "segredo";
const WRONG = "senha-errada-9";
const fixture = (name) => readFile(new URL(`../../crates/ids-testkit/src/fixtures/${name}`, import.meta.url));
const OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

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

const words = {
  pt: {
    ...texts("pt"), give: /^Informar a senha/, dialog: "Arquivo protegido", field: "Senha do arquivo", open: "Abrir o arquivo", wrong: /A senha está errada/,
    protectedBy: /protegido por senha/, tray: "Documentos sendo adicionados", file: "O arquivo", gone: /não foi guardado/, show: "Mostrar a senha", later: "Agora não",
  },
  en: {
    ...texts("en"), give: /^Give the password/, dialog: "Protected file", field: "Password of the file", open: "Open the file", wrong: /The password is wrong/,
    protectedBy: /protected by a password/, tray: "Documents being added", file: "The file", gone: /was not kept/, show: "Show the password", later: "Not now",
  },
};

async function choose(t, files) {
  await page.getByRole("banner").getByRole("button", { name: t.add }).click();
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("dialog").getByRole("button", { name: t.files }).click()]);
  await chooser.setFiles(files);
}

/** A protected PDF that came without its password, and has failed. */
async function failedPdf(name = "ata.pdf") {
  const form = new FormData();
  form.append("file", new Blob([await fixture("locked.pdf")]), name);
  const { document_id: id } = await (await fetch(`${server.address}/api/v1/documents`, { method: "POST", body: form })).json();
  await until("it has failed", async () => (await server.get(`/api/v1/documents/${id}`)).status === "failed");
  return id;
}

/** The password is in no storage of the browser, in no address, and in no field that is left. */
async function isForgotten() {
  const left = await page.evaluate(() => [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), document.cookie, location.href,
    JSON.stringify(history.state), [...document.querySelectorAll("input")].map(({ value }) => value).join()].join());
  for (const word of [PASSWORD, WRONG]) assert.ok(!left.includes(word), left);
}

for (const [language, theme] of [["pt", "light"], ["en", "dark"]]) {
  const t = words[language];

  test(`a protected PDF is opened from the library by keyboard alone, in ${language}`, async () => {
    await page.context().close();
    page = await newPage(browser, server, { language, theme });
    const id = await failedPdf();
    await page.goto("/#/library");
    await page.getByRole("main").getByText(t.protectedBy).waitFor();
    await checkView(page);
    await checkSnapshot(page, `library-protected.${language}`, { part: page.getByRole("main").getByRole("list", { name: t.library }) });

    await page.getByRole("main").getByRole("button", { name: t.give }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: t.dialog });
    const field = dialog.getByLabel(t.field);
    await field.waitFor();
    await until("the field has the focus", () => field.evaluate((it) => it === document.activeElement));
    assert.equal(await field.getAttribute("type"), "password");
    await checkView(page);
    await checkSnapshot(page, `password-dialog.${language}`, { part: page.getByRole("dialog") });

    await page.keyboard.type(WRONG);
    await page.keyboard.press("Enter");
    await dialog.getByRole("alert").getByText(t.wrong).waitFor();
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    await until("the field has the focus again", () => field.evaluate((it) => it === document.activeElement));
    await checkView(page);
    assert.equal((await server.get(`/api/v1/documents/${id}`)).status, "failed");

    await page.keyboard.type(PASSWORD);
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("main").getByRole("listitem").getByText(t.ready, { exact: true }).waitFor();
    await isForgotten();
    await until("the focus is in the row", () => page.evaluate(() => Boolean(document.activeElement?.closest("ids-document-row"))));
    const found = await server.send("POST", "/api/v1/documents/search", { query: "protegido", mode: "keyword" });
    const { results } = await found.json();
    assert.equal(results[0].document_id, id);
  });
}

test("a protected document is opened where it would be read", async () => {
  const t = words.pt;
  const id = await failedPdf();
  await page.goto(`/#/documents/${id}/pages/1`);
  const alert = page.getByRole("main").getByRole("alert");
  await alert.getByText(t.protectedBy).waitFor();
  await checkView(page);
  await checkSnapshot(page, "document-protected.pt", { part: page.getByRole("main") });
  await alert.getByRole("button", { name: t.give }).click();
  const dialog = page.getByRole("dialog", { name: t.dialog });
  await dialog.getByLabel(t.show).check();
  assert.equal(await dialog.getByLabel(t.field).getAttribute("type"), "text");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal((await server.get(`/api/v1/documents/${id}`)).status, "failed", "nothing was sent");
  await alert.getByRole("button", { name: t.give }).click();
  await dialog.getByLabel(t.field).fill(PASSWORD);
  await dialog.getByRole("button", { name: t.open }).click();
  await page.getByRole("main").getByRole("img", { name: t.picture }).waitFor();
  await isForgotten();
});

test("protected files that were just added are opened in the tray, those refused at the door, too", async () => {
  const t = words.pt;
  await page.goto("/");
  await choose(t, [
    { name: "ata.docx", mimeType: OFFICE, buffer: await fixture("locked.docx") },
    { name: "ata.pdf", mimeType: "application/pdf", buffer: await fixture("locked.pdf") },
  ]);
  const tray = page.getByRole("region", { name: t.tray });
  const row = (name) => tray.getByRole("listitem").filter({ hasText: name });
  for (const name of ["ata.docx", "ata.pdf"]) await row(name).getByText(t.protectedBy).waitFor();
  await checkView(page);
  const dialog = page.getByRole("dialog", { name: t.dialog });
  for (const name of ["ata.docx", "ata.pdf"]) {
    await row(name).getByRole("button", { name: t.give }).click();
    await dialog.getByLabel(t.field).fill(WRONG);
    await dialog.getByRole("button", { name: t.open }).click();
    await dialog.getByRole("alert").getByText(t.wrong).waitFor();
    await dialog.getByLabel(t.field).fill(PASSWORD);
    await dialog.getByRole("button", { name: t.open }).click();
    await dialog.waitFor({ state: "detached" });
    await row(name).getByText(t.ready, { exact: true }).waitFor();
  }
  await isForgotten();
  const { documents } = await server.get("/api/v1/documents");
  assert.deepEqual(documents.map(({ filename, status }) => `${filename} ${status}`).sort(), ["ata.docx completed", "ata.pdf completed"]);
});

test("where the server has the bytes no more, the file is asked for, too", async () => {
  const t = words.pt;
  const id = await failedPdf();
  await page.route("**/reindex", (route) => route.fulfill({
    status: 409, contentType: "application/json",
    body: JSON.stringify({ error_code: "ORIGINAL_NOT_KEPT", detail: "gone", request_id: "r" }),
  }));
  await page.goto("/#/library");
  await page.getByRole("main").getByRole("button", { name: t.give }).click();
  const dialog = page.getByRole("dialog", { name: t.dialog });
  assert.equal(await dialog.getByLabel(t.file, { exact: true }).isVisible(), false);
  await dialog.getByLabel(t.field).fill(PASSWORD);
  await dialog.getByRole("button", { name: t.open }).click();
  await dialog.getByRole("alert").getByText(t.gone).waitFor();
  const picker = dialog.getByLabel(t.file, { exact: true });
  await picker.setInputFiles({ name: "ata.pdf", mimeType: "application/pdf", buffer: await fixture("locked.pdf") });
  await checkView(page);
  await dialog.getByRole("button", { name: t.open }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("main").getByRole("listitem").getByText(t.ready, { exact: true }).waitFor();
  const { documents } = await server.get("/api/v1/documents");
  assert.deepEqual(documents.map((it) => it.document_id), [id], "a further version, no other document");
});

test("other protected kinds offer no password, since none opens them", async () => {
  const t = words.pt;
  const zip = Buffer.from(
    "UEsDBBQAAQAAAAAAIVhNQ0F2EAAAAAQAAAAFAAAAYS50eHQAAQIDBAUGBwgJCgthYmNkUEsBAhQAFAABAAAAAAAhWE1DQXYQAAAABAAAAAUAAAAAAAAAAAAAAAAAAAAAAGEudHh0UEsFBgAAAAABAAEAMwAAADMAAAAAAA==",
    "base64",
  );
  const form = new FormData();
  form.append("file", new Blob([zip]), "fechado.zip");
  const { document_id: id } = await (await fetch(`${server.address}/api/v1/documents`, { method: "POST", body: form })).json();
  await until("it has failed", async () => (await server.get(`/api/v1/documents/${id}`)).status === "failed");
  assert.equal((await server.get(`/api/v1/documents/${id}`)).error.error_code, "ENCRYPTED");
  await page.goto("/#/library");
  await page.getByRole("main").getByText(t.protectedBy).waitFor();
  assert.equal(await page.getByRole("main").getByRole("button", { name: t.give }).count(), 0);
});
