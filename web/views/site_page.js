// What every page of one site has: its head, the way to its other pages, and what visitors see instead of it.
import { h, pageHead, replaceHead } from "../dom.js";
import { load } from "../parts/loading.js";
import { nameOf, notice } from "../parts/state.js";
import { deletedCard, readSite } from "./restore.js";

const BACK = { href: "/dashboard/sites", text: "Sites" };
const SECTIONS = [
  ["Overview", ""],
  ["Inbox", "/inbox"],
  ["Webhooks", "/webhooks"],
  ["Versions", "/versions"],
  ["Settings", "/settings"],
  ["Domains", "/domains"],
];

/** The site that was seen last: its name is known before it is read again. */
let last = null;

/**
 * Make the view of one of a site's pages. What it draws with is the page, and `tell`: says that the site has changed.
 * @param {string} section
 * @param {(page: import("../router.js").Page & {tell: (site: any) => void}, site: any, more: any) => any} draw
 * @param {object} [options]
 * @param {(page: import("../router.js").Page, id: string, signal: AbortSignal) => Promise<any>} [options.read] what
 *   else it needs, read at the same time as the site
 * @param {number} [options.rows] about how much there will be
 * @param {string} [options.title] what the page is called, when it is one below the section's own
 */
export function sitePage(section, draw, { read = async () => null, rows = 4, title = section } = {}) {
  return {
    title: title === "Overview" ? "Site" : title,
    show: (page) => show(page, section, { draw, read, rows, title }),
  };
}

function show(page, section, { draw, read, rows, title }) {
  const [id] = page.parts;
  let head = last?.id === id ? headOf(last) : pageHead("Site", { back: BACK });
  const places = sections(id, section, title === section);
  const said = h("div", { class: "said" });
  const area = h("div", { class: "stack" });
  page.root.append(head, places, said, area);
  reveal(places);
  const tell = (site) => {
    last = site;
    document.title = `${title === "Overview" ? "" : `${title} of `}${nameOf(site)} – Invoker`;
    const fresh = headOf(site);
    replaceHead(head, fresh);
    head = fresh;
    said.replaceChildren(...[notice(site) ?? []].flat());
  };
  const both = async (signal) => {
    const more = read(page, id, signal);
    // of a deleted site there is nothing more, and that is no error
    more.catch(() => null);
    const site = await readSite(id, signal);
    return { site, more: site.status === "deleted" ? null : await more };
  };
  const drawn = ({ site, more }) => {
    tell(site);
    if (site.status !== "deleted") return [draw({ ...page, tell }, site, more)].flat(2);
    places.remove();
    return deletedCard(page, site);
  };
  load(area, both, drawn, { ...page, rows });
}

function headOf(site) {
  const visited = site.status === "active";
  const open =
    visited && h("a", { class: "button", href: site.url, target: "_blank", rel: "noopener" }, "Open the site");
  return pageHead(nameOf(site), { back: BACK, action: open || null });
}

const sections = (id, current, own) =>
  h(
    "nav",
    { class: "filter sections", "aria-label": "This site" },
    SECTIONS.map(([name, path]) => {
      const here = own ? "page" : "true";
      return h("a", { href: `/dashboard/sites/${id}${path}`, "aria-current": name === current ? here : null }, name);
    }),
  );

/** Scroll a row that is wider than the screen to where one is. */
function reveal(row) {
  const here = /** @type {HTMLElement} */ (row.querySelector("[aria-current]"));
  row.scrollLeft = here.offsetLeft + here.offsetWidth / 2 - row.clientWidth / 2;
}
