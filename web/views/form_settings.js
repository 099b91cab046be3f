// What a site's forms do: where they lead, what they take, what they hold back, how long it is kept.
import { selectField, switchField, textField } from "../parts/fields.js";
import { settingsCard } from "../parts/form.js";

const DAYS = [
  ["", "For ever"],
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "One year"],
  ["730", "Two years"],
];

const lines = (input) =>
  input.value
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

export function forms({ settings: given }, save) {
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
  const files = switchField(
    "Take files",
    given.files ?? false,
    "Up to five with each submission, of 5 MB each. They are kept apart from your site and deleted with the submission. Off: a form that sends a file is refused.",
  );
  const words = textField(
    "Words that make it spam",
    { rows: "3", spellcheck: "false", autocapitalize: "none", placeholder: "casino\nguest post" },
    "One word or phrase a line. What has one of them is held in the spam tab, and nobody is mailed.",
    "textarea",
  );
  words.input.value = (given.spam_words ?? []).join("\n");
  const work = switchField(
    "Ask for a calculation when it is busy",
    given.proof_of_work ?? false,
    "While very much comes in, browsers are asked to do a small calculation before they send: people do not notice, programs that flood you do. No other company is involved.",
  );
  const { element, select } = keeping(given.retention);
  return settingsCard({
    title: "Forms",
    fields: [
      {
        name: "redirect",
        element: redirect.element,
        control: redirect.input,
        read: () => redirect.input.value.trim() || null,
      },
      { name: "allowed_origins", element: origins.element, control: origins.input, read: () => lines(origins.input) },
      { name: "files", element: files.element, control: files.input, read: () => files.input.checked },
      { name: "spam_words", element: words.element, control: words.input, read: () => lines(words.input) },
      { name: "proof_of_work", element: work.element, control: work.input, read: () => work.input.checked },
      { name: "retention", element, control: select, read: () => Number(select.value) || null },
    ],
    save,
  });
}

function keeping(days) {
  const known = DAYS.some(([value]) => value === String(days ?? ""));
  const field = selectField(
    "Keep what visitors sent",
    known ? DAYS : [...DAYS, [String(days), `${days} days`]],
    "Older ones are deleted for good. What is held as spam is kept for 30 days at most.",
  );
  field.select.value = String(days ?? "");
  return field;
}
