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

/**
 * The view as a screen reader has it, against its file; UPDATE_SNAPSHOTS=1 writes the file. `part` is what
 * of the page is compared, `reduce` takes out what is not the page's business.
 */
export async function checkSnapshot(page, name, { part = page.locator("body"), reduce = (snapshot) => snapshot } = {}) {
  const file = path.join(SNAPSHOTS, `${name}.yml`);
  const taken = async () => `${reduce(redacted(await part.ariaSnapshot()))}\n`;
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

/** An answer's form without its wording: which sentences are quoted, and how many, is the ranking's business. */
export function withoutWording(snapshot) {
  const lines = snapshot
    .replace(/\?start=\d+&end=\d+&quote=[0-9a-f]{8}/g, "?<quote>")
    .replace(/\b(Fonte|Source) \d+: .*, (página|page) \d+/g, "$1 <number>: <title>, $2 <page>")
    .replace(/- link ".*":(\n\s+- \/url: "#\/documents\/<id>\/pages\/\d+\?<quote>")/g, '- link "<title>":$1')
    .replace(/pages\/\d+\?<quote>/g, "pages/<page>?<quote>")
    .replace(/(página|page) \d+ (Conferida|Checked)/g, "$1 <page> $2")
    .split("\n");
  const depth = (line) => line.search(/\S/);
  const kept = [];
  let within = [];
  lines.forEach((line, index) => {
    while (within.length > 0 && depth(line) <= within.at(-1).depth) within.pop();
    const parent = within.at(-1)?.name ?? "";
    const name = line.trim();
    within.push({ depth: depth(line), name });
    const isWording = /^- (text|mark)\b/.test(name);
    if (parent === "- blockquote:" && isWording) return kept.push(line.replace(/(- \w+:? ?).*/, "- text: <sentence>"));
    if (parent.includes("<number>: <title>") && isWording) return kept.push(line.replace(/- text:.*/, "- text: <number>"));
    // A quote with what stands around it, or without.
    if (parent === "- paragraph:" && lines.some((other, at) => Math.abs(at - index) <= 2 && /^\s*- mark:/.test(other) && depth(other) === depth(line))) {
      if (name.startsWith("- mark:")) kept.push(line.replace(/- mark:.*/, "- mark: <quote>"));
      return;
    }
    kept.push(line);
  });
  return once(kept).join("\n");
}

/** Neighbors that are alike, with all beneath them, count as one. */
function once(lines) {
  const depth = (line) => line.search(/\S/);
  const blocks = [];
  for (const line of lines) {
    if (blocks.length === 0 || depth(line) <= depth(blocks[0][0])) blocks.push([line]);
    else blocks.at(-1).push(line);
  }
  const reduced = blocks.map(([first, ...rest]) => [first, ...(rest.length > 0 ? once(rest) : [])]);
  return reduced.filter((block, index) => index === 0 || block.join("\n") !== reduced[index - 1].join("\n")).flat();
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
