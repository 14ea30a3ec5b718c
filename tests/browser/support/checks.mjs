// What must hold of every view.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./wait.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SNAPSHOTS = fileURLToPath(new URL("../snapshots/", import.meta.url));

/** No finding of axe, and nothing wider than the window. */
export async function checkView(page) {
  assert.deepEqual(page.faults, []);
  await noSideways(page);
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const findings = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n  ")}`);
  assert.deepEqual(findings, []);
}

export async function noSideways(page) {
  const [content, window_] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(content <= window_, `the page is ${content} px wide in a window of ${window_}`);
}

/** The view as a screen reader has it, against its file; UPDATE_SNAPSHOTS=1 writes the file. */
export async function checkSnapshot(page, name) {
  const file = path.join(SNAPSHOTS, `${name}.yml`);
  const taken = async () => `${redacted(await page.locator("body").ariaSnapshot())}\n`;
  if (process.env.UPDATE_SNAPSHOTS) {
    await mkdir(SNAPSHOTS, { recursive: true });
    await writeFile(file, await taken());
    return;
  }
  const expected = await readFile(file, "utf8");
  // What announces itself comes and goes: the view may need a moment to be as it stays.
  await until(`snapshot ${name} holds`, async () => (await taken()) === expected, 3_000).catch(async () => {
    assert.equal(await taken(), expected, `${name}.yml; UPDATE_SNAPSHOTS=1 writes it anew`);
  });
}

/** What differs in each run. */
function redacted(snapshot) {
  return snapshot
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<id>")
    .replace(/\d+([.,]\d+)?( |\u00a0)ms/g, "<time>")
    .replace(/\d{1,2} de [a-zç]{3}\. de \d{4}|[A-Z][a-z]{2} \d{1,2}, \d{4}/g, "<date>")
    .replace(/\bagora\b|\bnow\b|há \d+ minutos?|\d+ minutes? ago/g, "<ago>")
    .replace(/(Versão|Version): ?\S+|\b0\.\d+\.\d+\b/g, "<version>")
    // What is announced is heard once and goes with the next; what stays is checked where it is shown.
    .replace(/^- status.*\n?/gm, "");
}
