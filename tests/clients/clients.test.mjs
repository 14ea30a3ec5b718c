// The official JavaScript clients of OpenAI's API and of the Model Context Protocol, against the real program.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import OpenAI from "openai";
import { startServer } from "../browser/support/server.mjs";
import { until } from "../browser/support/wait.mjs";

const QUESTION = "Qual é a multa por atraso na entrega?";
const CONTRACT = "# Contrato 12\n\nO contrato foi assinado em Lavras. A multa por atraso na entrega é de 2% ao mês.\n\nO prazo de entrega é de quinze dias.\n";

let server;
let openai;

before(async () => {
  server = await startServer();
  const form = new FormData();
  form.append("file", new Blob([CONTRACT], { type: "text/markdown" }), "contrato.md");
  form.append("collection", "contratos");
  const reply = await fetch(`${server.address}/api/v1/documents`, { method: "POST", body: form });
  const { document_id: id } = await reply.json();
  await until("the contract is there", async () => {
    const status = await (await fetch(`${server.address}/api/v1/documents/${id}/status`)).json();
    return status.status === "completed";
  });
  openai = new OpenAI({ baseURL: `${server.address}/v1`, apiKey: "sk-anything", maxRetries: 0 });
});

after(() => server.stop());

function ask(more = {}) {
  return openai.chat.completions.create({ model: "ids", messages: [{ role: "user", content: QUESTION }], ...more });
}

test("an answer names its sources in its text and as annotations", async () => {
  const { message } = (await ask()).choices[0];
  assert.match(message.content, /2% ao mês[\s\S]*\n\nFontes:\n\[1\] /);
  const { url_citation: citation } = message.annotations[0];
  assert.ok(citation.url.startsWith(`${server.address}/#/documents/`), citation.url);
  assert.match([...message.content].slice(citation.start_index, citation.end_index).join(""), /2% ao mês/);
});

test("the same answer comes in pieces", async () => {
  const whole = (await ask()).choices[0].message.content;
  let text = "";
  let usage = null;
  for await (const chunk of await ask({ stream: true, stream_options: { include_usage: true } })) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole);
  assert.equal(usage.total_tokens, 0);
  const runner = openai.chat.completions.stream({ model: "ids/contratos", messages: [{ role: "user", content: QUESTION }] });
  assert.match(await runner.finalContent(), /2% ao mês/);
});

test("models and vectors are those of the library", async () => {
  const models = [];
  for await (const model of await openai.models.list()) models.push(model.id);
  assert.deepEqual(models.slice(0, 2), ["ids", "ids/contratos"]);
  assert.equal((await openai.models.retrieve("ids/contratos")).id, "ids/contratos");
  const vectors = await openai.embeddings.create({ model: models.at(-1), input: ["multa", "prazo"] });
  assert.deepEqual(vectors.data.map((it) => it.embedding.length), [384, 384]);
  const length = Math.hypot(...vectors.data[0].embedding);
  assert.ok(Math.abs(length - 1) < 1e-2, String(length));
});

test("faults are of the classes that programs catch", async () => {
  await assert.rejects(ask({ model: "gpt-4o" }), (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
  await assert.rejects(ask({ n: 2 }), (error) => error instanceof OpenAI.BadRequestError && error.param === "n");
});

test("an assistant's client uses the tools over HTTP and over stdio", async () => {
  const transports = [
    () => new StreamableHTTPClientTransport(new URL(`${server.address}/mcp`)),
    () => new StdioClientTransport({ command: process.env.PROGRAM_UNDER_TEST, args: ["--data-dir", server.folder, "mcp"] }),
  ];
  for (const make of transports) {
    const client = new Client({ name: "test", version: "1" });
    await client.connect(make());
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name), ["search", "read_page", "ask", "list_documents"]);
    const found = await client.callTool({ name: "search", arguments: { query: "multa por atraso" } });
    assert.match(found.structuredContent.results[0].content, /2% ao mês/);
    const answer = await client.callTool({ name: "ask", arguments: { question: QUESTION } });
    assert.equal(answer.structuredContent.answered, true);
    await client.close();
  }
});
