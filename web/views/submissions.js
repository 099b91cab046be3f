// What visitors sent through a site's forms: the latest, one row each, a column for each field.
import { get } from "../api.js";
import { card, h } from "../dom.js";
import { load, pagedList } from "../parts/loading.js";
import { count, when } from "../words.js";

/** Rows at first and with each further page. */
const ROWS = 20;
/** Columns before the rest is told in one. */
const COLUMNS = 6;

export function submissions(page, site) {
  const area = h("div", { class: "stack" });
  const read = (signal) => get(`/submissions/${site.id}?limit=${ROWS}`, { signal });
  load(area, read, (listed) => (listed.total > 0 ? table(page, site, listed) : none()), { ...page, rows: 2 });
  return card("Submissions", area);
}

const none = () =>
  h(
    "p",
    { class: "muted" },
    "Nothing has been sent yet. Point a form’s action at ",
    h("code", null, "{{SUBMIT_URL}}"),
    " and it works by itself.",
  );

function table(page, site, listed) {
  const names = [...new Set(listed.submissions.flatMap((row) => Object.keys(row.data)))];
  const columns = names.slice(0, COLUMNS);
  // later pages may bring fields that these rows do not have
  const rest = names.length > COLUMNS || listed.next_cursor !== null;
  const body = h("tbody");
  const [rows, more] = pagedList(body, listed, {
    rowsOf: (part) => part.submissions,
    row: (submission) => line(submission, columns, rest),
    more: (cursor, signal) =>
      get(`/submissions/${site.id}?limit=${ROWS}&cursor=${encodeURIComponent(cursor)}`, { signal }),
    signal: page.signal,
    label: "Older submissions",
  });
  const head = h(
    "thead",
    null,
    h(
      "tr",
      null,
      ["Received", ...columns, ...(rest ? ["Other fields"] : [])].map((name) => h("th", { scope: "col" }, name)),
    ),
  );
  const region = { class: "table", tabindex: "0", role: "region", "aria-label": "Submissions, newest first" };
  return [
    h("p", { class: "muted small" }, count(listed.total, "submission"), ", newest first."),
    h("div", region, h("table", null, head, rows)),
    more,
  ];
}

function line(submission, columns, withRest) {
  const rest = Object.entries(submission.data).filter(([name]) => !columns.includes(name));
  const others = rest.map(([name, value]) => `${name}: ${text(value)}`).join("; ");
  return h(
    "tr",
    null,
    h("td", { class: "fixed" }, when(submission.created_at)),
    columns.map((name) => h("td", null, text(submission.data[name]))),
    withRest && h("td", null, others),
  );
}

function text(value) {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
