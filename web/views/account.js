// The account: its address, plan, browsers, data and end.
import { get, send } from "../api.js";
import { card, facts, h, newId, pageHead } from "../dom.js";
import { confirmTyped } from "../parts/dialog.js";
import { load } from "../parts/loading.js";
import { count, day } from "../words.js";
import { changeEmail } from "./email.js";
import { browsers } from "./browsers.js";
import { latest } from "./activity.js";

export const account = { title: "Account", show };

function show(page) {
  const area = h("div", { class: "stack" });
  page.root.append(pageHead("Account"), area, browsers(page), latest(page), data(), end(page));
  load(
    area,
    (signal) => get("/auth/me", { signal }),
    (me) => profile(page, me),
    { ...page, rows: 2 },
  );
}

function profile(page, me) {
  page.about.email = me.email;
  const change = h(
    "button",
    { class: "link inline", type: "button", id: "change-email", onclick: () => changeEmail(page, me.email) },
    "Change it",
  );
  return card(
    "Profile",
    facts([
      ["Address", [h("span", null, me.email), " ", change]],
      ["Plan", me.plan[0].toUpperCase() + me.plan.slice(1)],
      ["Sites", usage(me.usage)],
      ["Id", h("code", null, me.account_id)],
    ]),
  );
}

function usage({ deployments, limit }) {
  if (deployments === null) return "Cannot be counted right now";
  if (limit === null) return count(deployments, "site");
  const id = newId();
  const text = h("span", { id }, `${deployments} of ${limit} in use`);
  return h(
    "span",
    { class: "usage" },
    text,
    h("progress", { max: limit, value: deployments, class: deployments < limit ? "" : "full", "aria-labelledby": id }),
  );
}

function data() {
  const link = h(
    "a",
    { class: "button quiet", href: "/api/auth/export", download: "invoker-export.json" },
    "Download my data",
  );
  return card(
    "Your data",
    h(
      "p",
      { class: "muted" },
      "One JSON file: account, keys (without their secrets), browsers, activity, sites and what visitors sent.",
    ),
    h("p", { class: "actions" }, link),
  );
}

function end(page) {
  const button = h(
    "button",
    { class: "button danger", type: "button", id: "delete-account", onclick: () => remove(page) },
    "Delete the account",
  );
  return card(
    "Delete the account",
    h(
      "p",
      { class: "muted" },
      "Keys and browsers end at once. For seven days your sites stay up, and logging in brings everything back but the keys.",
    ),
    h("p", { class: "actions" }, button),
  );
}

function remove(page) {
  confirmTyped({
    title: "Delete the account",
    text: [
      "At once: every key ends, and every browser is logged out, this one too.",
      "For seven days: your sites stay up. Logging in with this address brings the account and its sites back; keys that have ended stay ended.",
      "After that: your sites are taken down, and everything they received is deleted for good.",
    ],
    word: page.about.email,
    label: "To confirm, type your address:",
    action: "Delete the account",
    async submit() {
      gone(page, await send("DELETE", "/auth/account", { confirm: page.about.email }));
    },
  });
}

/** Say what happened on a page without the rest: nobody is logged in here any more. */
function gone(page, deleted) {
  document.title = "Account deleted – Invoker";
  document.querySelector("header.bar nav").remove();
  const again = h("a", { class: "button quiet", href: "/login" }, "Log in and bring it back");
  page.root.replaceChildren(
    pageHead("Your account is deleted", {
      lead: `Your keys and browsers have ended. Until ${day(deleted.restore_until)} your sites stay up, and logging in with ${page.about.email} brings them and the account back.`,
    }),
    h("p", { class: "actions" }, again, h("a", { class: "button quiet", href: "/" }, "To the first page")),
  );
}
