// An inbox without a row: why, and what to do about it.
import { h } from "../dom.js";
import { codeBlock } from "../parts/copy.js";
import { emptyState } from "../parts/loading.js";
import { isNarrow } from "./filter.js";

/**
 * @param {any} filter
 * @param {{address: string, clear: () => void, test: () => void}} todo
 */
export function nothing(filter, { address, clear, test }) {
  if (isNarrow(filter)) {
    return emptyState("Nothing found", "No submission fits what you are looking for.", button("Show all", clear));
  }
  if (filter.status === "spam") {
    return emptyState(
      "No spam",
      "What looks like spam is held here for 30 days: nobody is mailed about it, and you can take back what is none.",
    );
  }
  if (filter.status === "test") {
    return emptyState(
      "No tests yet",
      "A test goes the whole way of a submission. It is never counted, and mailed to nobody but you.",
      button("Try the form", test),
    );
  }
  return first(address, test);
}

function first(address, test) {
  const form = `<form action="${address}" method="post">\n  <input name="email" type="email" required>\n  <textarea name="message"></textarea>\n  <button>Send</button>\n</form>`;
  const text = [
    "Write ",
    h("code", null, "{{SUBMIT_URL}}"),
    " as the action of a form when you deploy the page, and it becomes this site’s address for forms. What visitors send then appears here by itself.",
  ];
  return h(
    "div",
    { class: "empty" },
    h("h2", null, "Nothing has been sent yet"),
    h("p", { class: "muted" }, text),
    h("p", { class: "actions" }, button("Try the form", test)),
    h("details", null, h("summary", null, "A form that works on any page"), codeBlock(form, "A form for this site")),
  );
}

const button = (text, onclick) => h("button", { class: "button quiet", type: "button", onclick }, text);
