// The library: finding, renaming, deleting with time to think again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newPage, startBrowser, texts } from "./support/browser.mjs";
import { checkView } from "./support/checks.mjs";
import { samples, contract, notice, law, minutes } from "./support/samples.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const t = texts("pt");
let browser;
let server;

before(async () => {
  browser = await startBrowser();
  server = await startServer();
  await server.add(contract, { collection: "obras", tags: "2024,obra" });
  await server.add(notice, { collection: "compras", tags: "2024" });
  await server.add(law);
  await server.add(minutes);
});
after(async () => {
  await browser.close();
  await server.stop();
});

const rows = (page) => page.getByRole("list", { name: t.library }).locator(":scope > li");

async function openLibrary(address = "/#/library") {
  const page = await newPage(browser, server);
  await page.goto(address);
  await rows(page).first().waitFor();
  return page;
}

test("filters narrow the list, stand in the address and survive a reload", async () => {
  const page = await openLibrary();
  assert.equal(await rows(page).count(), samples.length);
  await page.getByLabel("Coleção").selectOption("obras");
  await until("one is left", async () => (await rows(page).count()) === 1);
  await until("the address says so", () => page.url().endsWith("collection=obras"));
  await page.reload();
  await until("still one", async () => (await rows(page).count()) === 1);

  await page.getByLabel("Coleção").selectOption("");
  await page.getByLabel("Etiquetas").fill("2024");
  await page.getByLabel("Etiquetas").press("Enter");
  await until("two have the tag", async () => (await rows(page).count()) === 2);
  await page.getByLabel("Título ou nome do arquivo").fill("edital");
  await until("one of them has the name", async () => (await rows(page).count()) === 1);
  await page.getByLabel("Título ou nome do arquivo").fill("nada assim");
  await page.getByRole("button", { name: "Limpar os filtros" }).click();
  await until("all are back", async () => (await rows(page).count()) === samples.length);
  await page.context().close();
});

test("a tag in a row shows all that have it, and the order is as chosen", async () => {
  const page = await openLibrary();
  await page.getByRole("button", { name: "Só a etiqueta 2024" }).first().click();
  await until("two have it", async () => (await rows(page).count()) === 2);
  await page.getByLabel("Ordem").selectOption({ label: "Título" });
  await until("by title", async () => /^Contrato/.test(await rows(page).first().textContent()));
  await page.context().close();
});

test("among the latest documents, one that could not be read says so and leads to the library", async () => {
  const torn = { name: "recibo-rasgado.pdf", type: "application/pdf", make: () => Buffer.from("%PDF-1.4 rasgado") };
  const id = await server.add(torn);
  const page = await newPage(browser, server);
  await page.goto("/");
  const row = page.getByRole("listitem").filter({ hasText: "recibo-rasgado" });
  await row.getByText("Falhou", { exact: true }).waitFor();
  await row.getByRole("link").click();
  await rows(page).first().waitFor();
  await page.context().close();
  await server.send("DELETE", `/api/v1/documents/${id}`);
});

test("title, description and tags are changed in a dialog", async () => {
  const page = await openLibrary();
  await page.getByRole("button", { name: `Editar: ${minutes.title}` }).click();
  const dialog = page.getByRole("dialog", { name: "Editar o documento" });
  await dialog.getByLabel(t.title).fill("Ata do Conselho de Saúde, maio de 2024");
  await dialog.getByLabel("Descrição").fill("Horário da UBS do Bairro Novo");
  await dialog.getByLabel(/^Etiquetas/).fill("saúde, ata");
  await checkView(page);
  await dialog.getByRole("button", { name: t.save }).click();
  await page.getByRole("link", { name: "Ata do Conselho de Saúde, maio de 2024" }).waitFor();
  await page.getByText("Horário da UBS do Bairro Novo").waitFor();
  await page.getByRole("button", { name: "Só a etiqueta saúde" }).waitFor();
  await page.reload();
  await page.getByRole("link", { name: "Ata do Conselho de Saúde, maio de 2024" }).waitFor();
  await page.context().close();
});

test("the dialog says in words why a title is refused, and Escape leaves all as it was", async () => {
  const page = await openLibrary();
  await page.getByRole("button", { name: /^Editar: Edital/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/^Etiquetas/).fill("x".repeat(200));
  await dialog.getByRole("button", { name: t.save }).click();
  await dialog.getByRole("alert").getByText(/tags/).waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")?.startsWith("Editar: Edital")), true);
  await page.context().close();
});

test("a deleted document can be brought back for ten seconds, and is gone after them", async () => {
  const id = await server.add({ name: "rascunho.txt", type: "text/plain", make: () => Buffer.from("Rascunho de portaria sem número.") });
  const page = await newPage(browser, server);
  await page.clock.install();
  await page.goto("/#/library");
  const row = rows(page).filter({ hasText: "rascunho" });
  const remove = page.getByRole("button", { name: "Excluir: rascunho" });
  await remove.click();
  await row.waitFor({ state: "detached" });
  await checkView(page);
  await page.getByRole("button", { name: t.undo }).click();
  await row.waitFor();
  assert.equal((await server.send("GET", `/api/v1/documents/${id}`)).status, 200);

  await remove.click();
  await row.waitFor({ state: "detached" });
  await page.clock.fastForward(9_000);
  assert.equal((await server.send("GET", `/api/v1/documents/${id}`)).status, 200);
  await page.clock.fastForward(1_500);
  await until("it is deleted", async () => (await server.send("GET", `/api/v1/documents/${id}`)).status === 404);
  await page.getByRole("button", { name: t.undo }).waitFor({ state: "detached" });
  await page.context().close();
});

test("who deletes and closes the page has deleted", async () => {
  const id = await server.add({ name: "engano.txt", type: "text/plain", make: () => Buffer.from("Enviado por engano ao sistema.") });
  const page = await openLibrary();
  await page.getByRole("button", { name: "Excluir: engano" }).click();
  await page.getByRole("button", { name: t.undo }).waitFor();
  await page.goto("about:blank");
  await until("it is deleted", async () => (await server.send("GET", `/api/v1/documents/${id}`)).status === 404);
  await page.context().close();
});

test("a page that the browser kept and shows again offers nothing that cannot be undone any more", async () => {
  const id = await server.add({ name: "minuta.txt", type: "text/plain", make: () => Buffer.from("Minuta de decreto sem efeito algum.") });
  const page = await openLibrary();
  await page.getByRole("button", { name: "Excluir: minuta" }).click();
  await page.getByRole("button", { name: t.undo }).waitFor();
  await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
  await page.getByRole("button", { name: t.undo }).waitFor({ state: "detached" });
  await until("it is deleted", async () => (await server.send("GET", `/api/v1/documents/${id}`)).status === 404);
  assert.equal(await rows(page).filter({ hasText: "minuta" }).count(), 0);
  await page.context().close();
});

test("a long library is shown in parts", async () => {
  const many = await startServer();
  await Promise.all(Array.from({ length: 53 }, (_, index) =>
    many.send("POST", "/api/v1/documents/upload/presigned", { filename: `oficio-${index}.txt`, file_size: 10, content_type: "text/plain" })));
  const page = await newPage(browser, many);
  await page.goto("/#/library");
  await until("the first fifty", async () => (await rows(page).count()) === 50);
  await page.getByRole("button", { name: "Mostrar mais" }).click();
  await until("all", async () => (await rows(page).count()) === 53);
  assert.equal(await page.getByRole("button", { name: "Mostrar mais" }).count(), 0);
  await page.context().close();
  await many.stop();
});
