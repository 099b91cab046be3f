// Keys: the list, and what can be done to each. An account without keys and sites is led to its first steps.
import { get } from "../api.js";
import { card, h, pageHead, replaceHead } from "../dom.js";
import { emptyState, load, pagedList } from "../parts/loading.js";
import { access, client, day, door, when } from "../words.js";
import { firstHead, firstSteps } from "./connect.js";
import { renameKey, revokeAll, revokeKey, rotateKey } from "./key_dialogs.js";
import { newKey } from "./new_key.js";

/** Keys on one page. */
const ROWS = 50;

export const keys = { title: "Keys", show };

function show(page) {
  const all = page.query.get("state") === "all";
  const area = h("div", { class: "stack" });
  const read = async (signal) => {
    const listed = await get(`/keys?limit=${ROWS}${all ? "&state=all" : ""}`, { signal });
    if (all || listed.keys.length > 0) return { listed, fresh: false };
    const { deployments } = await get("/deploy?limit=1", { signal });
    return { listed, fresh: deployments.length === 0 };
  };
  const create = h(
    "button",
    { class: "button", type: "button", id: "new-key", onclick: () => newKey(page) },
    "Create a key",
  );
  const lead = "One for each program, so that you can end any of them without touching the others.";
  const head = pageHead("Keys", { lead, action: create });
  page.root.append(head, area);
  const draw = ({ listed, fresh }) => {
    if (!fresh) return drawn(page, listed, all);
    replaceHead(head, firstHead());
    return firstSteps(page);
  };
  load(area, read, draw, page);
}

function drawn(page, listed, all) {
  const filter = h(
    "nav",
    { class: "filter", "aria-label": "Which keys" },
    h("a", { href: "/dashboard", "aria-current": all ? null : "true" }, "Active"),
    h("a", { href: "/dashboard?state=all", "aria-current": all ? "true" : null }, "All"),
  );
  const list = listed.keys.length > 0 ? rows(page, listed, all) : nothing(all);
  return [filter, ...[list].flat(), danger(page)];
}

function rows(page, listed, all) {
  return pagedList(h("ul", { class: "rows acted", "aria-label": "Keys" }), listed, {
    rowsOf: (part) => part.keys,
    row: (key) => row(page, key),
    more: (cursor, signal) =>
      get(`/keys?limit=${ROWS}&cursor=${encodeURIComponent(cursor)}${all ? "&state=all" : ""}`, { signal }),
    signal: page.signal,
    label: "Older keys",
  });
}

const nothing = (all) =>
  all
    ? emptyState("There has been no key yet", "Keys that have ended stay listed here.")
    : emptyState("No active key", "Your sites stay up without one. A program needs a key to change them.");

/** What has become of a key: a word and whether it still works. */
export function stateOf(key, now = Date.now()) {
  if (key.revoked_at) return { word: key.replaced_by ? "Replaced" : "Revoked", works: false };
  const over = key.expires_at && Date.parse(key.expires_at) <= now;
  if (over) return { word: key.replaced_by ? "Replaced" : "Expired", works: false };
  return { word: key.replaced_by ? "Being replaced" : "", works: true };
}

function row(page, key) {
  const state = stateOf(key);
  const name = h("h2", { class: "row-name" }, key.name);
  return h(
    "li",
    { class: state.works ? "row" : "row over" },
    h(
      "div",
      { class: "row-main" },
      h("div", { class: "row-title" }, name, state.word && h("span", { class: "badge" }, state.word)),
      h(
        "p",
        { class: "row-sub" },
        h("code", null, key.hint),
        h("span", { class: "chip" }, access(key.scopes)),
        key.site && h("span", { class: "chip" }, `Only ${key.site}`),
      ),
    ),
    h("dl", { class: "row-facts" }, used(key), made(key), ends(key)),
    state.works && actions(page, key),
  );
}

const fact = (word, ...value) => h("div", null, h("dt", null, word), h("dd", null, ...value));

function used(key) {
  if (!key.last_used_at) return fact("Last used", "Never");
  const aside = (text, title = null) => h("span", { class: "aside", title }, text);
  return fact(
    "Last used",
    when(key.last_used_at),
    key.last_used_client && aside(client(key.last_used_client), key.last_used_client),
    key.last_used_ip && aside(`from ${key.last_used_ip}`),
  );
}

const made = (key) => fact("Created", when(key.created_at), h("span", { class: "aside" }, door(key.created_via)));

function ends(key) {
  if (key.revoked_at) return fact("Ended", when(key.revoked_at));
  if (!key.expires_at) return fact("Ends", "Never by itself");
  const past = Date.parse(key.expires_at) <= Date.now();
  return fact(past ? "Ended" : "Ends", when(key.expires_at), h("span", { class: "aside" }, day(key.expires_at)));
}

function actions(page, key) {
  const action = (text, run, extra = "") =>
    h(
      "button",
      {
        class: `link ${extra}`,
        type: "button",
        id: `${text.toLowerCase()}-${key.id}`,
        "aria-label": `${text} ${key.name}`,
        onclick: () => run(page, key),
      },
      text,
    );
  return h(
    "div",
    { class: "row-actions" },
    action("Rename", renameKey),
    !key.replaced_by && action("Rotate", rotateKey),
    action("Revoke", revokeKey, "red"),
  );
}

function danger(page) {
  const button = h(
    "button",
    { class: "button danger", type: "button", id: "revoke-all", onclick: () => revokeAll(page) },
    "Revoke everything",
  );
  return card(
    "Somebody else got in?",
    h("p", { class: "muted" }, "End every key and log out every browser at once. Your sites stay up."),
    h("p", { class: "actions" }, button),
  );
}
