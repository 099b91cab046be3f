// A site's settings, saved where they were changed: what it is, who gets in, what its forms do and who is told.
import { send } from "../api.js";
import { h } from "../dom.js";
import { selectField, switchField, textField } from "../parts/fields.js";
import { settingsCard } from "../parts/form.js";
import { forms } from "./form_settings.js";
import { passwordCard } from "./password.js";
import { recipients } from "./recipients.js";
import { sitePage } from "./site_page.js";

export const settings = sitePage(
  "Settings",
  (page, site) => {
    if (site.status === "taken_down") return h("p", { class: "muted" }, "Its settings cannot be changed now.");
    const save = async (changes) => page.tell(await send("PATCH", `/deploy/${site.id}/settings`, changes));
    return [general(site, save), passwordCard(page, site, save), forms(site, save), recipients(page, site, save)];
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
