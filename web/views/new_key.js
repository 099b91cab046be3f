// Making a key: name, what it may do, for which site, until when.
import { get, send } from "../api.js";
import { h } from "../dom.js";
import { formDialog } from "../parts/dialog.js";
import { choices, selectField, textField } from "../parts/fields.js";
import { showSecret } from "../parts/secret.js";
import { SCOPES } from "../words.js";

const DAY = 86_400;
/** Seconds that a key may be asked to live at most. */
const LONGEST = 365 * DAY;
const LIVES = [
  ["", "Does not end by itself"],
  [String(7 * DAY), "7 days"],
  [String(30 * DAY), "30 days"],
  [String(90 * DAY), "90 days"],
  [String(LONGEST), "One year"],
  ["date", "On a date…"],
];

/** Open the dialog; the page's list is drawn anew when the key has been saved. */
export function newKey(page) {
  const name = textField(
    "Name",
    { maxlength: "100", autocomplete: "off", placeholder: "Laptop, CI, my assistant…" },
    "Where it will be used.",
  );
  const may = scopeFields();
  const site = selectField("Site", [["", "All sites"]], "A key for one site can touch no other, and no keys.");
  const ends = expiryFields();
  fillSites(site.select, page.signal);
  const once = onceKey();
  formDialog({
    title: "Create a key",
    wide: true,
    fields: [name.element, may.element, h("div", { class: "pair" }, site.element, ends.element)],
    action: "Create the key",
    async submit(dialog) {
      const body = {
        name: name.input.value.trim() || undefined,
        scopes: may.scopes(),
        site: site.select.value || undefined,
        expires_in: ends.seconds(),
      };
      const made = await send("POST", "/keys", body, { "Idempotency-Key": once(body) });
      if (made.replayed) return showReplayed(dialog, made, page);
      return showMade(dialog, made, page);
    },
  });
  name.input.focus();
}

function showMade(dialog, made, page) {
  showSecret(dialog, {
    title: "Your new key",
    plaintext: made.key,
    text: `“${made.name}” is ready to use.`,
    done: page.reload,
  });
  return dialog;
}

/** The answer with the plaintext got lost on its way, and there is no second one. */
function showReplayed(dialog, made, page) {
  dialog.element.addEventListener("close", page.reload, { once: true });
  dialog.change(
    "The key was made, but not shown",
    h(
      "p",
      null,
      `“${made.name}” exists, but the one answer that had it did not arrive. Rotate it to get a new one in its place, or revoke it.`,
    ),
    h(
      "div",
      { class: "dialog-actions" },
      h("button", { class: "button", type: "button", onclick: dialog.close }, "Back to the list"),
    ),
  );
  return dialog;
}

/** Give the same Idempotency-Key for the same wish: pressed again after a lost answer, it makes no second key. */
function onceKey() {
  let before = "";
  let key = "";
  return (body) => {
    const wish = JSON.stringify(body);
    if (wish !== before) [before, key] = [wish, crypto.randomUUID()];
    return key;
  };
}

function scopeFields() {
  const kind = choices("Access", "radio", [
    ["full", "Full access", "Everything you can do. For programs of your own."],
    ["chosen", "Only what you choose", "For machines, and for programs of others."],
  ]);
  const list = choices(
    "It may",
    "checkbox",
    Object.entries(SCOPES).map(([scope, [title, text]]) => [scope, title, text]),
  );
  const chosen = () => kind.chosen()[0] === "chosen";
  const refresh = () => {
    list.element.hidden = !chosen();
    list.inputs[0].setCustomValidity(chosen() && list.chosen().length === 0 ? "Choose at least one" : "");
  };
  for (const input of [...kind.inputs, ...list.inputs]) input.addEventListener("change", refresh);
  refresh();
  return {
    element: h("div", { class: "stack" }, kind.element, list.element),
    scopes: () => (chosen() ? list.chosen() : ["full"]),
  };
}

function expiryFields() {
  const life = selectField("Ends", LIVES);
  const now = Date.now();
  const iso = (seconds) => new Date(now + seconds * 1000).toISOString().slice(0, 10);
  const date = textField("Last day", { type: "date", min: iso(0), max: iso(LONGEST - DAY) });
  const byDate = () => life.select.value === "date";
  const refresh = () => {
    date.element.hidden = !byDate();
    date.input.required = byDate();
  };
  life.select.addEventListener("change", refresh);
  refresh();
  const untilEndOf = (dayText) => Math.floor((new Date(`${dayText}T23:59:59`).getTime() - Date.now()) / 1000);
  return {
    element: h("div", { class: "stack" }, life.element, date.element),
    seconds: () => (byDate() ? untilEndOf(date.input.value) : Number(life.select.value) || undefined),
  };
}

/** Offer the account's sites. A list that cannot be had leaves "All sites", which is true. */
async function fillSites(select, signal) {
  try {
    const { deployments } = await get("/deploy?limit=200", { signal });
    select.append(
      ...deployments.map((site) =>
        h("option", { value: site.id }, site.title ? `${site.title} (${site.slug})` : site.slug),
      ),
    );
  } catch {
    select.append(h("option", { disabled: true }, "Your sites cannot be listed right now"));
  }
}
