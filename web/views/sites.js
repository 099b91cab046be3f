// Sites: what is live, how large, and what came in; and what was deleted, while it can be brought back.
import { get } from "../api.js";
import { h, pageHead } from "../dom.js";
import { emptyState, load, pagedList } from "../parts/loading.js";
import { badges, nameOf, outside } from "../parts/state.js";
import { bytes, count, when } from "../words.js";
import { deletedRow } from "./restore.js";

export const sites = { title: "Sites", show };

/** Sites on one page. */
const ROWS = 50;

function show(page) {
  const deleted = page.query.get("status") === "deleted";
  const area = h("div", { class: "stack" });
  const lead = deleted
    ? "What was deleted is kept for seven days, and its name for its owner."
    : "Every page that you, your programs or your assistant put live.";
  page.root.append(pageHead("Sites", { lead }), filter(deleted), area);
  const path = `/deploy?limit=${ROWS}${deleted ? "&status=deleted" : ""}`;
  const draw = (listed) => {
    if (listed.deployments.length === 0) return deleted ? nothingDeleted() : nothing();
    return rows(page, listed, path, deleted);
  };
  load(area, (signal) => get(path, { signal }), draw, page);
}

const filter = (deleted) =>
  h(
    "nav",
    { class: "filter", "aria-label": "Which sites" },
    h("a", { href: "/dashboard/sites", "aria-current": deleted ? null : "true" }, "Active"),
    h("a", { href: "/dashboard/sites?status=deleted", "aria-current": deleted ? "true" : null }, "Deleted"),
  );

function rows(page, listed, path, deleted) {
  const list = h("ul", { class: deleted ? "rows acted" : "rows", "aria-label": deleted ? "Deleted sites" : "Sites" });
  return pagedList(list, listed, {
    rowsOf: (part) => part.deployments,
    row: deleted ? (site) => deletedRow(page, site) : row,
    more: (cursor, signal) => get(`${path}&cursor=${encodeURIComponent(cursor)}`, { signal }),
    signal: page.signal,
    label: "Older sites",
  });
}

function nothing() {
  const connect = h("a", { class: "button", href: "/dashboard/connect" }, "Connect a program");
  return emptyState(
    "No site yet",
    "A site appears here as soon as your assistant or a call of yours has put it live.",
    connect,
  );
}

const nothingDeleted = () =>
  emptyState("Nothing to bring back", "A site that is deleted stays here for seven days, and can be restored.");

function row(site) {
  const fact = (word, value) => h("div", null, h("dt", null, word), h("dd", null, value));
  const address =
    site.status === "active"
      ? h("a", { href: site.url, target: "_blank", rel: "noopener" }, outside(site.url))
      : h("span", { class: "muted" }, outside(site.url));
  return h(
    "li",
    { class: "row" },
    h(
      "div",
      { class: "row-main" },
      h(
        "div",
        { class: "row-title" },
        h("h2", { class: "row-name" }, h("a", { href: `/dashboard/sites/${site.id}` }, nameOf(site))),
        badges(site),
      ),
      h("p", { class: "row-sub" }, address),
    ),
    h(
      "dl",
      { class: "row-facts" },
      fact("Last change", when(site.updated_at)),
      fact("Submissions", site.submission_count.toLocaleString("en")),
      fact("Size", site.version === null ? "Nothing live" : `${bytes(site.size)}, ${count(site.files, "file")}`),
    ),
  );
}
