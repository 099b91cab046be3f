// A site's inbox: what visitors sent, what is held as spam, what was sent to try the form; live while it is looked at.
import { get } from "../api.js";
import { h } from "../dom.js";
import { noteOpened, opened, remember } from "../inbox/around.js";
import { arrivals } from "../inbox/arrivals.js";
import { bulkBar, removeAll } from "../inbox/bulk.js";
import { nothing } from "../inbox/empty.js";
import { apiQuery, filterOf, isNarrow, pageQuery } from "../inbox/filter.js";
import { inboxTable } from "../inbox/table.js";
import { statusTabs } from "../inbox/tabs.js";
import { exportMenu, toolbar } from "../inbox/toolbar.js";
import { load, pagedList } from "../parts/loading.js";
import { count } from "../words.js";
import { sitePage } from "./site_page.js";
import { tryForm } from "./try_form.js";

/** Rows at first and with each further page. */
const ROWS = 50;

/** Milliseconds between two looks at what is counted: the stream tells of one of the three lists alone. */
const RECOUNT = 30_000;

const readStats = (id, signal) => get(`/submissions/${id}/stats?days=1`, { signal });

export const inbox = sitePage("Inbox", draw, { read: (_, id, signal) => readStats(id, signal), rows: 6 });

function draw(page, site, stats) {
  const filter = filterOf(page.query);
  const path = (more) => `/submissions/${site.id}${apiQuery(filter, more)}`;
  const forms = stats.forms ?? [];
  const area = h("div", { class: "stack" });
  let list = null;
  let attempt = new AbortController();

  const recount = async () => tabs.count((await readStats(site.id, page.signal)).totals);
  const show = ({ keep = false } = {}) => {
    attempt.abort();
    attempt = new AbortController();
    list = null;
    const signal = AbortSignal.any([page.signal, attempt.signal]);
    const read = (until) => get(path({ limit: ROWS }), { signal: until });
    load(area, read, (listed) => drawn(listed, signal), { signal, rows: 6, keep });
  };
  const change = (changes, { push = false } = {}) => {
    Object.assign(filter, changes);
    const address = location.pathname + pageQuery(filter);
    if (push) history.pushState(null, "", address);
    else history.replaceState(history.state, "", address);
    tabs.refresh();
    tools.refresh();
    show({ keep: !push });
  };
  const test = () => tryForm(page, site);
  const clear = () => change({ q: "", form: null, from: "", to: "" });
  const tabs = statusTabs(filter, stats.totals, (status) => change({ status }, { push: true }));
  const tools = toolbar(filter, forms, change);
  const live = arrivals({
    site,
    filter,
    signal: page.signal,
    list: () => list,
    counted: tabs.counted,
    recount: () => recount().catch(() => null),
    latest: async () => (recount(), (await get(path({ limit: ROWS }), { signal: page.signal })).submissions),
    show: () => show({ keep: true }),
  });

  const drawn = (listed, signal) => {
    live.listed(listed.submissions);
    if (listed.submissions.length === 0) {
      return nothing(filter, { address: `${page.about.apiUrl}/submit/${site.id}`, clear, test });
    }
    const gone = (ids) => {
      list.remove(ids);
      recount().catch(() => null);
      if (list.size() === 0) show();
    };
    const made = listOf({ page, site, filter, forms, listed, signal, path, live, gone, recount });
    list = made.list;
    return [summary(site, filter, listed, show), live.waiting, ...made.elements];
  };
  show();
  const clock = setInterval(() => document.hidden || recount().catch(() => null), RECOUNT);
  page.signal.addEventListener("abort", () => clearInterval(clock));
  const actions = h("div", { class: "inbox-actions" }, live.state, testButton(test), exportMenu(site, filter));
  return [h("div", { class: "inbox-head" }, tabs.element, actions), tools.element, live.said, area];
}

const testButton = (test) =>
  h("button", { class: "button quiet small-button", type: "button", id: "try-form", onclick: test }, "Try the form");

/** The table with all that belongs to it. */
function listOf({ page, site, filter, forms, listed, signal, path, live, gone, recount }) {
  const known = { ids: [], columns: listed.columns ?? [], cursor: null };
  const noted = (part, anew) => {
    known.ids.push(...part.submissions.map((row) => row.id));
    known.cursor = part.next_cursor;
    remember(site.id, filter, known);
    if (!anew) live.listed(part.submissions, { anew });
    return part;
  };
  const bar = bulkBar({
    site,
    filter,
    gone,
    marked: (ids, read) => (list.mark(ids, read), recount().catch(() => null)),
    clear: () => list.clear(),
  });
  const hrefOf = (id) => `/dashboard/sites/${site.id}/inbox/${id}${pageQuery(filter)}`;
  const list = inboxTable({
    several: forms.length > 1 && filter.form === null,
    columns: known.columns,
    hrefOf,
    open: (id) => page.go(hrefOf(id)),
    chosen: bar.chose,
  });
  const [, more] = pagedList(list.body, noted(listed, true), {
    rowsOf: (part) => part.submissions,
    row: list.row,
    more: async (cursor) => noted(await get(path({ limit: ROWS, cursor }), { signal }), false),
    signal,
    label: "Older submissions",
  });
  backTo();
  return { list, elements: [bar.element, list.element, more] };
}

/** Give the focus back to the row that was opened, when its page has been left. */
function backTo() {
  const id = opened;
  noteOpened(null);
  const find = () => document.querySelector(`#row-${id} .row-link`);
  const heading = document.querySelector("#app h1");
  if (id) setTimeout(() => document.activeElement === heading && find()?.focus());
}

/** How many there are, where the tabs do not say it, and what can be done to all of them. */
function summary(site, filter, listed, show) {
  const all = filter.status !== "accepted" && !isNarrow(filter);
  const text = {
    spam: "Held for 30 days, then deleted. Nobody was mailed about these.",
    test: "Sent to try the form. They are not counted.",
  }[filter.status];
  const number = `${count(listed.total, "submission")}${listed.total_is_exact === false ? " and more" : ""} found.`;
  const remove = () => removeAll({ site, status: filter.status, done: show });
  const word = filter.status === "spam" ? "Delete all spam" : "Delete all tests";
  return h(
    "div",
    { class: "summary" },
    h("p", { class: "muted small", role: "status" }, isNarrow(filter) ? number : text),
    all && h("button", { class: "link inline red", type: "button", id: "delete-all", onclick: remove }, word),
  );
}
