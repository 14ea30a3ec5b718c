// A short fingerprint of a text (FNV-1a of its UTF-8, 32 bits): an address carries it instead of the quote, to notice when other
// words stand in the quote's place. It proves nothing against malice; `crypto.subtle` would, but only on secure origins.

export function fingerprint(text) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
