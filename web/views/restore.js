// A deleted site: what is left of it, until when, and the way back.
import { ApiError, get, send } from "../api.js";
import { card, facts, h } from "../dom.js";
import { errorBox } from "../parts/errors.js";
import { busy } from "../parts/loading.js";
import { nameOf, outside } from "../parts/state.js";
import { toast } from "../parts/toast.js";
import { count, moment, when } from "../words.js";

/** Rows looked through for one that was deleted. */
const MANY = 200;

/** Read a site, from among the deleted ones if it is one of them. */
export async function readSite(id, signal) {
  try {
    return await get(`/deploy/${id}`, { signal });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    const { deployments } = await get(`/deploy?status=deleted&limit=${MANY}`, { signal });
    const found = deployments.find((site) => site.id === id);
    if (found) return found;
    throw new ApiError("There is no such site", {
      status: 404,
      code: error.code,
      hint: "It may be another account’s, or it was deleted more than seven days ago.",
    });
  }
}

/** A row of the list of deleted sites. */
export function deletedRow(page, site) {
  const { button, problem } = restore(page, site, "link");
  const fact = (word, ...value) => h("div", null, h("dt", null, word), h("dd", null, ...value));
  return h(
    "li",
    { class: "row over" },
    h(
      "div",
      { class: "row-main" },
      h("div", { class: "row-title" }, h("h2", { class: "row-name" }, nameOf(site))),
      h("p", { class: "row-sub muted" }, outside(site.url)),
    ),
    h(
      "dl",
      { class: "row-facts" },
      fact("Deleted", when(site.deleted_at)),
      fact("Kept until", moment(site.restore_until)),
      fact("Submissions", site.submission_count.toLocaleString("en")),
    ),
    h("div", { class: "row-actions" }, button, problem),
  );
}

/** What the page of a deleted site shows. */
export function deletedCard(page, site) {
  const { button, problem } = restore(page, site, "button");
  return card(
    "This site is deleted",
    h("p", null, "Visitors find nothing at its address. Its content and what visitors sent are kept for a while."),
    facts([
      ["Address", outside(site.url)],
      ["Deleted", when(site.deleted_at)],
      ["Kept until", moment(site.restore_until)],
      ["Submissions", count(site.submission_count, "submission")],
    ]),
    h("p", { class: "actions" }, button),
    problem,
  );
}

function restore(page, site, look) {
  const problem = h("div", { class: "problem" });
  const run = async () => {
    problem.replaceChildren();
    try {
      await send("POST", `/deploy/${site.id}/restore`);
      page.go(`/dashboard/sites/${site.id}`);
      toast(`“${nameOf(site)}” is back`);
    } catch (error) {
      problem.replaceChildren(errorBox(error, ...wayOut(error)));
    }
  };
  const button = h(
    "button",
    { class: look, type: "button", "aria-label": `Restore ${nameOf(site)}`, onclick: () => busy(button, run) },
    "Restore",
  );
  return { button, problem };
}

function wayOut(error) {
  if (error.code !== "limit_reached") return [];
  return [h("p", null, h("a", { href: "/dashboard/sites" }, "See your sites"))];
}
