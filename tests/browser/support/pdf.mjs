// Small PDFs made by code: text in Helvetica, with headings, so that a test says itself what stands on which page.

const PAGE = { width: 595, height: 842, margin: 64 };
const STYLES = {
  title: { font: "F2", size: 16, before: 0, after: 14 },
  heading: { font: "F2", size: 12, before: 12, after: 6 },
  text: { font: "F1", size: 10.5, before: 0, after: 8 },
};
/** Helvetica's mean width of a letter in its own size; near enough to break lines. */
const LETTER = 0.5;
const LEADING = 1.4;

/**
 * A PDF of `pages`, each a list of paragraphs: a text, or {title}, {heading}. Characters outside Windows-1252 become
 * question marks. `info.title` is the file's own title.
 */
export function pdf(pages, { title } = {}) {
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Kids [${pages.map((_, index) => `${6 + 2 * index} 0 R`).join(" ")}] /Count ${pages.length} >>`,
    font("Helvetica"),
    font("Helvetica-Bold"),
    title ? `<< /Title <${utf16(title)}> >>` : "<< >>",
  ];
  pages.forEach((paragraphs, index) => {
    const content = lay(paragraphs);
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${PAGE.width} ${PAGE.height}] ` +
        `/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents ${7 + 2 * index} 0 R >>`,
      `<< /Length ${latin(content).length} >>\nstream\n${content}\nendstream`,
    );
  });
  return assemble(objects);
}

function font(name) {
  return `<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`;
}

function lay(paragraphs) {
  const parts = ["BT"];
  let y = PAGE.height - PAGE.margin;
  for (const paragraph of paragraphs) {
    const [kind, text] = typeof paragraph === "string" ? ["text", paragraph] : Object.entries(paragraph)[0];
    const { font: name, size, before, after } = STYLES[kind];
    y -= before;
    for (const line of broken(text, (PAGE.width - 2 * PAGE.margin) / (size * LETTER))) {
      y -= size * LEADING;
      parts.push(`/${name} ${size} Tf 1 0 0 1 ${PAGE.margin} ${y.toFixed(1)} Tm (${escaped(line)}) Tj`);
    }
    y -= after;
  }
  parts.push("ET");
  return parts.join("\n");
}

function broken(text, length) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== "" && last.length + word.length + 1 > length) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

function escaped(text) {
  return text.replace(/[\\()]/g, "\\$&");
}

/** A text outside pages, as the format wants it: UTF-16 with its mark, in hexadecimal digits. */
function utf16(text) {
  return Buffer.from(`\ufeff${text}`, "utf16le").swap16().toString("hex");
}

/** Windows-1252 where it differs from Latin 1, as far as our texts need it. */
const EXTRA = { "“": 0x93, "”": 0x94, "‘": 0x91, "’": 0x92, "–": 0x96, "—": 0x97, "…": 0x85, "•": 0x95, "€": 0x80 };

function latin(text) {
  return Buffer.from(Array.from(text, (letter) => EXTRA[letter] ?? (letter.codePointAt(0) < 256 ? letter.codePointAt(0) : 63)));
}

function assemble(objects) {
  const parts = [Buffer.from("%PDF-1.4\n")];
  let at = parts[0].length;
  const offsets = objects.map((object, index) => {
    const bytes = latin(`${index + 1} 0 obj\n${object}\nendobj\n`);
    const offset = at;
    parts.push(bytes);
    at += bytes.length;
    return offset;
  });
  const rows = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  parts.push(Buffer.from(
    `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}` +
      `trailer << /Size ${objects.length + 1} /Root 1 0 R /Info 5 0 R >>\nstartxref\n${at}\n%%EOF\n`,
  ));
  return Buffer.concat(parts);
}
