// Cuts a passage to the part that shows why it was found.

/** About three lines at the width of the results. */
const LENGTH = 300;
/** What is shown before the first match, so that it can be understood. */
const LEAD = 60;

/**
 * The part of `text` with the most matches: {text, ranges}, ranges within that part. All ranges count Unicode scalar
 * values. Where a part was left out stands an ellipsis.
 */
export function snippet(text, ranges, length = LENGTH) {
  const scalars = Array.from(text);
  if (scalars.length <= length * 1.2) return { text, ranges };
  const start = wordStart(scalars, Math.max(0, bestStart(ranges, length) - LEAD));
  const end = wordEnd(scalars, Math.min(scalars.length, start + length));
  const before = start > 0 ? "… " : "";
  const after = end < scalars.length ? " …" : "";
  const inside = ranges
    .filter((range) => range.start < end && range.end > start)
    .map((range) => ({
      start: Math.max(range.start, start) - start + before.length,
      end: Math.min(range.end, end) - start + before.length,
    }));
  return { text: before + scalars.slice(start, end).join("") + after, ranges: inside };
}

/** Where the window that holds the most matches begins. */
function bestStart(ranges, length) {
  let best = 0;
  let most = 0;
  for (const first of ranges) {
    const inside = ranges.filter((range) => range.start >= first.start && range.end <= first.start + length - LEAD);
    if (inside.length > most) {
      most = inside.length;
      best = first.start;
    }
  }
  return best;
}

const isSpace = (scalar) => /\s/.test(scalar);

/** Back to a word's beginning, but not through a word without end. */
function wordStart(scalars, at) {
  for (let back = 0; back < 30 && at - back > 0; back++) {
    if (isSpace(scalars[at - back - 1])) return at - back;
  }
  return at;
}

function wordEnd(scalars, at) {
  if (at >= scalars.length) return scalars.length;
  for (let back = 0; back < 30; back++) {
    if (isSpace(scalars[at - back])) return at - back;
  }
  return at;
}
