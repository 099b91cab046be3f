// The latest of what visitors sent, on the site's overview; all of it is in the inbox.
import { get } from "../api.js";
import { card, h } from "../dom.js";
import { brief, isNumeric, nameOf } from "../inbox/values.js";
import { load } from "../parts/loading.js";
import { count, when } from "../words.js";

/** Rows, and columns beside the time. */
const ROWS = 5;
const COLUMNS = 4;

export function submissions(page, site) {
  const area = h("div", { class: "stack" });
  const read = (signal) => get(`/submissions/${site.id}?limit=${ROWS}`, { signal });
  load(area, read, (listed) => (listed.total > 0 ? table(site, listed) : none(site)), { ...page, rows: 2 });
  return card("Latest submissions", area);
}

const none = (site) => [
  h(
    "p",
    { class: "muted" },
    "Nothing has been sent yet. Point a form’s action at ",
    h("code", null, "{{SUBMIT_URL}}"),
    " and it works by itself.",
  ),
  h("p", null, h("a", { href: `/dashboard/sites/${site.id}/inbox` }, "Open the inbox")),
];

function table(site, listed) {
  const columns = listed.columns.filter(({ type }) => type !== "file").slice(0, COLUMNS);
  const base = `/dashboard/sites/${site.id}/inbox`;
  const head = ["Received", ...columns.map((column) => h("bdi", null, column.label || column.name))].map((name, at) =>
    h("th", { scope: "col", class: isNumeric(columns[at - 1]) ? "number" : null }, name),
  );
  const rows = listed.submissions.map((row) => line(row, columns, `${base}/${row.id}`));
  const region = { class: "table", tabindex: "0", role: "region", "aria-label": "The latest, newest first" };
  const all = listed.total > ROWS ? `All ${count(listed.total, "submission")}` : "Open the inbox";
  return [
    h("div", region, h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, rows))),
    h("p", null, h("a", { href: base }, all)),
  ];
}

function line(row, columns, href) {
  const link = h("a", { href }, when(row.created_at), h("span", { class: "unseen" }, `: ${nameOf(row)}`));
  return h(
    "tr",
    { class: row.read_at ? null : "unread" },
    h("td", { class: "fixed" }, !row.read_at && h("span", { class: "unseen" }, "Unread. "), link),
    columns.map((column) =>
      h("td", { class: isNumeric(column) ? "number" : null }, brief(row.data[column.name], column)),
    ),
  );
}
