// Sites: what is live, how large, and what came in.
import { get } from "../api.js";
import { h, pageHead } from "../dom.js";
import { emptyState, load, pagedList } from "../parts/loading.js";
import { bytes, count, when } from "../words.js";

export const sites = { title: "Sites", show };

/** What the API calls a site's state, in words. */
const STATES = { active: "Live" };
export const stateWord = (status) => STATES[status] ?? status;

export const outside = (url) => url.replace(/^https?:\/\//, "").replace(/\/$/, "");

function show(page) {
  const area = h("div", { class: "stack" });
  page.root.append(pageHead("Sites", { lead: "Every page that you, your programs or your assistant put live." }), area);
  const read = (signal) => get("/deploy?limit=50", { signal });
  load(area, read, (listed) => (listed.deployments.length > 0 ? rows(page, listed) : nothing()), page);
}

function rows(page, listed) {
  return pagedList(h("ul", { class: "rows", "aria-label": "Sites" }), listed, {
    rowsOf: (part) => part.deployments,
    row,
    more: (cursor, signal) => get(`/deploy?limit=50&cursor=${encodeURIComponent(cursor)}`, { signal }),
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

function row(site) {
  const fact = (word, value) => h("div", null, h("dt", null, word), h("dd", null, value));
  return h(
    "li",
    { class: "row" },
    h(
      "div",
      { class: "row-main" },
      h(
        "div",
        { class: "row-title" },
        h("h2", { class: "row-name" }, h("a", { href: `/dashboard/sites/${site.id}` }, site.title ?? site.slug)),
        h("span", { class: "badge good" }, stateWord(site.status)),
      ),
      h("p", { class: "row-sub" }, h("a", { href: site.url, target: "_blank", rel: "noopener" }, outside(site.url))),
    ),
    h(
      "dl",
      { class: "row-facts" },
      fact("Last deploy", when(site.updated_at)),
      fact("Submissions", site.submission_count.toLocaleString("en")),
      fact("Size", `${bytes(site.size)}, ${count(site.files, "file")}`),
    ),
  );
}
