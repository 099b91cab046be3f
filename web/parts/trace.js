// The way of a submission: stored, each mail, each attempt of a webhook, with when and how long.
import { h } from "../dom.js";
import { moment } from "../words.js";

const HOPS = { stored: "Stored", mail: "Mail", webhook: "Webhook" };
const GOOD = new Set(["accepted", "test", "sent"]);
const OPEN = new Set(["waiting", "queued"]);
/** Nothing went wrong, and nothing was to be done. */
const QUIET = new Set(["spam", "none"]);

/** How well a hop went: good, bad, still open, or neither. */
export function stateOf(status) {
  if (GOOD.has(status) || /^2\d\d$/.test(status)) return "good";
  if (OPEN.has(status)) return "open";
  return QUIET.has(status) ? "quiet" : "bad";
}

/** Draw the hops that there are so far; `more` says that others are still under way. */
export function timeline(trace, { more = false } = {}) {
  return h(
    "ol",
    { class: "trace", "aria-label": "Its way" },
    trace.map(hop),
    more && h("li", { class: "hop open" }, h("p", { class: "muted" }, "Waiting for the rest…")),
  );
}

function hop({ hop: kind, at, ms, status, detail }) {
  const state = stateOf(status);
  const word = kind === "stored" || state === "quiet" ? null : status;
  return h(
    "li",
    { class: `hop ${state}` },
    h(
      "p",
      { class: "hop-title" },
      h("strong", null, HOPS[kind] ?? kind),
      word && h("span", { class: `badge ${state}` }, word),
      Number.isFinite(ms) && h("span", { class: "muted small" }, duration(ms)),
    ),
    detail && detail !== HOPS[kind] && h("p", { class: "small" }, timed(detail)),
    at && h("p", { class: "muted small" }, h("time", { datetime: at }, moment(at))),
  );
}

const MOMENT = /(\d{4}-\d\d-\d\dT[\d:.]+Z)/;

/** A sentence, with the moments in it as the reader's clock says them. */
const timed = (text) =>
  text.split(MOMENT).map((part) => (MOMENT.test(part) ? h("time", { datetime: part }, exact(part)) : part));

const exact = (text) => (Number.isNaN(Date.parse(text)) ? text : moment(text));

/** Milliseconds as people say them. */
export function duration(ms) {
  if (ms < 1) return "under 1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}
