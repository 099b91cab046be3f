// A site's versions: which there are, what each looks like, and which one visitors see.
import { get } from "../api.js";
import { h } from "../dom.js";
import { pagedList } from "../parts/loading.js";
import { bytes, count, when } from "../words.js";
import { publishVersion } from "./publish.js";
import { sitePage } from "./site_page.js";

/** Versions on one page. */
const ROWS = 20;

const pathOf = (id) => `/deploy/${id}/versions?limit=${ROWS}`;

async function read(page, id, signal) {
  const names = makers(page, signal);
  return { listed: await get(pathOf(id), { signal }), by: await names };
}

function draw(page, site, { listed, by }) {
  const list = h("ul", { class: "rows acted", "aria-label": "Versions, newest first" });
  const rows = pagedList(list, listed, {
    rowsOf: (part) => part.versions,
    row: (version) => row(page, site, version, by),
    more: (cursor, signal) => get(`${pathOf(site.id)}&cursor=${encodeURIComponent(cursor)}`, { signal }),
    signal: page.signal,
    label: "Older versions",
  });
  return [h("p", { class: "muted lead-line" }, LEAD), ...rows];
}

export const versions = sitePage("Versions", draw, { read });

const LEAD =
  "A version never changes. Each has an address of its own, and any of them can be put live; nobody sees a mix of two.";

/** Read who made versions, as words; a list without names is better than none. */
async function makers(page, signal) {
  const { keys } = await get("/keys?state=all&limit=200", { signal }).catch(() => ({ keys: [] }));
  const names = new Map(keys.map((key) => [key.id, key.name]));
  return (id) => {
    if (id === page.about.session) return "in this browser";
    if (id.startsWith("ses_")) return "in a browser";
    if (id === "claim") return "before it was claimed";
    return names.has(id) ? `with the key “${names.get(id)}”` : "with a key";
  };
}

function row(page, site, version, by) {
  return h(
    "li",
    { class: complete(version) ? "row" : "row over" },
    h(
      "div",
      { class: "row-main" },
      h(
        "div",
        { class: "row-title" },
        h("h2", { class: "row-name" }, `Version ${version.version}`),
        badge(version) && h("span", { class: version.live ? "badge good" : "badge" }, badge(version)),
      ),
      h("p", { class: "row-sub muted" }, complete(version) ? version.title : WAITING),
    ),
    h(
      "dl",
      { class: "row-facts" },
      fact("Made", when(version.created_at), h("span", { class: "aside" }, by(version.created_by))),
      version.live
        ? fact("Live since", when(version.published_at))
        : fact("Last live", version.published_at ? when(version.published_at) : "Never"),
      fact("Size", bytes(version.size), h("span", { class: "aside" }, count(version.files, "file"))),
    ),
    actions(page, site, version),
  );
}

/** Whether all of its files were sent. */
const complete = (version) => version.ready || version.missing === 0;

const WAITING = "It can be looked at and published when they have been sent.";

const fact = (word, ...value) => h("div", null, h("dt", null, word), h("dd", null, ...value));

function badge(version) {
  if (version.live) return "Live";
  if (!complete(version)) return `Waits for ${count(version.missing, "file")}`;
  return version.published_at ? "" : "Draft";
}

function actions(page, site, version) {
  if (!complete(version)) return null;
  const name = `version ${version.version}`;
  const link = { class: "link", href: version.preview_url, target: "_blank", rel: "noopener" };
  const back = site.version !== null && version.version < site.version;
  const publish = {
    class: "link",
    type: "button",
    id: `publish-${version.version}`,
    "aria-label": back ? `Roll back to ${name}` : `Publish ${name}`,
    onclick: () => publishVersion(page, site, version, back),
  };
  return h(
    "div",
    { class: "row-actions" },
    version.ready && h("a", { ...link, "aria-label": `Preview ${name}` }, "Preview"),
    !version.live && site.status !== "taken_down" && h("button", publish, back ? "Roll back" : "Publish"),
  );
}
