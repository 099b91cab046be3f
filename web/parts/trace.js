// The way of a submission: stored, each mail, each attempt of a webhook, with when and how long.
import { h } from "../dom.js";
import { moment } from "../words.js";

const HOPS = { stored: "Stored", mail: "Mail", webhook: "Webhook" };
const GOOD = new Set(["stored", "sent", "delivered", "ok", "accepted"]);
const WAITING = new Set(["pending", "queued", "waiting"]);

/** Draw the hops that there are so far; `more` says that others are still under way. */
export function timeline(trace, { more = false } = {}) {
  return h(
    "ol",
    { class: "trace", "aria-label": "Its way" },
    trace.map(hop),
    more && h("li", { class: "hop waits" }, h("p", { class: "muted" }, "Waiting for the rest…")),
  );
}

function hop({ hop: kind, at, ms, status, detail }) {
  const state = stateOf(status);
  const told = detailOf(detail);
  return h(
    "li",
    { class: `hop ${state}` },
    h(
      "p",
      { class: "hop-title" },
      h("strong", null, HOPS[kind] ?? kind),
      h("span", { class: `badge ${state === "good" ? "good" : state === "bad" ? "bad" : ""}` }, String(status)),
      ms !== null && ms !== undefined && h("span", { class: "muted small" }, duration(ms)),
    ),
    told && h("p", { class: "small hop-detail" }, told),
    at && h("p", { class: "muted small" }, h("time", { datetime: at }, moment(at))),
  );
}

function stateOf(status) {
  const word = String(status).toLowerCase();
  if (GOOD.has(word) || /^2\d\d$/.test(word)) return "good";
  return WAITING.has(word) ? "waits" : "bad";
}

function detailOf(detail) {
  if (!detail) return "";
  if (typeof detail === "string") return detail;
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== "")
    .map(
      ([name, value]) => `${name.replaceAll("_", " ")}: ${typeof value === "object" ? JSON.stringify(value) : value}`,
    )
    .join(", ");
}

/** Milliseconds as people say them. */
export function duration(ms) {
  if (ms < 1) return "under 1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}
