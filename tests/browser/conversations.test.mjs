// Asking: follow-ups, no answer, stopping, taken-back sentences; and what is kept: renaming, exporting, deleting.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { newPage, startBrowser, texts } from "./support/browser.mjs";
import { checkView } from "./support/checks.mjs";
import { contract, law, notice } from "./support/samples.mjs";
import { startServer } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const t = texts("pt");
let browser;
let server;

before(async () => {
  browser = await startBrowser();
  server = await startServer();
  for (const document_ of [contract, notice, law]) await server.add(document_);
});
after(async () => {
  await browser.close();
  await server.stop();
});

const answers = (page) => page.getByRole("list", { name: "Perguntas e respostas" }).locator(":scope > li");

async function ask(page, question) {
  await page.goto("/");
  await page.getByRole("textbox", { name: t.field }).fill(question);
  await page.getByRole("button", { name: t.ask }).click();
}

/** The stream of a generated answer, as the contract has it. */
function stream(events) {
  const body = events.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join("");
  return { status: 200, contentType: "text/event-stream", body };
}

/** Lets the test tell the page of an answer bit by bit: a stubbed reply comes in one piece, with its end. */
async function tellBitByBit(page) {
  await page.addInitScript(() => {
    const real = window.fetch;
    window.fetch = (input, options) => {
      if (!String(input).endsWith("/chat/ask")) return real(input, options);
      const body = new ReadableStream({
        start(control) {
          window.tellPage = (event, data) => control.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
          options.signal.addEventListener("abort", () => control.error(options.signal.reason));
        },
      });
      return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
    };
  });
  return (event, data) => page.evaluate(([name, body]) => window.tellPage(name, body), [event, data]);
}

test("a follow-up is asked in the same conversation, and a reload shows both", async () => {
  const page = await newPage(browser, server);
  await ask(page, "Quantos dias de férias tem o servidor?");
  await answers(page).nth(0).getByRole("region", { name: t.sources }).waitFor();
  await until("it has its address", () => /conversations\/(?!new)/.test(page.url()));
  const field = page.getByRole("textbox", { name: "Pergunta" });
  await field.fill("As férias podem ser divididas em etapas?");
  await field.press("Enter");
  await answers(page).nth(1).getByRole("region", { name: t.sources }).waitFor();
  await page.reload();
  await until("both are there", async () => (await answers(page).count()) === 2);
  await answers(page).nth(1).getByRole("region", { name: t.sources }).waitFor();
  await page.getByText("Frases copiadas dos documentos, sem modelo de linguagem").first().waitFor();
  await page.context().close();
});

test("when the documents do not answer it is said plainly, with the nearest ones", async () => {
  const page = await newPage(browser, server);
  await ask(page, "unicorn zebrilda quartzo?");
  await page.getByRole("main").getByText("Os documentos não respondem a esta pergunta.").waitFor();
  await page.getByRole("link", { name: "Ver os trechos encontrados" }).waitFor();
  await checkView(page);
  const nearest = page.getByRole("heading", { name: "Documentos mais próximos" });
  if (await nearest.count()) {
    await page.getByRole("main").getByRole("listitem").getByRole("link").first().click();
    await page.getByRole("region", { name: t.pageText }).waitFor();
  }
  await page.context().close();
});

test("an address with a question in it asks nothing until a person does", async () => {
  const page = await newPage(browser, server);
  const asked = [];
  page.on("request", (request) => request.url().endsWith("/chat/ask") && asked.push(request.url()));
  await page.goto("/#/conversations/new?q=Qual+o+prazo+da+obra%3F");
  const field = page.getByRole("textbox", { name: "Pergunta" });
  await until("the question waits in the field", async () => (await field.inputValue()) === "Qual o prazo da obra?");
  assert.deepEqual(asked, []);
  await field.press("Enter");
  await page.getByRole("region", { name: t.sources }).waitFor();
  await page.context().close();
});

test("what the search was limited to limits the question too, and is said", async () => {
  const page = await newPage(browser, server);
  const { documents: [{ document_id: id }] } = await server.get("/api/v1/documents?search=lei");
  await page.goto(`/#/?document=${id}`);
  await page.getByText("Só neste documento:").waitFor();
  const [request] = await Promise.all([
    page.waitForRequest("**/api/v1/chat/ask"),
    page.getByRole("textbox", { name: t.field }).fill("Quantos dias de férias?").then(() => page.keyboard.press("Enter")),
  ]);
  assert.deepEqual(request.postDataJSON().document_ids, [id]);
  await page.getByRole("list", { name: "Limitada a" }).getByText("um documento").waitFor();
  await page.getByRole("main").getByRole("button", { name: t.ask }).waitFor();
  await page.getByRole("link", { name: "Ver os trechos encontrados" }).click();
  await page.getByText("Só neste documento:").waitFor();
  await page.context().close();
});

