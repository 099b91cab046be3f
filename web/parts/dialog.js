// Dialogs: the browser's own, so that focus stays inside and comes back; errors are shown in them.
import { h, newId } from "../dom.js";
import { errorBox } from "./errors.js";
import { busy } from "./loading.js";

/**
 * Open a dialog and return it; it takes itself away when it is closed.
 * @param {string} title
 * @param {Node[]} content
 * @param {{wide?: boolean}} [options]
 */
export function openDialog(title, content, { wide = false } = {}) {
  const opener = /** @type {HTMLElement} */ (document.activeElement);
  const id = newId();
  const heading = h("h2", { id, tabindex: "-1" }, title);
  const body = h("div", { class: "dialog-body" }, content);
  const element = h(
    "dialog",
    { "aria-labelledby": id, class: wide ? "wide" : null },
    heading,
    body,
    h("div", { class: "toasts", role: "status" }),
  );
  document.body.append(element);
  element.addEventListener("close", () => {
    element.remove();
    // what was said in it is still to be read
    const said = element.querySelector(".toasts").children;
    if (said.length) document.getElementById("toasts").replaceChildren(...said);
    // after everybody else who hears of it: the page below may be drawn anew
    setTimeout(() => restoreFocus(opener));
  });
  const dialog = {
    element,
    /** Set to what tells, when somebody wants to leave, whether the dialog has to stay. */
    held: () => false,
    close: () => element.close(),
    /** Show something else in the same dialog, and say its title. */
    change(newTitle, ...children) {
      heading.textContent = newTitle;
      body.replaceChildren(...children);
      heading.focus();
    },
  };
  // browsers let a second Escape through, whatever its cancel event is told: so the key itself is stopped too
  const stay = (event) => dialog.held() && event.preventDefault();
  element.addEventListener("cancel", stay);
  element.addEventListener("keydown", (event) => event.key === "Escape" && stay(event));
  element.showModal();
  return dialog;
}

/** Give focus back to what opened a dialog; a list that is drawn anew has, or will have, one of the same id. */
function restoreFocus(opener) {
  const find = () => (opener?.isConnected ? opener : opener?.id && document.getElementById(opener.id));
  const heading = document.querySelector("#app h1");
  (find() || heading)?.focus();
  if (document.activeElement !== heading) return;
  addEventListener("invoker:drawn", () => document.activeElement === heading && find()?.focus?.(), { once: true });
}

/**
 * Open a dialog with a form; `submit` closes it by returning, or throws what the dialog shows.
 * @param {{title: string, fields: any[], action: string, danger?: boolean, wide?: boolean, submit: (dialog: any) => Promise<any>}} given
 */
export function formDialog({ title, fields, action, danger = false, wide = false, submit }) {
  const problem = h("div", { class: "problem" });
  const button = h("button", { class: danger ? "button danger-solid" : "button", type: "submit" }, action);
  const form = h(
    "form",
    { method: "dialog", class: "stack" },
    ...fields,
    problem,
    h(
      "div",
      { class: "dialog-actions" },
      h("button", { class: "button quiet", type: "button", onclick: () => dialog.held() || dialog.close() }, "Cancel"),
      button,
    ),
  );
  const dialog = openDialog(title, [form], { wide });
  // what is on its way may bring a key that nobody would see
  dialog.held = () => button.getAttribute("aria-busy") === "true";
  const run = async () => {
    problem.replaceChildren();
    try {
      if ((await submit(dialog)) !== dialog) dialog.close();
    } catch (error) {
      problem.replaceChildren(errorBox(error));
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(button, run);
  });
  return { dialog, form, button };
}

const plain = (text) => text.normalize("NFC").trim().replace(/\s+/g, " ");

/** Ask for a word to be typed before something is done that cannot be taken back. */
export function confirmTyped({ title, text, word, label, action, fields = [], submit }) {
  const id = newId();
  const input = h("input", { id, autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true });
  const { button } = formDialog({
    title,
    fields: [
      ...text.map((line) => h("p", null, line)),
      ...fields,
      h("div", { class: "field" }, h("label", { for: id }, label, " ", h("strong", { class: "word" }, word)), input),
    ],
    action,
    danger: true,
    submit,
  });
  const check = () => (button.disabled = plain(input.value) !== plain(word));
  input.addEventListener("input", check);
  check();
  input.focus();
}
