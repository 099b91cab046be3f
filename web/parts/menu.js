// A button with a few ways under it. It closes by a click elsewhere, by Escape, and when the focus leaves it.
import { h } from "../dom.js";

/** Make it of its word and its links or buttons; `opened` is called before they are used. */
export function menu(word, items, { opened = () => {} } = {}) {
  const summary = h("summary", { class: "button quiet small-button" }, word);
  const list = h(
    "ul",
    { class: "menu-list" },
    items.map((item) => h("li", null, item)),
  );
  const element = /** @type {HTMLDetailsElement} */ (h("details", { class: "menu" }, summary, list));
  const close = () => (element.open = false);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    event.stopPropagation();
    close();
    summary.focus();
  });
  element.addEventListener("focusout", (event) => {
    const next = /** @type {Node | null} */ (event.relatedTarget);
    if (next && !element.contains(next)) close();
  });
  list.addEventListener("click", close);
  const away = (event) => element.contains(event.target) || close();
  element.addEventListener("toggle", () => {
    if (element.open) opened();
    if (element.open) document.addEventListener("click", away);
    else document.removeEventListener("click", away);
  });
  return element;
}
