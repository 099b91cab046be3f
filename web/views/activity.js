// The audit trail, in sentences.
import { get } from "../api.js";
import { card, h, pageHead } from "../dom.js";
import { load, pagedList } from "../parts/loading.js";
import { client, moment, when } from "../words.js";

export const activity = { title: "Activity", show };

const LATEST = 5;
const ROWS = 50;

/** The last few events, for the account's page. */
export function latest(page) {
  const area = h("div", { class: "stack" });
  load(
    area,
    reader(LATEST),
    ({ events, told }) => [
      list(events.map(told)),
      h("p", null, h("a", { href: "/dashboard/account/activity" }, "All activity")),
    ],
    page,
  );
  return card("Activity", area);
}

function show(page) {
  const area = h("div", { class: "stack" });
  const back = { href: "/dashboard/account", text: "Account" };
  page.root.append(
    pageHead("Activity", {
      back,
      lead: "What happened to the account, newest first. Nothing here is ever changed or removed.",
    }),
    area,
  );
  const drawn = (first) =>
    pagedList(list([]), first, {
      rowsOf: (part) => part.events,
      row: first.told,
      more: (cursor, signal) => get(`/audit?limit=${ROWS}&cursor=${encodeURIComponent(cursor)}`, { signal }),
      signal: page.signal,
      label: "Older activity",
    });
  load(area, reader(ROWS), drawn, { ...page, rows: 6 });
}

const list = (rows) => h("ol", { class: "events", "aria-label": "Activity, newest first" }, rows);

/** Read events, and the names of keys that they may speak of: a trail without names is better than none. */
function reader(limit) {
  return async (signal) => {
    const names = get("/keys?state=all&limit=200", { signal }).catch(() => ({ keys: [] }));
    const page = await get(`/audit?limit=${limit}`, { signal });
    const keys = new Map((await names).keys.map((key) => [key.id, key.name]));
    return { ...page, told: (event) => row(event, keys) };
  };
}

function row(event, keys) {
  const tell = SENTENCES[event.action];
  const key = event.detail.name ?? keys.get(event.key_id) ?? event.key_id;
  const sentence = tell ? tell(event.detail, key ? `“${key}”` : "a key") : event.action;
  const by = [actor(event, keys), event.ip && `from ${event.ip}`].filter(Boolean).join(", ");
  return h(
    "li",
    { class: event.action in WARNING ? "event warning" : "event" },
    h("p", null, sentence),
    h("p", { class: "small muted" }, when(event.at), ` · ${moment(event.at)}`, by && ` · ${by}`),
  );
}

function actor({ actor: id, action, key_id: key }, keys) {
  if (id === key && action === "scope.denied") return "";
  if (id === document.getElementById("app").dataset.session) return "by this browser";
  if (id.startsWith("ses_")) return "by a browser";
  if (id.startsWith("key_")) return keys.has(id) ? `with the key “${keys.get(id)}”` : "with a key";
  if (id === "holder") return "by somebody who held it";
  if (id === "operator") return "by the operator";
  return id === "system" && !action.startsWith("account.") ? "by Invoker" : "";
}

const WARNING = {
  "login.failed": true,
  "login.denied": true,
  "scope.denied": true,
  "site.taken_down": true,
  "domain.suspended": true,
  "webhook.disabled": true,
};
const site = (detail) => (detail.slug ? `“${detail.slug}”` : "a site");

/** What each action is, as a sentence: of its detail, and of the key it is about. */
const SENTENCES = {
  "login.succeeded": ({ client: who }) => `A login succeeded${who ? `: ${who}` : ""}`,
  "login.failed": ({ client: who }) => `A login failed, the code was wrong${who ? `: ${who}` : ""}`,
  "login.denied": ({ client: who }) => `A login was refused with “this wasn’t me”${who ? `: ${who}` : ""}`,
  "session.created": (detail) => `${client(detail.client)} was logged in`,
  "session.revoked": () => "A browser was logged out",
  "key.created": (_, key) => `The key ${key} was created`,
  "key.renamed": (detail, key) =>
    `The key ${detail.old ? `“${detail.old}”` : key} was renamed to “${detail.new ?? key}”`,
  "key.rotated": (_, key) => `The key ${key} was rotated`,
  "key.revoked": (_, key) => `The key ${key} was revoked`,
  "scope.denied": (detail, key) =>
    `The key ${key} was refused${detail.scope ? `: it lacks the scope “${detail.scope}”` : ""}`,
  "email.changed": () => "The account’s address was changed",
  "account.created": () => "The account was created",
  "account.deleted": () => "The account was deleted",
  "account.restored": () => "The account was brought back by a login",
  "site.created": (detail) => `The site ${site(detail)} was made, and not published yet`,
  "site.published": (detail) =>
    `The site ${site(detail)} was published${detail.version ? `, version ${detail.version}` : ""}`,
  "site.rolled_back": (detail) =>
    `The site ${site(detail)} was rolled back${detail.version ? ` to version ${detail.version}` : ""}`,
  "site.deleted": (detail) => `The site ${site(detail)} was deleted`,
  "site.restored": (detail) => `The site ${site(detail)} was restored`,
  "site.claimed": (detail) => `The site ${site(detail)} was claimed`,
  "site.settings_changed": (detail) =>
    `The settings of ${site(detail)} were changed${detail.changed ? `: ${detail.changed.join(", ")}` : ""}`,
  "site.taken_down": (detail) => `The site ${site(detail)} was taken down by the operator`,
  "site.reinstated": (detail) => `The site ${site(detail)} was put back by the operator`,
  "domain.added": (detail) => `The domain ${detail.domain} was added to ${site(detail)}`,
  "domain.verified": (detail) => `The domain ${detail.domain} was proved, and leads to ${site(detail)}`,
  "domain.suspended": (detail) => `The domain ${detail.domain} was suspended: it no longer leads here`,
  "domain.removed": (detail) => `The domain ${detail.domain} was removed from ${site(detail)}`,
  "webhook.created": (detail) => `A webhook of ${site(detail)} was added: ${detail.url}`,
  "webhook.changed": (detail) => `A webhook of ${site(detail)} was changed: ${detail.url}`,
  "webhook.rotated": (detail) => `A webhook of ${site(detail)} got a new secret: ${detail.url}`,
  "webhook.disabled": (detail) => `A webhook of ${site(detail)} was switched off: ${detail.url}`,
  "webhook.deleted": (detail) => `A webhook of ${site(detail)} was deleted: ${detail.url}`,
  "recipient.added": (detail) => `${detail.recipient} was asked whether to be mailed about ${site(detail)}`,
  "recipient.removed": (detail) => `${detail.recipient} is not mailed about ${site(detail)} any more`,
  "recipient.resubscribed": (detail) => `${detail.recipient} is mailed about ${site(detail)} again`,
  "recipient.lifted": (detail) => `The block of ${detail.recipient} was lifted, for ${site(detail)}`,
};
