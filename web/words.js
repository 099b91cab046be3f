// How things are said: times, sizes, programs, what a key may do.
import { h } from "./dom.js";

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const dayOnly = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 7],
  ["week", 4.35],
  ["month", 12],
  ["year", Infinity],
];

/** "3 hours ago", "in 2 days", for a moment of the API. */
export function ago(moment, now = Date.now()) {
  let amount = (Date.parse(moment) - now) / 1000;
  if (Math.abs(amount) < 57) return amount > 5 ? "in a moment" : "just now";
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size * 0.95) return relative.format(Math.round(amount), unit);
    amount /= size;
  }
  return "";
}

/** The moment as one's clock and calendar say it. */
export const moment = (text) => exact.format(new Date(text));
export const day = (text) => dayOnly.format(new Date(text));

/** A relative time that keeps itself right; the exact one is its tooltip. */
export const when = (text) => h("time", { datetime: text, title: moment(text), "data-ago": true }, ago(text));

/** Bring all relative times of the page up to date. */
export function refreshTimes() {
  for (const time of document.querySelectorAll("time[data-ago]")) time.textContent = ago(time.dateTime);
}

export function bytes(count) {
  if (count < 1000) return `${count} bytes`;
  const [value, unit] = count < 1e6 ? [count / 1e3, "kB"] : [count / 1e6, "MB"];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

const BROWSERS = [
  [/Edg(?:e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/(?:Firefox|FxiOS)\//, "Firefox"],
  [/(?:Headless)?Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux|X11/, "Linux"],
];

/** A program by its User-Agent: "Firefox on Linux", "curl 8.5.0". */
export function client(agent) {
  if (!agent) return "an unnamed program";
  if (agent.startsWith("Mozilla/")) {
    const [browser, system] = [BROWSERS, SYSTEMS].map((list) => list.find(([pattern]) => pattern.test(agent))?.[1]);
    if (browser) return system ? `${browser} on ${system}` : browser;
  }
  return agent.split(/[ (;]/, 1)[0].replace("/", " ") || agent;
}

/** What each scope lets a key do. */
export const SCOPES = {
  deploy: ["Deploy", "Create, change, publish and delete sites; reading them too"],
  read: ["Read", "See sites, their versions and usage"],
  submissions: ["Submissions", "Read, export and delete what visitors sent"],
  webhooks: ["Webhooks", "Say where submissions go on to; reading sites too"],
  keys: ["Keys", "Create, change and revoke keys; see the account’s activity"],
};

/** What a key may do, in a few words. */
export function access(scopes) {
  if (scopes.includes("full")) return "Full access";
  return scopes.map((scope) => SCOPES[scope]?.[0] ?? scope).join(", ");
}

const DOORS = { dashboard: "on the dashboard", api: "by the API", rotation: "by rotation" };

/** Where a key was made: there, or in the login of a program that goes by this name. */
export const door = (via) => DOORS[via] ?? `by a login of ${via}`;
