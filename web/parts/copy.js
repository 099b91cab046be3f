// Copying: a button that says whether it worked, and selects the text where the clipboard is closed to us.
import { h, newId } from "../dom.js";
import { toast } from "./toast.js";

/** Put text on the clipboard and let the button say so; else select `source`, to be copied by hand. */
export async function copyText(text, button, source = null) {
  try {
    await navigator.clipboard.writeText(text);
    const before = button.dataset.before ?? button.textContent;
    button.dataset.before = before;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = before), 2000);
    toast("Copied to your clipboard");
  } catch {
    if (source) getSelection().selectAllChildren(source);
    toast(source ? "Selected: copy it with your keyboard" : "Your browser does not allow copying here");
  }
}

/** A block of code with its copy button; `label` says what it is. */
export function codeBlock(text, label) {
  const code = h("code", null, text);
  const id = newId();
  const button = h(
    "button",
    {
      class: "button quiet small-button",
      type: "button",
      "aria-describedby": id,
      onclick: () => copyText(text, button, code),
    },
    "Copy",
  );
  return h(
    "figure",
    { class: "code-block" },
    h("figcaption", null, h("span", { id }, label), button),
    h("pre", { class: "code", tabindex: "0", role: "region", "aria-label": label }, code),
  );
}

/** Rows of a word and a value that has to be typed somewhere else; what is longer than a word has a copy button. */
export function copyRows(rows) {
  const row = ([word, value]) => {
    const code = h("code", null, value);
    if (value.length <= 5) return h("div", null, h("dt", null, word), h("dd", null, code));
    const button = h(
      "button",
      {
        class: "button quiet small-button",
        type: "button",
        "aria-label": `Copy ${word.toLowerCase()} ${value}`,
        onclick: () => copyText(value, button, code),
      },
      "Copy",
    );
    return h("div", null, h("dt", null, word), h("dd", null, code, button));
  };
  return h("dl", { class: "copy-rows" }, rows.map(row));
}
