// Submissions that come in while the inbox is open: shown, counted, said, and in the title of a tab that nobody looks at.
import { h } from "../dom.js";
import { count } from "../words.js";
import { admits } from "./filter.js";
import { listen } from "./live.js";

/** Milliseconds in which what comes is said in one sentence. */
const TOGETHER = 1200;
/** Rows that come on top before the list begins anew: a busy form's page may stay open for days. */
const MOST = 300;

/**
 * Watch a site's submissions as long as its page is shown. `latest` reads the newest of the list, `show` draws it anew.
 * @param {{site: any, filter: any, signal: AbortSignal, list: () => any, counted: (row: any) => void,
 *   recount: () => void, latest: () => Promise<any[]>, show: () => void}} given
 */
export function arrivals({ site, filter, signal, list, counted, recount, latest, show }) {
  const seen = new Set();
  const state = h("span", { class: "live" }, "Connecting…");
  const said = h("p", { class: "unseen", role: "status" });
  const waiting = h("div", { class: "waiting" });
  const unseen = missedTitle(signal);
  let held = 0;
  let renewing = false;
  let placed = 0;
  let fresh = 0;
  let timer = 0;

  const say = () => {
    said.textContent = `${count(fresh, "new submission")}`;
    fresh = 0;
    timer = 0;
  };
  const offer = () => {
    held += 1;
    const button = h(
      "button",
      { class: "button quiet small-button", type: "button", onclick: show },
      `Show ${count(held, "new submission")}`,
    );
    waiting.replaceChildren(button);
  };
  const note = (row) => {
    seen.add(row.id);
    if (row.status === "accepted") unseen.more();
    if (row.status !== filter.status) return false;
    fresh += 1;
    timer ||= setTimeout(say, TOGETHER);
    return true;
  };
  // what has come since may be in the list that is read anew before the stream tells of it
  const renew = () => {
    renewing = true;
    show();
  };
  const place = (row) => {
    if (!note(row)) return;
    if (!admits(filter, row)) offer();
    else if (list() && ++placed <= MOST) list().arrive(row);
    else renew();
  };
  const arrived = (row) => {
    if (seen.has(row.id)) return;
    counted(row);
    place(row);
  };
  const missed = async () => {
    const rows = await latest();
    const known = rows.findIndex((row) => seen.has(row.id));
    const above = known < 0 ? rows : rows.slice(0, known);
    // what came in between others, or out of another list, is not on top
    if (rows.slice(above.length).some((row) => !seen.has(row.id))) return renew();
    return above.reverse().forEach(place);
  };
  const start = () =>
    listen(site.id, {
      signal,
      status: () => filter.status,
      arrived,
      missed,
      state(live) {
        state.className = live ? "live on" : "live off";
        state.textContent = live ? "Live" : "Not live, connecting again…";
      },
    });
  let begin = null;
  let status = filter.status;
  return {
    state,
    said,
    waiting,
    /** Tell what the list has now, or also has: nothing of it is new. The first list begins it all. */
    listed(rows, { anew = true } = {}) {
      const news = renewing ? rows.filter((row) => !seen.has(row.id)) : [];
      if (news.length > 0) recount();
      news.forEach(note);
      renewing = false;
      rows.forEach((row) => seen.add(row.id));
      if (!begin) begin = start();
      else if (status !== filter.status) begin();
      status = filter.status;
      if (!anew) return;
      held = placed = 0;
      waiting.replaceChildren();
    },
  };
}

/** The number of unseen ones before the page's title, until the tab is looked at again. */
function missedTitle(signal) {
  let number = 0;
  const plain = () => document.title.replace(/^\(\d+\) /, "");
  const look = () => {
    if (document.hidden) return;
    number = 0;
    document.title = plain();
  };
  document.addEventListener("visibilitychange", look, { signal });
  return {
    more() {
      if (!document.hidden) return;
      number += 1;
      document.title = `(${number}) ${plain()}`;
    },
  };
}
