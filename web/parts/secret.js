// A key's plaintext, shown in the one answer that has it.
import { h, newId } from "../dom.js";
import { copyText } from "./copy.js";

/**
 * Show a new key in a dialog that closes only by "I have saved it".
 * @param {{element: HTMLElement, close: () => void, change: Function}} dialog
 * @param {{title: string, plaintext: string, text: string, done: () => void}} given
 */
export function showSecret(dialog, { title, plaintext, text, done }) {
  const code = h("code", { class: "secret", tabindex: "0", "aria-label": "The new key" }, plaintext);
  const copy = h("button", { class: "button", type: "button", onclick: () => copyText(plaintext, copy, code) }, "Copy");
  const id = newId();
  const warning = h("p", { id, class: "note", role: "status" }, "Copy it now. This is the only time it is shown.");
  const saved = h(
    "button",
    { class: "button quiet", type: "button", "aria-describedby": id, onclick: () => dialog.close() },
    "I have saved it",
  );
  const keep = (event) => {
    event.preventDefault();
    warning.textContent = "Save the key first: when this closes, it cannot be shown again.";
  };
  // Escape would lose the key. Browsers let a second one through, so the key's own event is stopped too
  dialog.element.addEventListener("cancel", keep);
  dialog.element.addEventListener("keydown", (event) => event.key === "Escape" && keep(event));
  dialog.element.addEventListener("close", done, { once: true });
  dialog.change(
    title,
    h("p", null, text),
    h("div", { class: "copy" }, code, copy),
    warning,
    h("div", { class: "dialog-actions" }, saved),
  );
  copy.focus();
}
