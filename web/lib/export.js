// A conversation as a file.

import { moment } from "./format.js";
import { t } from "./i18n.js";

export function asJson(session) {
  return `${JSON.stringify(session, null, 2)}\n`;
}

/** Questions as headings, answers with numbered sources beneath. */
export function asMarkdown(session) {
  const lines = [`# ${escaped(session.title)}`, "", `${t("conversation.exported")} ${moment(new Date().toISOString())}`, ""];
  for (const message of session.messages) {
    if (message.role === "user") {
      lines.push(`## ${escaped(message.content)}`, "");
      continue;
    }
    lines.push(...answerLines(message), "");
  }
  return `${lines.join("\n").trim()}\n`;
}

function answerLines({ content, claims = [], sources = [] }) {
  const lines = [];
  for (const claim of claims) {
    const numbers = claim.sources.map((index) => `[${index + 1}]`).join("");
    const note = claim.status === "verified" ? "" : ` _(${t("answer.unconfirmed")})_`;
    lines.push(`${escaped(claim.text)} ${numbers}${note}`.trim(), "");
  }
  if (claims.length === 0) lines.push(escaped(content), "");
  sources.forEach(({ document_title: title, page, quote }, index) => {
    const place = t("answer.place", { page });
    lines.push(`${index + 1}. **${escaped(title)}**, ${place}: “${escaped(quote)}”`);
  });
  return lines;
}

/** What Markdown would read as its own. Document text stays the text it is. */
function escaped(text) {
  return text.replace(/\s+/g, " ").trim().replace(/[\\`*_{}[\]<>#|]/g, "\\$&");
}

/** Gives the browser a file to save. */
export function save(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  // Not at once: some browsers begin to read it only afterwards.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A file name of a title. */
export function fileName(title, ending) {
  const plain = title.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60).replace(/^-+|-+$/g, "");
  return `${plain.toLowerCase() || "ids"}.${ending}`;
}
