// How heavy the page is, and how soon it answers. Usage: node bench/page/measure.mjs ADDRESS

import { startBrowser, newPage, texts } from "../../tests/browser/support/browser.mjs";
import { until } from "../../tests/browser/support/wait.mjs";

const QUESTIONS = [
  "multa por atraso na obra", "prazo de entrega", "férias do servidor", "licença maternidade", "pregão eletrônico",
  "quem fiscaliza o contrato", "valor da garantia", "horário de atendimento", "merenda escolar", "recurso do licitante",
  "imposto predial", "aposentadoria", "transporte de alunos", "reforma da escola", "plano de saúde", "vacinação", "coleta de lixo",
  "iluminação pública", "concurso público", "nota fiscal",
];
const LETTERS_PER_SECOND = 8;
const SEARCHES = 100;

const address = process.argv[2];
if (!address) {
  process.stderr.write("usage: node bench/page/measure.mjs ADDRESS\n");
  process.exit(2);
}
const server = { address: address.replace(/\/$/, "") };
const browser = await startBrowser();
const page = await newPage(browser, server);
const field = page.getByRole("textbox", { name: texts("pt").field });

const stats = await (await fetch(`${server.address}/api/v1/documents/stats`)).json();
process.stdout.write(`${stats.total_documents} documents, ${stats.total_chunks} chunks, ${stats.total_embeddings} with embeddings\n`);
await firstView();
await watchKeys();
report("one letter at a time", await eachLetter());
report(`typed at ${LETTERS_PER_SECOND} letters a second, last letter to its results`, await fluently());
await memory();
await browser.close();

async function firstView() {
  const bodies = [];
  page.on("response", (response) => bodies.push(response.body().then((body) => [new URL(response.url()).pathname, body.length])));
  await page.goto("/", { waitUntil: "networkidle" });
  page.removeAllListeners("response");
  const all = await Promise.all(bodies);
  const files = all.filter(([path]) => !path.startsWith("/api/"));
  const bytes = files.reduce((sum, [, size]) => sum + size, 0);
  process.stdout.write(`first view: ${bytes} bytes in ${files.length} files, and ${all.length - files.length} requests for data\n`);
}

/** Notes for each key how long it took until results were painted after it: the frame after the change, and its end. */
async function watchKeys() {
  await page.evaluate(() => {
    window.times = [];
    addEventListener("keydown", (event) => (window.pressed = event.timeStamp), true);
    // A letter with an accent comes without a key of its own.
    addEventListener("beforeinput", (event) => event.timeStamp - (window.pressed ?? 0) < 50 || (window.pressed = event.timeStamp), true);
    new MutationObserver(() => {
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          window.painted = performance.now();
          // Nothing was pressed: the field was emptied.
          if (window.pressed !== undefined) window.times.push(window.painted - window.pressed);
        };
        port2.postMessage(0);
      });
    }).observe(document.querySelector("ids-results"), { childList: true });
  });
}

function taken() {
  return page.evaluate(() => window.times.length);
}

async function eachLetter() {
  await page.evaluate(() => (window.times.length = 0));
  for (const question of QUESTIONS) {
    await field.fill("");
    for (const letter of question) {
      const before = await taken();
      await page.evaluate(() => (window.pressed = undefined));
      await page.keyboard.type(letter);
      // A space at the end is no other question: nothing new is shown for it.
      if (letter !== " ") await until("its results are shown", async () => (await taken()) > before);
    }
  }
  return page.evaluate(() => window.times);
}

async function fluently() {
  const last = [];
  for (const question of QUESTIONS) {
    await field.fill("");
    await page.evaluate(() => (window.times.length = 0));
    await page.keyboard.type(question, { delay: 1000 / LETTERS_PER_SECOND });
    await until("the last results are shown", async () => (await taken()) > 0);
    await page.waitForLoadState("networkidle");
    last.push(await page.evaluate(() => window.painted - window.pressed));
  }
  return last;
}

function report(what, times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1);
  process.stdout.write(`key press to shown results, ${what}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, of ${sorted.length}\n`);
}

async function memory() {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const look = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (name) => metrics.find((metric) => metric.name === name).value;
    return { heap: of("JSHeapUsedSize"), nodes: of("Nodes") };
  };
  await page.reload({ waitUntil: "networkidle" });
  const before = await look();
  for (let search = 0; search < SEARCHES; search++) {
    const question = `${QUESTIONS[search % QUESTIONS.length]} ${search}`;
    const reply = page.waitForResponse((response) => response.url().endsWith("/search") && response.request().postData().includes(question));
    await field.fill(question);
    await reply;
  }
  await page.waitForLoadState("networkidle");
  const after = await look();
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
  process.stdout.write(`memory of the tab: ${megabytes(before.heap)} MB and ${before.nodes} nodes, after ${SEARCHES} searches ${megabytes(after.heap)} MB and ${after.nodes} nodes\n`);
}
