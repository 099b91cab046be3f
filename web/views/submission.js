// One submission: everything that was sent, what is known of it, its way, and what can be done about it.
import { get, send } from "../api.js";
import { card, facts, h } from "../dom.js";
import { around, forgetOne, noteOpened } from "../inbox/around.js";
import { filterOf, pageQuery } from "../inbox/filter.js";
import { fileLink, full, mailto, nameOf, senderOf, text } from "../inbox/values.js";
import { problemOf, whyHeld } from "../inbox/words.js";
import { copyText } from "../parts/copy.js";
import { formDialog } from "../parts/dialog.js";
import { errorBox } from "../parts/errors.js";
import { busy } from "../parts/loading.js";
import { nameOf as siteName } from "../parts/state.js";
import { toast } from "../parts/toast.js";
import { timeline } from "../parts/trace.js";
import { moment, when } from "../words.js";
import { sitePage } from "./site_page.js";

export const submission = sitePage("Inbox", draw, { title: "Submission", read, rows: 5 });

const pathOf = (siteId, id) => `/submissions/${siteId}/${id}`;

async function read(page, siteId, signal) {
  const [, id] = page.parts;
  const filter = filterOf(page.query);
  // a list that cannot be had leaves the submission itself
  const beside = around(siteId, filter, id, signal).catch(() => ({ newer: null, older: null, columns: [] }));
  return { row: await get(pathOf(siteId, id), { signal }), beside: await beside, filter };
}

function draw(page, site, { row, beside, filter }) {
  noteOpened(row.id);
  const problem = h("div", { class: "problem" });
  const todo = actionsOf({ page, site, row, beside, filter, problem });
  if (!row.read_at && row.status === "accepted") todo.read(true, { silent: true });
  const heading = h("h2", { class: "sender", tabindex: "-1" }, h("bdi", null, nameOf(row)));
  return [
    path(site, beside, filter),
    h(
      "div",
      { class: "beside" },
      h(
        "section",
        { class: "card", "aria-label": "What was sent" },
        head(row, heading),
        held(row, todo),
        doubts(row),
        fields(site, row, beside.columns),
        problem,
        todo.element,
      ),
      h("div", { class: "stack" }, way(row), about(row)),
    ),
  ];
}

/** The way back, and to the ones before and after it. */
function path(site, { newer, older }, filter) {
  const base = `/dashboard/sites/${site.id}/inbox`;
  const query = pageQuery(filter);
  const step = (id, word) =>
    id
      ? h("a", { class: "button quiet small-button", href: `${base}/${id}${query}` }, word)
      : h("span", { class: "button quiet small-button", "aria-disabled": "true" }, word);
  const back = { spam: "Spam", test: "Tests" }[filter.status] ?? "Inbox";
  return h(
    "nav",
    { class: "steps-beside", "aria-label": "Beside it" },
    h("a", { class: "back", href: base + query }, `← ${back}`),
    h("span", { class: "pair-of-steps" }, step(newer, "Newer"), step(older, "Older")),
  );
}

function head(row, heading) {
  const word = { spam: "Spam", test: "Test" }[row.status];
  const form = row.form ? [" · form ", h("bdi", null, `“${row.form}”`)] : [];
  return h(
    "header",
    { class: "sent-head" },
    h(
      "div",
      { class: "row-title" },
      heading,
      word && h("span", { class: row.status === "spam" ? "badge bad" : "badge" }, word),
    ),
    h("p", { class: "muted small" }, when(row.created_at), ` · ${moment(row.created_at)}`, ...form),
  );
}

function held(row, todo) {
  if (row.status !== "spam") return null;
  const button = h(
    "button",
    { class: "button small-button", type: "button", id: "not-spam", onclick: () => busy(button, todo.rescue) },
    "Not spam",
  );
  return h(
    "div",
    { class: "note held" },
    h("p", null, h("strong", null, "Held as spam. "), whyHeld(row.spam_reason)),
    button,
  );
}

/** What does not fit the page's form, softly: nothing of it was refused. */
function doubts(row) {
  const unknown = row.unknown_fields ?? [];
  const problems = row.problems ?? [];
  if (unknown.length + problems.length === 0) return null;
  const lines = [
    ...problems.map(({ field, problem }) => [h("strong", null, h("bdi", null, field)), `: ${problemOf(problem)}`]),
    ...unknown.map((name) => [h("strong", null, h("bdi", null, name)), ": the form on your page has no such field"]),
  ];
  const shown = lines.map((line) => h("li", null, line));
  return h(
    "div",
    { class: "found" },
    h("p", null, "It is not quite what the form on your page asks for:"),
    h("ul", { class: "plain-list" }, shown),
  );
}

