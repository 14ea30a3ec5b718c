// Where the keyboard is, when what had the focus is replaced or gone.

/**
 * Lets `build` replace what is in `root`. Who was at an element there goes on at the new one with the same `data-focus`, else
 * at the first that has one.
 */
export function keepFocus(root, build) {
  const held = root.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  build();
  if (held === null || root.contains(document.activeElement)) return;
  const places = [...root.querySelectorAll("[data-focus]")];
  (places.find((it) => it.dataset.focus === held && !it.disabled) ?? places[0])?.focus({ preventScroll: true });
}

/** Who cannot see the view change hears its heading. */
export function focusHeading() {
  const heading = document.querySelector("#main h1");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** The same, when what had the focus is gone and nothing has it now: Tab would begin at the top of the page. */
export function rescueFocus() {
  if (document.activeElement === null || document.activeElement === document.body) focusHeading();
}
