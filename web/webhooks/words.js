// How a webhook and its deliveries are said.
import { h } from "../dom.js";
import { moment, when } from "../words.js";

export const TYPES = { generic: "Signed JSON", slack: "Slack", discord: "Discord" };

/** What kind of receiver an address belongs to, as the server would guess. */
export function guess(url) {
  const { hostname, pathname } = URL.canParse(url) ? new URL(url) : { hostname: "", pathname: "" };
  if (hostname === "hooks.slack.com" || hostname === "hooks.slack-gov.com") return "slack";
  const discord = /^(?:(?:ptb|canary)\.)?discord(?:app)?\.com$/.test(hostname);
  return discord && pathname.startsWith("/api/webhooks/") ? "discord" : "generic";
}

/** An address as it may be shown: what is secret in it is left out of lists. */
export function shortAddress(url) {
  if (!URL.canParse(url)) return url;
  const { host, pathname, search } = new URL(url);
  const path = pathname === "/" ? "" : pathname;
  const whole = `${host}${path}${search}`;
  return whole.length > 64 ? `${whole.slice(0, 63)}…` : whole;
}

/** A word, how good it is, and what it means. */
export function stateOf(hook) {
  if (!hook.active) {
    const since = hook.disabled_at ? ["Since ", when(hook.disabled_at), ". "] : [];
    return ["Off", "bad", [...since, sentence(hook.disabled_why), "Nothing is sent to it until you switch it on."]];
  }
  if (hook.failing_since) {
    const since = moment(hook.failing_since);
    const text = `Every attempt has failed since ${since}. It is tried again by itself; after five days of that it is switched off, and you are told.`;
    return ["Failing", "bad", [text]];
  }
  return ["On", "good", []];
}

const sentence = (text) => (text ? `${text.replace(/[.\s]+$/, "")}. ` : "");

/** What became of an attempt: a word and how good it is. */
export function outcome(row) {
  if (row.attempt === 0) return row.state === "failed" ? ["Not sent", "bad"] : ["Waiting", ""];
  if (row.status !== null && row.status !== undefined) {
    return [String(row.status), row.status >= 200 && row.status < 300 ? "good" : "bad"];
  }
  return ["No answer", "bad"];
}
