// Makes elements. Text enters as text: nothing here, or anywhere in the page, reads HTML.

import { SHAPES } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with its attributes and children. A property that is a function is a listener (`onclick`), `true` and
 * `false` are attributes without a value, `null` and `undefined` are left out; children that are not nodes become text.
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A picture beside a text, or alone in a button that has a label: nothing for screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/** A text of somebody's document: its direction is its own, and cannot turn what stands around it. */
export function foreign(text, name = "bdi", attributes = {}) {
  return h(name, { dir: "auto", ...attributes }, text);
}

export function button(label, onclick, { shape, className = "quiet", ...attributes } = {}) {
  return h("button", { type: "button", class: className, onclick, ...attributes }, shape && icon(shape), label);
}

/** A button that shows only a picture; its label is heard, and seen on hovering. */
export function iconButton(label, shape, onclick, attributes = {}) {
  return h(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...attributes },
    icon(shape),
  );
}

export function option(value, text, selected = false) {
  return h("option", { value, selected }, text);
}

/** A select with its label. */
export function choice(label, name, options, value, onchange) {
  const select = h("select", { name, onchange }, options.map(([key, text]) => option(key, text, key === value)));
  return h("label", { class: "field" }, h("span", {}, label), select);
}

/** A field as high as its text, in browsers whose style sheets cannot say so. */
export function grow(field) {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

/** Grey lines in the place of what is being fetched. */
export function skeleton(lines = 3, label = "") {
  const rows = Array.from({ length: lines }, () => h("div", { class: "skeleton-row" }, h("span"), h("span")));
  return h("div", { class: "skeleton", "aria-busy": "true", role: "status", "aria-label": label }, rows);
}

/** Says it to a screen reader, without showing it. The same words twice are said twice. */
export function announce(text) {
  const region = document.querySelector("#announcer");
  if (!region) return;
  region.replaceChildren(h("span", {}, text));
}
