// What narrows the inbox: words, a form, days; and the way to take away what is listed as a file.
import { h, newId } from "../dom.js";
import { menu } from "../parts/menu.js";
import { apiQuery } from "./filter.js";

/** Milliseconds after the last key before the words are searched for. */
const QUIET = 300;

const FORMATS = [
  ["csv", "CSV", "For spreadsheets"],
  ["json", "JSON", "One list of all"],
  ["ndjson", "NDJSON", "One a line, for programs"],
];

/**
 * Make the search's fields. `changed` is called with what they say now.
 * @param {any} filter
 * @param {string[]} forms names of the site's forms
 * @param {(changes: any) => void} changed
 */
export function toolbar(filter, forms, changed) {
  const search = labelled(
    "Search",
    h("input", {
      type: "search",
      value: filter.q,
      maxlength: "200",
      placeholder: "Search what was sent",
      autocomplete: "off",
    }),
    "search",
  );
  let timer = 0;
  const searched = () => {
    clearTimeout(timer);
    if (search.input.value.trim() !== filter.q.trim()) changed({ q: search.input.value.trim() });
  };
  search.input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(searched, QUIET);
  });
  const day = (name, word) => {
    const field = labelled(
      word,
      h("input", { type: "date", value: filter[name], onchange: () => changed({ [name]: field.input.value }) }),
    );
    return field;
  };
  const [from, to] = [day("from", "From"), day("to", "To")];
  const form = forms.length > 1 || filter.form !== null ? formField(filter, forms, changed) : null;
  const element = h(
    "form",
    { class: "toolbar", role: "search", "aria-label": "Submissions" },
    search.element,
    form?.element,
    from.element,
    to.element,
  );
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    searched();
  });
  return {
    element,
    /** Show what the filter has become by itself. */
    refresh() {
      search.input.value = filter.q;
      from.input.value = filter.from;
      to.input.value = filter.to;
      if (form) form.input.value = formValue(filter.form);
    },
  };
}

const formValue = (name) => (name === null ? "all" : `=${name}`);

function formField(filter, forms, changed) {
  const names = [...new Set(filter.form === null ? forms : [...forms, filter.form])];
  const options = [["all", "All forms"], ...names.map((name) => [formValue(name), name || "Without a name"])];
  const select = h(
    "select",
    null,
    options.map(([value, name]) => h("option", { value }, name)),
  );
  select.value = formValue(filter.form);
  select.addEventListener("change", () => changed({ form: select.value === "all" ? null : select.value.slice(1) }));
  return labelled("Form", select, "form");
}

function labelled(word, input, look = "") {
  const id = newId();
  input.id = id;
  return { input, element: h("div", { class: `tool ${look}` }, h("label", { for: id }, word), input) };
}

/** The menu with a file of all that is listed, whatever the page has loaded of it. */
export function exportMenu(site, filter) {
  const links = FORMATS.map(([format, name, what]) =>
    h(
      "a",
      { href: "", download: `${site.slug}-submissions.${format}`, "data-format": format },
      h("strong", null, name),
      h("span", { class: "aside" }, what),
    ),
  );
  // what is filtered changes while the menu is closed
  const refresh = () =>
    links.forEach((link) =>
      link.setAttribute(
        "href",
        `/api/submissions/${site.id}/export${apiQuery(filter, { format: link.dataset.format })}`,
      ),
    );
  refresh();
  return menu("Export", links, { opened: refresh });
}