function fields(site, row, columns) {
  const known = new Map(columns.map((column) => [column.name, column]));
  const unknown = new Set(row.unknown_fields ?? []);
  const pairs = Object.entries(row.data).map(([name, value]) => {
    const column = known.get(name);
    const mark = unknown.has(name) && h("span", { class: "badge warn" }, "Not in the form");
    return h(
      "div",
      null,
      h("dt", null, h("bdi", null, column?.label || name), mark),
      h("dd", null, full(value, column)),
    );
  });
  const files = (row.files ?? []).map((file) =>
    h(
      "div",
      null,
      h("dt", null, h("bdi", null, known.get(file.field)?.label || file.field || "File")),
      h("dd", null, fileLink(file, site.id, row.id)),
    ),
  );
  if (pairs.length + files.length === 0) return h("p", { class: "muted" }, "Nothing was filled in.");
  return h("dl", { class: "sent" }, pairs, files);
}

function about(row) {
  const button = h(
    "button",
    { class: "link inline", type: "button", onclick: () => copyText(row.request_id, button) },
    "Copy",
  );
  return card(
    "About it",
    facts([
      ["Id", h("code", null, row.id)],
      row.version && ["Page’s version", `Version ${row.version}`],
      row.request_id && ["Request", h("span", null, h("code", null, row.request_id), " ", button)],
      row.read_at && ["First read", when(row.read_at)],
    ]),
  );
}

const way = (row) =>
  card("Its way", row.trace?.length ? timeline(row.trace) : h("p", { class: "muted" }, "Nothing is noted of it."));

function actionsOf({ page, site, row, beside, filter, problem }) {
  const base = `/dashboard/sites/${site.id}/inbox`;
  const tried = async (run) => {
    problem.replaceChildren();
    try {
      await run();
    } catch (error) {
      problem.replaceChildren(errorBox(error));
    }
  };
  const change = (changes) => send("PATCH", pathOf(site.id, row.id), changes);
  /** On to the next one of the list, or back to the list after the last. */
  const onward = () => {
    forgetOne(row.id);
    const next = beside.older ?? beside.newer;
    page.go((next ? `${base}/${next}` : base) + pageQuery(filter), { replace: true });
  };
  const read = (on, { silent = false } = {}) =>
    tried(async () => {
      await change({ read: on });
      if (!silent) page.go(base + pageQuery(filter));
    });
  const move = (status, said) => () =>
    tried(async () => {
      await change({ status });
      toast(said);
      onward();
    });
  const rescue = () =>
    tried(async () => {
      await change({ status: "accepted" });
      forgetOne(row.id);
      toast("Moved to the submissions");
      page.go(`${base}/${row.id}`, { replace: true });
    });
  const button = (text, run, { look = "quiet", id = null } = {}) => {
    const made = h(
      "button",
      { class: `button ${look} small-button`, type: "button", id, onclick: () => busy(made, run) },
      text,
    );
    return made;
  };
  const element = h(
    "p",
    { class: "actions" },
    replyLink(site, row, beside.columns),
    row.status === "accepted" && button("Mark as spam", move("spam", "Marked as spam"), { id: "mark-spam" }),
    row.status === "accepted" && button("Mark as unread", () => read(false)),
    button("Delete…", async () => remove({ site, row, onward }), { look: "danger", id: "delete-submission" }),
  );
  return { element, read, rescue };
}

function replyLink(site, row, columns) {
  const sender = senderOf(row, columns);
  if (!sender) return null;
  const sent = Object.entries(row.data).map(([name, value]) => `> ${name}: ${text(value)}`.replaceAll("\n", "\n> "));
  // programs refuse an address that is too long
  const body = `\n\n${sent.join("\n")}`.slice(0, 1200);
  const subject = `Re: ${siteName(site)}`;
  return h("a", { class: "button small-button", href: mailto(sender, { subject, body }) }, "Reply by mail");
}

function remove({ site, row, onward }) {
  formDialog({
    title: "Delete this submission?",
    fields: [h("p", null, "It is gone for good, with its files and what is known of its way.")],
    action: "Delete it",
    danger: true,
    async submit() {
      await send("DELETE", pathOf(site.id, row.id));
      toast("The submission is deleted");
      onward();
    },
  });
}