test("a conversation keeps its limits, and they can be lifted and set", async () => {
  const page = await newPage(browser, server);
  const { documents: [{ document_id: id }] } = await server.get("/api/v1/documents?search=lei");
  await page.goto(`/#/?document=${id}`);
  await page.getByText("Só neste documento:").waitFor();
  await page.getByRole("textbox", { name: t.field }).fill("Quantos dias de férias?");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: t.sources }).waitFor();
  await until("it has its address", () => /conversations\/(?!new)/.test(page.url()));
  const session = page.url().match(/conversations\/([^?]+)/)[1];
  const scope = async () => (await server.get(`/api/v1/chat/sessions/${session}`)).scope;
  assert.deepEqual((await scope()).document_ids, [id]);
  await page.goto("about:blank");
  await page.goto(`/#/conversations/${session}`);
  await page.getByRole("list", { name: "Limitada a" }).getByText("um documento").waitFor();
  await checkView(page);
  await page.getByRole("button", { name: "Não limitar mais a um documento" }).click();
  await page.getByRole("list", { name: "Limitada a" }).waitFor({ state: "detached" });
  await until("the server knows", async () => (await scope()).document_ids.length === 0);
  // Several documents, as another front end may choose: all are shown, by name, and each can be taken out.
  const { documents } = await server.get("/api/v1/documents?limit=2");
  const [first, second] = documents;
  const both = { document_ids: [first.document_id, second.document_id] };
  const limited = await server.send("PATCH", `/api/v1/chat/sessions/${session}`, { scope: both });
  assert.equal(limited.status, 200);
  await page.reload();
  await page.getByRole("list", { name: "Limitada a" }).getByText("2 documentos").waitFor();
  await page.getByRole("button", { name: "Mudar os limites" }).click();
  await page.getByText("Só nestes documentos:").waitFor();
  for (const { title } of documents) await page.locator("ids-filters").getByText(title, { exact: true }).waitFor();
  await page.getByRole("button", { name: `Tirar ${first.title}` }).click();
  await until("the other is left", async () => (await scope()).document_ids.join() === second.document_id);
  await page.getByRole("button", { name: "Buscar em todos os documentos" }).click();
  await until("none is left", async () => (await scope()).document_ids.length === 0);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Limitar a parte dos documentos" }).click();
  await page.getByRole("combobox", { name: "Tipo" }).selectOption("pdf");
  await until("the server knows the kind", async () => (await scope()).content_types.length === 1);
  await page.context().close();
});

test("an answer is rated with a reason, taken back, and given anew", async () => {
  const page = await newPage(browser, server);
  await ask(page, "Quantos dias de férias tem o servidor?");
  await page.getByRole("region", { name: t.sources }).waitFor();
  await until("it has its address", () => /conversations\/(?!new)/.test(page.url()));
  const session = page.url().match(/conversations\/([^?]+)/)[1];
  const kept = async () => (await server.get(`/api/v1/chat/sessions/${session}`)).messages.at(-1);
  const down = page.getByRole("button", { name: "Não foi útil" });
  await down.click();
  await page.getByLabel("O que há de errado nela?").fill("É de outro estatuto.");
  await checkView(page);
  await page.getByRole("button", { name: "Enviar" }).click();
  await until("the reason is kept", async () => (await kept()).feedback?.reason === "É de outro estatuto.");
  await page.reload();
  assert.equal(await down.getAttribute("aria-pressed"), "true");
  await down.click();
  await until("it is taken back", async () => (await kept()).feedback === null);
  const before = (await kept()).message_id;
  await page.getByRole("button", { name: "Responder de novo" }).click();
  await until("another answer stands there", async () => (await kept()).message_id !== before);
  await page.getByRole("region", { name: t.sources }).waitFor();
  assert.equal(await answers(page).count(), 1);
  await page.context().close();
});

test("an answer under way can be stopped and asked for again", async () => {
  const page = await newPage(browser, server);
  await page.route("**/api/v1/chat/ask", () => {}); // never answered
  await ask(page, "Qual o prazo da obra?");
  await page.getByText("Buscando nos documentos").first().waitFor();
  await checkView(page);
  await page.getByRole("button", { name: "Parar" }).click();
  await page.getByText("A resposta foi interrompida.").first().waitFor();
  await page.unroute("**/api/v1/chat/ask");
  await page.getByRole("button", { name: "Perguntar de novo" }).click();
  await page.getByRole("region", { name: t.sources }).waitFor();
  await page.context().close();
});

