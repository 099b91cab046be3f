// Fields with their labels: text, choice of one, choice of several, yes or no.
import { h, newId } from "../dom.js";

/** A line of text, or several (`tag` is "textarea"). Returns the field's element and its input. */
export function textField(label, attributes = {}, help = null, tag = "input") {
  const id = newId();
  const helpId = help && newId();
  const input = /** @type {HTMLInputElement} */ (h(tag, { id, "aria-describedby": helpId, ...attributes }));
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    input,
    help && h("p", { class: "help", id: helpId }, help),
  );
  return { element, input };
}

/** Yes or no, with what yes means. Returns the field's element and its input. */
export function switchField(label, on, help = null) {
  const input = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", checked: on }));
  const text = h("span", null, h("strong", null, label), help && h("span", { class: "help" }, help));
  return { element: h("div", { class: "field" }, h("label", { class: "choice" }, input, text)), input };
}

/** One of a short list that drops down: pairs of value and text. */
export function selectField(label, options, help = null) {
  const id = newId();
  const helpId = help && newId();
  const select = /** @type {HTMLSelectElement} */ (
    h(
      "select",
      { id, "aria-describedby": helpId },
      options.map(([value, text]) => h("option", { value }, text)),
    )
  );
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    select,
    help && h("p", { class: "help", id: helpId }, help),
  );
  return { element, select };
}

/** One or several of a few that are all seen: `[value, title, explanation]`; the first is chosen when it is one. */
export function choices(legend, kind, options, { name = newId() } = {}) {
  const inputs = [];
  const rows = options.map(([value, title, text], index) => {
    const input = /** @type {HTMLInputElement} */ (
      h("input", { type: kind, name, value, checked: kind === "radio" && index === 0 })
    );
    inputs.push(input);
    return h(
      "label",
      { class: kind === "checkbox" ? "choice brief" : "choice" },
      input,
      h("span", null, h("strong", null, title), text && h("span", { class: "help" }, text)),
    );
  });
  const element = h("fieldset", { class: "field" }, h("legend", null, legend), rows);
  const chosen = () => inputs.filter((input) => input.checked).map((input) => input.value);
  return { element, inputs, chosen };
}
