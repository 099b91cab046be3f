// A secret in plain, a key's or a webhook's, shown in the one answer that has it.
import { h, newId } from "../dom.js";
import { copyText } from "./copy.js";

const LOSS = "Save the key first: when this closes, it cannot be shown again.";

/**
 * Show it in a dialog that closes only by "I have saved it".
 * @param {ReturnType<typeof import("./dialog.js").openDialog>} dialog
 * @param {{title: string, plaintext: string, text: string, done: () => void, label?: string, loss?: string, more?: any}} given
 */
export function showSecret(dialog, { title, plaintext, text, done, label = "The new key", loss = LOSS, more = null }) {
  const code = h("code", { class: "secret", tabindex: "0", "aria-label": label }, plaintext);
  const copy = h("button", { class: "button", type: "button", onclick: () => copyText(plaintext, copy, code) }, "Copy");
  const id = newId();
  const warning = h("p", { id, class: "note", role: "status" }, "Copy it now. This is the only time it is shown.");
  const saved = h(
    "button",
    { class: "button quiet", type: "button", "aria-describedby": id, onclick: () => dialog.close() },
    "I have saved it",
  );
  dialog.held = () => {
    warning.textContent = loss;
    return true;
  };
  dialog.element.addEventListener("close", done, { once: true });
  dialog.change(
    title,
    h("p", null, text),
    h("div", { class: "copy" }, code, copy),
    warning,
    more ?? "",
    h("div", { class: "dialog-actions" }, saved),
  );
  copy.focus();
}