test("a generated answer marks what is not confirmed, and says who wrote it", async () => {
  const page = await newPage(browser, server);
  const { documents: [{ document_id, title }] } = await server.get("/api/v1/documents?search=contrato");
  const source = {
    document_id, document_title: title, chunk_id: "c", source: "contrato.pdf", page: 2, similarity_score: 0.9,
    excerpt: "A multa é de 0,5% por dia.", quote: "multa de mora de 0,5%", start: 88, end: 109, boxes: [], verified: true,
  };
  await page.route("**/api/v1/chat/ask", (route) => route.fulfill(stream([
    ["stage", { stage: "searching" }], ["stage", { stage: "writing" }], ["delta", { text: "A multa é de 0,5%" }], ["delta", { text: " por dia. Há juros." }],
    ["stage", { stage: "checking" }], ["retract", { claim: 2 }],
    ["done", {
      response: "A multa é de 0,5% por dia. Há juros.", session_id: "0193a5e2-7d3f-7c60-9b5e-3f1a2b4c5d6e", sources: [source],
      claims: [{ text: "A multa é de 0,5% por dia.", status: "verified", sources: [0] }, { text: "Há juros.", status: "unconfirmed", sources: [] }],
      metadata: { message_id: "m", search_results_count: 5, conversation_length: 2, answered: true, mode: "generated", nearest: [], cost: 0.01 },
      processing_time: 1, token_usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    }],
  ])));
  await ask(page, "Qual é a multa?");
  await page.getByText("Escrita por um modelo de linguagem; confira nas fontes").waitFor();
  await page.getByText("Não confirmada").waitFor();
  await page.getByRole("link", { name: t.cite }).waitFor();
  await checkView(page);
  await page.context().close();
});

test("an answer for which there was no money for a model says so", async () => {
  const page = await newPage(browser, server);
  await page.route("**/api/v1/chat/ask", async (route) => {
    const body = route.request().postDataJSON();
    const response = await route.fetch({ postData: JSON.stringify({ ...body, stream: false }) });
    const answer = await response.json();
    answer.metadata.fallback = "budget";
    await route.fulfill(stream([["done", answer]]));
  });
  await ask(page, "Qual o prazo da obra?");
  await page.getByText("O orçamento do mês para modelos de linguagem acabou").waitFor();
  await checkView(page);
  await page.context().close();
});

test("a sentence that was shown and is not borne out disappears, before the end and after Stop", async () => {
  const page = await newPage(browser, server);
  const tell = await tellBitByBit(page);
  await ask(page, "Qual é a multa?");
  const step = () => page.getByRole("listitem").and(page.locator("[aria-current=step]")).textContent();
  const written = answers(page).locator(".written");
  const shows = (what, text) => until(what, async () => (await written.textContent()) === text);
  await until("it is asked", () => page.evaluate(() => Boolean(window.tellPage)));
  await tell("stage", { stage: "writing" });
  await tell("delta", { text: "A multa é de 0,5% por dia." });
  await tell("delta", { text: "\n\nHá juros" });
  await tell("delta", { text: " de 1% ao mês.\n" });
  await tell("delta", { text: "\nA garantia é de cinco anos." });
  await shows("all three are shown", "A multa é de 0,5% por dia.\n\nHá juros de 1% ao mês.\n\nA garantia é de cinco anos.");
  await tell("retract", { claim: 1 });
  await shows("the second is gone", "A multa é de 0,5% por dia.\n\nA garantia é de cinco anos.");
  await page.getByText("Uma frase foi retirada: os documentos não a confirmam.").waitFor();
  // Struck ones keep their numbers.
  await tell("retract", { claim: 2 });
  await shows("the third is gone", "A multa é de 0,5% por dia.");
  await tell("retract", { claim: 0 });
  await tell("stage", { stage: "checking" });
  await until("its citations are checked", async () => (await step()) === "Conferindo as citações");
  await tell("delta", { text: "\n\nO prazo é de 180 dias." });
  await tell("stage", { stage: "something the page does not know" });
  await shows("what comes after them is shown", "O prazo é de 180 dias.");
  assert.equal(await step(), "Conferindo as citações");
  await checkView(page);
  await page.getByRole("button", { name: "Parar" }).click();
  await page.getByRole("main").getByText("A resposta foi interrompida.").waitFor();
  await shows("nor are they after Stop", "O prazo é de 180 dias.");
  await page.context().close();
});

