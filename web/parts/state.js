// What has become of a site: a word for lists, and sentences for whoever owns it.
import { h } from "../dom.js";
import { ago, moment } from "../words.js";

/** The word, how good it is, and what it means, for the site as the API shows it. */
export function stateOf(site, now = Date.now()) {
  if (site.status === "deleted") return { word: "Deleted", kind: "", title: "", text: "" };
  if (site.status === "taken_down") return takenDown(site);
  if (site.status === "draft") {
    const text = "Visitors find nothing at its address until you publish one of its versions.";
    const way = { href: `/dashboard/sites/${site.id}/versions`, name: "See its versions" };
    return { word: "Draft", kind: "", title: "Nothing is published yet.", text, way };
  }
  if (site.expires_at && Date.parse(site.expires_at) <= now) {
    const text = `Visitors have been told so since ${moment(site.expires_at)}. Give it another end, and it is back.`;
    const way = { href: `/dashboard/sites/${site.id}/settings`, name: "Change its end" };
    return { word: "Expired", kind: "bad", title: "This site has expired.", text, way };
  }
  return { word: "Live", kind: "good", title: "", text: "" };
}

function takenDown(site) {
  const why = site.taken_down_reason ? `The reason: ${site.taken_down_reason.replace(/[.\s]+$/, "")}. ` : "";
  const text = `${why}Visitors see a notice instead, and nothing of it can be published or changed. You can still download it or delete it. If this is a mistake, answer the mail that told you of it.`;
  return { word: "Taken down", kind: "bad", title: "The operator has taken this site down.", text };
}

/** The words of a site as badges: what it is, when it ends, whether visitors need a password. */
export function badges(site) {
  const { word, kind } = stateOf(site);
  const ends = word === "Live" && site.expires_at;
  return [
    h("span", { class: `badge ${kind}` }, word),
    ends && h("span", { class: "badge", title: moment(site.expires_at) }, `Ends ${ago(site.expires_at)}`),
    site.settings.password_set && h("span", { class: "badge" }, "Password"),
  ];
}

/** The sentences about a site that visitors do not see as they should; null for one that is live. */
export function notice(site) {
  const { kind, title, text, way } = stateOf(site);
  if (!title) return null;
  return h(
    "div",
    { class: kind === "bad" ? "alert" : "note" },
    h("p", null, h("strong", null, title)),
    h("p", null, text),
    way && h("p", null, h("a", { href: way.href }, way.name)),
  );
}

/** An address without what everybody knows of it. */
export const outside = (url) => url.replace(/^https?:\/\//, "").replace(/\/$/, "");

/** What a site is called. */
export const nameOf = (site) => site.title ?? site.slug;
