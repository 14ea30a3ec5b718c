// Addresses inside the page: `#/path?fields`. Each view has one, so that it can be sent to a colleague and survives reload.

/** {path: ["documents", id, "pages", "3"], fields: URLSearchParams} of a hash. */
export function parse(hash) {
  const [, path = "", query = ""] = /^#\/?([^?]*)\??(.*)$/s.exec(hash) ?? [];
  return { path: path.split("/").filter(Boolean).map(decoded), fields: new URLSearchParams(query) };
}

/** A hash from parts of a path and fields; empty fields are left out, lists are repeated. */
export function link(path, fields = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null && one !== "") query.append(name, one);
    }
  }
  const text = query.toString();
  return `#/${path.map((part) => encodeURIComponent(part)).join("/")}${text ? `?${text}` : ""}`;
}

/** To a page, and to a range of its text: {start, end, quote}, `quote` the fingerprint of what stood there. */
export function pageLink(documentId, page, range = {}) {
  const { start, end, quote } = range;
  return link(["documents", documentId, "pages", String(page ?? 1)], { start, end, quote });
}

/** Goes there: the view there is shown, Back comes back. */
export function go(hash) {
  location.hash = hash;
}

/** The address of what is shown has changed, and nothing else. */
export function rename(hash) {
  soon = null;
  if (location.hash !== hash) history.replaceState(history.state, "", hash);
}

/** Browsers refuse to have an address changed at every letter (Safari: 100 times in 30 seconds). */
const SOON_MS = 300;
let soon = null;
let timer = 0;

/** The same, once the typing rests. */
export function renameSoon(hash) {
  soon = { hash, at: location.hash };
  clearTimeout(timer);
  timer = setTimeout(settle, SOON_MS);
}

/** Gives what is shown its address now: it is about to be left. */
export function settle() {
  // Somewhere else already: that is another view's address.
  if (soon && soon.at === location.hash) rename(soon.hash);
  soon = null;
}

for (const type of ["click", "pagehide"]) window.addEventListener(type, settle, true);

/** Goes there instead of here: Back leads to where one was before. */
export function replace(hash) {
  history.replaceState(history.state, "", hash);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray percent sign: whatever it was, it is not found
  }
}