test("an error in the middle of an answer is told in words, with a way on", async () => {
  const page = await newPage(browser, server);
  await page.route("**/api/v1/chat/ask", (route) => route.fulfill(stream([
    ["stage", { stage: "searching" }], ["delta", { text: "A multa\n\nHá juros" }], ["retract", { claim: 1 }],
    ["error", { error: "busy", detail: "too many", error_code: "BUSY", request_id: "r" }],
  ])));
  await ask(page, "Qual é a multa?");
  await page.getByRole("main").getByText("O servidor está ocupado. Tente de novo em alguns segundos.").waitFor();
  assert.equal(await answers(page).locator(".written").textContent(), "A multa");
  await page.getByRole("button", { name: "Perguntar de novo" }).waitFor();
  await page.context().close();
});

test("a conversation is found, renamed, exported, deleted, and brought back", async () => {
  const page = await newPage(browser, server);
  await ask(page, "Quem fiscaliza a obra da escola?");
  await page.getByRole("region", { name: t.sources }).waitFor();
  await until("it has its address", () => /conversations\/(?!new)/.test(page.url()));

  await page.getByRole("button", { name: "Dar outro nome" }).click();
  const dialog = page.getByRole("dialog", { name: "Dar outro nome à conversa" });
  assert.equal(await dialog.getByLabel(t.title).getAttribute("maxlength"), "120", "as many as the server takes");
  await dialog.getByLabel(t.title).fill("Fiscalização da escola");
  await checkView(page);
  await dialog.getByRole("button", { name: t.save }).click();
  await page.getByRole("heading", { level: 1, name: "Fiscalização da escola" }).waitFor();

  const exported = async (entry) => {
    await page.getByRole("button", { name: "Baixar ou imprimir" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: entry }).click()]);
    return [download.suggestedFilename(), await readFile(await download.path(), "utf8")];
  };
  const [markdownName, markdown] = await exported("Baixar como Markdown");
  assert.equal(markdownName, "fiscalizacao-da-escola.md");
  assert.match(markdown, /^# Fiscalização da escola\n/);
  assert.match(markdown, /## Quem fiscaliza a obra da escola\?/);
  assert.match(markdown, /\[1\]/);
  const [jsonName, json] = await exported("Baixar como JSON");
  assert.equal(jsonName, "fiscalizacao-da-escola.json");
  assert.equal(JSON.parse(json).messages.length, 2);

  await page.getByRole("navigation").getByRole("link", { name: t.conversations }).click();
  await page.getByLabel("Procurar nas conversas").fill("fiscalização");
  const link = page.getByRole("main").getByRole("link", { name: "Fiscalização da escola" });
  await link.waitFor();
  await page.getByRole("button", { name: "Excluir: Fiscalização da escola" }).click();
  await link.waitFor({ state: "detached" });
  await page.getByRole("button", { name: t.undo }).click();
  await link.waitFor();

  await page.getByRole("button", { name: "Dar outro nome: Fiscalização da escola" }).click();
  await page.getByRole("dialog").getByLabel(t.title).fill("Obra: fiscalização");
  await page.getByRole("dialog").getByRole("button", { name: t.save }).click();
  await page.getByRole("main").getByRole("link", { name: "Obra: fiscalização" }).click();
  await page.getByRole("region", { name: t.sources }).waitFor();
  await page.getByRole("button", { name: "Excluir a conversa" }).click();
  await page.getByRole("heading", { level: 1, name: t.conversations }).waitFor();
  const id = (await server.get("/api/v1/chat/sessions")).sessions.find(({ title }) => title === "Obra: fiscalização")?.session_id;
  await page.goto("about:blank");
  await until("it is deleted", async () => (await server.send("GET", `/api/v1/chat/sessions/${id}`)).status === 404);
  await page.context().close();
});

test("on paper there are questions, answers and sources, and no buttons", async () => {
  const page = await newPage(browser, server);
  await ask(page, "Qual é a multa por dia de atraso na obra?");
  await page.getByRole("region", { name: t.sources }).waitFor();
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.getByRole("banner").isVisible(), false);
  assert.equal(await page.getByRole("textbox", { name: "Pergunta" }).isVisible(), false);
  assert.equal(await page.getByRole("region", { name: t.sources }).isVisible(), true);
  await page.context().close();
});
