// The files in what was dropped or chosen, folders with all that is in them.

/** What systems leave in folders, and what programs keep while a file is open. */
const LEFTOVERS = /^(\.|~\$|Thumbs\.db$|desktop\.ini$)/i;

export function isLeftover(name) {
  return LEFTOVERS.test(name);
}

/** All files beneath `entries`. Folders that cannot be read are passed over. */
export async function filesIn(entries) {
  const files = [];
  for (const entry of entries) {
    if (isLeftover(entry.name)) continue;
    if (entry.isFile) files.push(await asFile(entry));
    else if (entry.isDirectory) files.push(...(await filesIn(await children(entry))));
  }
  return files.filter(Boolean);
}

function asFile(entry) {
  return new Promise((resolve) => entry.file(resolve, () => resolve(null)));
}

/** A folder gives its entries in portions, at last an empty one. */
async function children(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const portion = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (portion.length === 0) return all;
    all.push(...portion);
  }
}
