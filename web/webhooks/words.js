// How a webhook and its deliveries are said.
import { h } from "../dom.js";
import { moment, when } from "../words.js";

export const TYPES = { generic: "Signed JSON", slack: "Slack", discord: "Discord" };

/** What kind of receiver an address belongs to, as the server would guess. */
export function guess(url) {
  const { hostname, pathname } = URL.canParse(url) ? new URL(url) : { hostname: "", pathname: "" };
  if (hostname === "hooks.slack.com") return "slack";
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
  if (hook.disabled_at) {
    const why = hook.disabled_why ? [`: ${plain(hook.disabled_why)}`] : [];
    return [
      "Switched off",
      "bad",
      [
        "Switched off by itself ",
        when(hook.disabled_at),
        ...why,
        ". Nothing is sent to it until you switch it on again.",
      ],
    ];
  }
  if (!hook.active) return ["Paused", "", ["Nothing is sent to it. What comes in now is not sent later."]];
  if (hook.failing_since) {
    const text = [
      "Every attempt has failed since ",
      h("span", null, moment(hook.failing_since)),
      ". It is tried again by itself; after five days it is switched off, and you are told.",
    ];
    return ["Failing", "bad", text];
  }
  return ["Active", "good", []];
}

const REASONS = { gone: "its server said that it is gone (410)", failing: "nothing but failures for five days" };

const plain = (why) => REASONS[why] ?? why.replaceAll("_", " ");

/** What became of an attempt: a word and how good it is. */
export function outcome(row) {
  if (row.attempt === 0) return ["Waiting", ""];
  if (row.status !== null && row.status !== undefined) {
    return [String(row.status), row.status >= 200 && row.status < 300 ? "good" : "bad"];
  }
  return ["No answer", "bad"];
}
