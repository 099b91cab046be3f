// The inbox's table: a row for each submission, a column for each field, and which rows are chosen.
import { h } from "../dom.js";
import { count, when } from "../words.js";
import { brief, isNumeric, nameOf, text } from "./values.js";
import { shortReason } from "./words.js";

/** Fields with a column of their own; the others are told in one. */
const COLUMNS = 4;
/** Kinds of fields whose values are short or of one shape; the others share what is left. */
const WIDTHS = {
  number: "few",
  range: "few",
  checkbox: "few",
  date: "few",
  time: "few",
  email: "address",
  tel: "some",
  textarea: "long",
};

/**
 * Make the table's parts.
 * @param {{several: boolean, columns: any[], hrefOf: (id: string) => string, open: (id: string) => void,
 *   chosen: (ids: string[]) => void}} given `several`: of more than one form; `chosen` hears of every change of
 *   what is chosen
 */
export function inboxTable({ several, columns, hrefOf, open, chosen }) {
  const shown = columns.filter(({ type }) => type !== "file").slice(0, COLUMNS);
  const boxes = new Map();
  const body = h("tbody");
  const all = h("input", { type: "checkbox", "aria-label": "Choose all that are listed" });
  const ids = () => [...boxes].filter(([, box]) => box.checked).map(([id]) => id);
  const tell = () => {
    const now = ids();
    all.checked = now.length > 0 && now.length === boxes.size;
    all.indeterminate = now.length > 0 && !all.checked;
    for (const [id, box] of boxes) rowOf(id)?.classList.toggle("chosen", box.checked);
    chosen(now);
  };
  const rowOf = (id) => document.getElementById(`row-${id}`);
  const choose = (on) => {
    for (const box of boxes.values()) box.checked = on;
    tell();
  };
  all.addEventListener("change", () => choose(all.checked));

  const row = (submission) => {
    const box = h("input", { type: "checkbox", "aria-label": `Choose ${nameOf(submission)}`, onchange: tell });
    boxes.set(submission.id, box);
    return line({ submission, box, shown, several, href: hrefOf(submission.id), open });
  };
  const heads = ["Received", ...shown.map((column) => h("bdi", null, column.label || column.name)), "More"];
  const head = h(
    "tr",
    null,
    h("th", { scope: "col", class: "pick" }, h("label", { class: "target" }, all)),
    heads.map((name, at) => h("th", { scope: "col", class: isNumeric(shown[at - 1]) ? "number" : null }, name)),
  );
  const region = { class: "table inbox", tabindex: "0", role: "region", "aria-label": "Submissions, newest first" };
  return {
    body,
    row,
    element: h("div", region, h("table", null, widths(shown), h("thead", null, head), body)),
    size: () => boxes.size,
    clear: () => choose(false),
    /** Put one that has just come on top. */
    arrive(submission) {
      const fresh = row(submission);
      fresh.classList.add("fresh");
      body.prepend(fresh);
      tell();
    },
    remove(gone) {
      for (const id of gone) {
        rowOf(id)?.remove();
        boxes.delete(id);
      }
      tell();
    },
    mark: (which, read) => which.forEach((id) => setRead(rowOf(id), read)),
  };
}

/** How wide each column is: where there is a long text, the others leave it room. */
function widths(shown) {
  const roomy = shown.some(({ type }) => type === "textarea");
  const names = shown.map(({ type }) => WIDTHS[type] ?? (roomy ? "some" : null));
  return h(
    "colgroup",
    null,
    ["pick", "time", ...names, "more"].map((name) => h("col", { class: name })),
  );
}

function line({ submission, box, shown, several, href, open }) {
  const unread = !submission.read_at && submission.status === "accepted";
  const link = h(
    "a",
    { href, class: "row-link" },
    when(submission.created_at),
    h("span", { class: "unseen" }, `: ${nameOf(submission)}`),
  );
  const onclick = (event) => {
    // a link, a box and marked text mean themselves
    const own = /** @type {Element} */ (event.target).closest("a, input, label, button");
    if (!own && String(getSelection()) === "") open(submission.id);
  };
  const cells = shown.map((column) =>
    h(
      "td",
      { class: isNumeric(column) ? "number" : null, "data-name": column.label || column.name },
      brief(submission.data[column.name], column),
    ),
  );
  return h(
    "tr",
    { id: `row-${submission.id}`, class: unread ? "unread" : null, onclick },
    h("td", { class: "pick" }, h("label", { class: "target" }, box)),
    h(
      "td",
      { class: "fixed" },
      h("span", { class: "dot", "aria-hidden": "true" }),
      unread && h("span", { class: "unseen mark-unread" }, "Unread. "),
      link,
    ),
    cells,
    h("td", { class: "rest", "data-name": "More" }, rest(submission, shown, several)),
  );
}

/** What has no column: words about the submission, its files, and its other fields. */
function rest(submission, shown, several) {
  const named = new Set(shown.map(({ name }) => name));
  const others = Object.entries(submission.data).filter(([name, value]) => !named.has(name) && text(value).trim());
  const files = submission.files?.length ?? 0;
  const odd = (submission.problems?.length ?? 0) + (submission.unknown_fields?.length ?? 0);
  const badges = [
    submission.status === "spam" && h("span", { class: "badge" }, shortReason(submission.spam_reason)),
    several && submission.form && h("span", { class: "badge" }, h("bdi", null, submission.form)),
    files > 0 && h("span", { class: "badge" }, count(files, "file")),
    odd > 0 && h("span", { class: "badge warn" }, "Unlike the form"),
  ].filter(Boolean);
  const told = others.map(([name, value]) => `${name}: ${text(value)}`).join("; ");
  return [badges.length > 0 && h("span", { class: "badges" }, badges), told && brief(told, null)];
}

function setRead(row, read) {
  if (!row) return;
  row.classList.toggle("unread", !read);
  row.querySelector(".mark-unread")?.remove();
  if (!read) row.querySelector(".row-link").before(h("span", { class: "unseen mark-unread" }, "Unread. "));
}
