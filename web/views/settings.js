// A site's settings, saved where they were changed: what it is, who gets in, and what its forms do.
import { send } from "../api.js";
import { h } from "../dom.js";
import { selectField, switchField, textField } from "../parts/fields.js";
import { settingsCard } from "../parts/form.js";
import { passwordCard } from "./password.js";
import { sitePage } from "./site_page.js";

export const settings = sitePage(
  "Settings",
  (page, site) => {
    if (site.status === "taken_down") return h("p", { class: "muted" }, "Its settings cannot be changed now.");
    const save = async (changes) => page.tell(await send("PATCH", `/deploy/${site.id}/settings`, changes));
    return [general(site, save), passwordCard(page, site, save), forms(site, save)];
  },
  { rows: 6 },
);

function general({ slug, settings: given, expires_at: end }, save) {
  const title = textField(
    "Title",
    { value: given.title ?? "", maxlength: "1000", placeholder: slug },
    "What your lists call it. The title that browsers show is in the page itself.",
  );
  const spa = switchField(
    "Single-page app",
    given.is_spa,
    "An unknown path shows the first page, and the page’s own script finds its way. Off: it is not found.",
  );
  const hidden = switchField(
    "Keep it out of search engines",
    given.noindex,
    "Asks them to leave it out. Whoever has the address still sees it.",
  );
  const ends = expiry(end);
  return settingsCard({
    title: "General",
    fields: [
      { name: "title", element: title.element, control: title.input, read: () => title.input.value.trim() || null },
      { name: "is_spa", element: spa.element, control: spa.input, read: () => spa.input.checked },
      { name: "noindex", element: hidden.element, control: hidden.input, read: () => hidden.input.checked },
      ends,
    ],
    save,
  });
}

/** For ever, or until a moment by the reader's own clock; to the minute. */
function expiry(end) {
  const kind = selectField("Ends", [
    ["", "Never by itself"],
    ["date", "At a date and time…"],
  ]);
  const local = (moment) => new Date(moment - new Date(moment).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  const date = textField("Last moment", { type: "datetime-local", value: end && local(Date.parse(end)) });
  kind.select.value = end ? "date" : "";
  const refresh = () => {
    date.element.hidden = kind.select.value === "";
    date.input.required = kind.select.value !== "";
  };
  kind.select.addEventListener("change", refresh);
  refresh();
  const help = h("p", { class: "help" }, "From then on visitors are told that it is gone. You can bring it back.");
  return {
    name: "expires_at",
    element: h("div", { class: "field" }, h("div", { class: "pair" }, kind.element, date.element), help),
    control: date.input,
    read: () => (kind.select.value && date.input.value ? new Date(date.input.value).toISOString() : null),
  };
}

const DAYS = [
  ["", "For ever"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "One year"],
  ["730", "Two years"],
];

function forms({ settings: given }, save) {
  const mail = switchField("Mail me what visitors send", given.notify_email, "To the account’s address.");
  const redirect = textField(
    "Page after sending",
    { type: "text", inputmode: "url", value: given.redirect ?? "", maxlength: "2000", placeholder: "/thanks.html" },
    "Where a browser goes when its form was sent: a path of this site, or a whole address. Empty: a page of ours that says thank you.",
  );
  const origins = textField(
    "Other pages that may send",
    { rows: "3", spellcheck: "false", autocapitalize: "none", placeholder: "https://example.com" },
    "One address a line, without a path. Its own pages always may. Empty: every page may.",
    "textarea",
  );
  origins.input.value = given.allowed_origins.join("\n");
  const lines = () => origins.input.value.split(/\s+/).filter(Boolean);
  const known = DAYS.some(([days]) => days === String(given.retention ?? ""));
  const keep = selectField(
    "Keep what visitors sent",
    known ? DAYS : [...DAYS, [String(given.retention), `${given.retention} days`]],
    "Older ones are deleted for good.",
  );
  keep.select.value = String(given.retention ?? "");
  return settingsCard({
    title: "Forms",
    fields: [
      { name: "notify_email", element: mail.element, control: mail.input, read: () => mail.input.checked },
      { name: "redirect", element: redirect.element, control: redirect.input, read: () => redirect.input.value.trim() || null },
      { name: "allowed_origins", element: origins.element, control: origins.input, read: lines },
      { name: "retention", element: keep.element, control: keep.select, read: () => Number(keep.select.value) || null },
    ],
    save,
  });
}
