// A card with fields of which only those that were changed are saved; what is wrong is said at the field.
import { ApiError } from "../api.js";
import { card, h, newId } from "../dom.js";
import { errorBox } from "./errors.js";
import { busy } from "./loading.js";
import { toast } from "./toast.js";

/**
 * @typedef {object} Field
 * @property {string} name what the API calls it
 * @property {HTMLElement} element
 * @property {HTMLElement} control what gets the focus when the field is wrong
 * @property {() => any} read the value as the API has it
 */

/**
 * Make the card.
 * @param {{title: string, fields: Field[], save: (changes: Record<string, any>) => Promise<any>}} given
 */
export function settingsCard({ title, fields, save }) {
  const before = new Map();
  const note = () => fields.forEach((field) => before.set(field.name, JSON.stringify(field.read())));
  const changed = () => fields.filter((field) => JSON.stringify(field.read()) !== before.get(field.name));
  const problem = h("div", { class: "problem" });
  const button = h("button", { class: "button", type: "submit" }, "Save");
  // it keeps the focus after it was pressed, so it is never disabled for good
  const refresh = () => button.setAttribute("aria-disabled", String(changed().length === 0));
  const run = async () => {
    problem.replaceChildren();
    fields.forEach(unmark);
    const given = changed();
    if (given.length === 0) return;
    try {
      await save(Object.fromEntries(given.map((field) => [field.name, field.read()])));
      note();
      refresh();
      toast("Saved");
    } catch (error) {
      if (!mark(fields, error)) problem.replaceChildren(errorBox(error));
    }
  };
  const form = h(
    "form",
    { class: "stack", autocomplete: "off", oninput: refresh, onchange: refresh },
    fields.map((field) => field.element),
    problem,
    h("p", { class: "actions" }, button),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(button, run);
  });
  note();
  refresh();
  return card(title, form);
}

/** Say at a field what the API found wrong with it: "name: what", or "name.3: what" of a list. */
function mark(fields, error) {
  if (!(error instanceof ApiError) || error.status !== 422) return false;
  const found = /^(\w+)(?:\.(\d+))?: (?:Value error, )?(.+)$/s.exec(error.message);
  const field = fields.find(({ name }) => name === found?.[1]);
  if (!field) return false;
  const id = newId();
  const which = found[2] ? `Line ${Number(found[2]) + 1} ` : "This ";
  field.control.setAttribute("aria-invalid", "true");
  field.control.dataset.described = field.control.getAttribute("aria-describedby") ?? "";
  field.control.setAttribute("aria-describedby", `${id} ${field.control.dataset.described}`.trim());
  field.element.append(h("p", { id, class: "wrong", role: "alert" }, `${which}${found[3].replace(/[.]$/, "")}.`));
  field.control.focus();
  return true;
}

function unmark({ element, control }) {
  element.querySelector(".wrong")?.remove();
  control.removeAttribute("aria-invalid");
  if (control.dataset.described) control.setAttribute("aria-describedby", control.dataset.described);
}
