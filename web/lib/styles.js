// Style sheets of views that are not the first one.

const loaded = new Map();

/** Resolves when the sheet of that name is in force, so that nothing is shown without it. */
export function loadStyles(name) {
  if (!loaded.has(name)) {
    loaded.set(name, new Promise((resolve) => {
      const sheet = document.createElement("link");
      sheet.rel = "stylesheet";
      sheet.href = new URL(`../styles/${name}.css`, import.meta.url);
      // A view without its sheet is still better than none.
      sheet.onload = sheet.onerror = resolve;
      document.head.append(sheet);
    }));
  }
  return loaded.get(name);
}
