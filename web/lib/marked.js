// Marks words in a text.

/**
 * The text as nodes, each of `ranges` ({start, end}, in order) inside a `<mark>`.
 * The server counts Unicode scalar values, JavaScript UTF-16 units: an emoji is one there and two here.
 */
export function marked(text, ranges) {
  const units = unitOffsets(text);
  const at = (scalar) => units[Math.min(scalar, units.length - 1)];
  const nodes = [];
  let done = 0;
  for (const range of ranges) {
    const start = Math.max(at(range.start), done);
    const end = at(range.end);
    if (end <= start) continue;
    if (start > done) nodes.push(document.createTextNode(text.slice(done, start)));
    const mark = document.createElement("mark");
    mark.textContent = text.slice(start, end);
    nodes.push(mark);
    done = end;
  }
  if (done < text.length) nodes.push(document.createTextNode(text.slice(done)));
  return nodes;
}

/** Where each scalar value begins in UTF-16 units, and at last the text's end. */
function unitOffsets(text) {
  const offsets = [];
  let unit = 0;
  for (const scalar of text) {
    offsets.push(unit);
    unit += scalar.length;
  }
  offsets.push(unit);
  return offsets;
}
