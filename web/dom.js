// Elements. Text is only ever set as text, so nothing that somebody typed can become markup.

/**
 * Make an element: `h("a", {href: "/"}, "Home")`. A property that is null or false is left out, a function is
 * listened with (`onclick`), anything else is an attribute. Children that are null or false are left out too.
 * @param {string} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...any} children
 * @returns {HTMLElement}
 */
export const h = (tag, properties, ...children) => filled(document.createElement(tag), properties, children);

const SVG = "http://www.w3.org/2000/svg";

/** Make an element of a drawing, by the same rules. */
export const svg = (tag, properties, ...children) => filled(document.createElementNS(SVG, tag), properties, children);

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

let last = 0;

/** Return an id that no element has yet, to tie a label or a heading to something. */
export const newId = () => `w${++last}`;

/** A card with its heading, named by it. */
export function card(title, ...children) {
  const id = newId();
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

/** The facts of something: pairs of a word and a value; a pair that is null is left out. */
export function facts(pairs) {
  const rows = pairs.filter(Boolean).map(([word, value]) => h("div", null, h("dt", null, word), h("dd", null, value)));
  return h("dl", { class: "facts" }, rows);
}

/** The head of a page: its one first heading, what it is about, and what can be done. */
export function pageHead(text, { lead = null, action = null, back = null } = {}) {
  const link = back && h("a", { class: "back", href: back.href }, `← ${back.text}`);
  const title = h(
    "div",
    { class: "page-title" },
    link,
    h("h1", { tabindex: "-1" }, text),
    lead && h("p", { class: "muted" }, lead),
  );
  return h("header", { class: "page-head" }, title, action);
}

/** Put a page's real head in the place of the first one; whoever reads the heading goes on reading it. */
export function replaceHead(old, fresh) {
  const reading = old.contains(document.activeElement);
  old.replaceWith(fresh);
  if (reading) fresh.querySelector("h1").focus({ preventScroll: true });
}
