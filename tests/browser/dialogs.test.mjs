// The dialogs and the tray of uploads, as a screen reader has them, in both languages.

import { after, before, test } from "node:test";
import { newPage, startBrowser, texts } from "./support/browser.mjs";
import { checkSnapshot, checkView } from "./support/checks.mjs";
import { payload } from "./support/files.mjs";
import { law, minutes } from "./support/samples.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

let browser;
let server;

before(async () => {
  browser = await startBrowser();
  server = await startServer();
  await server.add(law, { collection: "legislacao", tags: "servidores" });
  await server.send("POST", "/api/v1/chat/ask", { message: "Quantos dias de férias tem o servidor?" });
});
after(async () => {
  await browser.close();
  await server.stop();
});

for (const [language, theme] of [["pt", "dark"], ["en", "light"]]) {
  const t = texts(language);
  const view = async (page, name, part = page.getByRole("dialog")) => {
    await checkView(page);
    await checkSnapshot(page, `${name}.${language}`, { part });
  };

  test(`what changes a document and a conversation has no findings, in ${language}`, async () => {
    const page = await newPage(browser, server, { language, theme });
    await page.goto("/#/library?collection=legislacao");
    await page.getByRole("button", { name: t.edit }).click();
    await page.getByRole("dialog").getByLabel(t.title).waitFor();
    await view(page, "edit-document");
    await page.keyboard.press("Escape");
    await page.goto("/#/conversations");
    await page.getByRole("button", { name: /^(Dar outro nome|Rename): / }).click();
    await page.getByRole("dialog").getByLabel(t.title).waitFor();
    await view(page, "edit-conversation");
    await page.context().close();
  });

  test(`adding documents has no findings, in ${language}`, async () => {
    const page = await newPage(browser, server, { language, theme });
    await page.goto("/#/library?search=nada");
    await page.getByRole("banner").getByRole("button", { name: t.add }).click();
    const dialog = page.getByRole("dialog", { name: t.add });
    await dialog.getByRole("button", { name: t.files }).waitFor();
    await view(page, "upload-dialog");
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), dialog.getByRole("button", { name: t.files }).click()]);
    await chooser.setFiles([payload(minutes), { name: "vazio.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) }, { ...payload(law), name: "lei.md" }]);
    const tray = page.getByRole("region", { name: /^(Documentos sendo|Documents being)/ });
    await until("all are through", async () =>
      (await tray.getByRole("listitem").count()) === 3 && (await tray.getByRole("progressbar").count()) === 0);
    await view(page, "upload-tray", tray);
    await page.context().close();
    // The other language adds the same file.
    for (const { document_id: id } of (await server.get("/api/v1/documents?collection=default")).documents) await server.send("DELETE", `/api/v1/documents/${id}`);
  });
}
