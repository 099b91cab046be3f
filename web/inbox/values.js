// What visitors typed, shown by what the form's field is: as text in every case, never as markup.
import { h } from "../dom.js";
import { bytes, day } from "../words.js";

/** Characters of a value that a list shows. */
const CUT = 140;

const ADDRESS = /^[^\s@<>"(),:;\\[\]]+@[^\s@<>"(),:;\\[\]]+\.[^\s@<>"(),:;\\[\]]+$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const NUMBERS = new Set(["number", "range"]);
const ON = new Set(["on", "true", "yes", "1"]);

/** Whether a column's values stand on the right. */
export const isNumeric = (column) => NUMBERS.has(column?.type);

/** A value as a line of text. */
export function text(value) {
  if (value === undefined || value === null) return "";
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (Array.isArray(value)) return value.map(text).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export const isAddress = (value) => typeof value === "string" && value.length <= 254 && ADDRESS.test(value);

/** The way to write to an address; what else somebody may have typed into it stays a part of the address. */
export function mailto(address, headers = {}) {
  const query = Object.entries(headers).map(([name, given]) => `${name}=${encodeURIComponent(given)}`);
  return `mailto:${encodeURIComponent(address).replace("%40", "@")}${query.length ? `?${query.join("&")}` : ""}`;
}

/** A value in a list: one or two lines of it. */
export function brief(value, column) {
  const shown = special(value, column);
  if (shown) return shown;
  const whole = text(value);
  return h("bdi", { class: "cut" }, whole.length > CUT ? `${whole.slice(0, CUT)}…` : whole);
}

/** A value in full, its lines kept. */
export function full(value, column) {
  const shown = special(value, column);
  if (shown) return shown;
  if (Array.isArray(value))
    return h(
      "ul",
      { class: "values" },
      value.map((each) => h("li", null, full(each, column))),
    );
  if (typeof value === "object" && value)
    return h("pre", { class: "code", tabindex: "0" }, JSON.stringify(value, null, 2));
  const whole = text(value);
  if (!whole.trim()) return h("span", { class: "muted" }, "Left empty");
  return h("p", { class: "said-text", dir: "auto" }, whole);
}

function special(value, column) {
  if (isAddress(value)) return h("a", { href: mailto(value) }, h("bdi", null, value));
  if (typeof value !== "string") return null;
  if (column?.type === "date" && DATE.test(value)) return dated(value);
  const yesNo = column?.type === "checkbox" && !(column.options?.length > 0) && ON.has(value.toLowerCase());
  return yesNo ? "Yes" : null;
}

/** A day as people write it; one that does not exist as it was typed. */
function dated(value) {
  const moment = new Date(`${value}T12:00:00`);
  return Number.isNaN(moment.getTime()) ? null : h("time", { datetime: value }, day(moment));
}

/** A file to be saved. The server sends it so that no browser shows it. */
export function fileLink(file, siteId, submissionId) {
  const name = file.name || "a file without a name";
  const href = `/api/submissions/${siteId}/${submissionId}/files/${file.id}`;
  return h(
    "a",
    { class: "file", href, download: file.name || "file" },
    h("bdi", null, name),
    h("span", { class: "aside" }, [file.type, bytes(file.size)].filter(Boolean).join(", ")),
  );
}

/** What a submission is called where one line has to do: who sent it, else the first thing that it says. */
export function nameOf(row) {
  const values = Object.entries(row.data);
  const [, sender] = values.find(([name, value]) => /name/i.test(name) && text(value).trim()) ?? [];
  const [, address] = values.find(([, value]) => isAddress(value)) ?? [];
  const first = values.map(([, value]) => text(value).trim()).find(Boolean);
  const shown = text(sender ?? address ?? first ?? "").trim();
  return shown.length > 60 ? `${shown.slice(0, 60)}…` : shown || "An empty submission";
}

/** Who can be answered: the address of a field that asks for one, else the first that is one. */
export function senderOf(row, columns) {
  const asked = columns.find(({ name, type }) => type === "email" && isAddress(row.data[name]));
  return asked ? row.data[asked.name] : (Object.values(row.data).find(isAddress) ?? null);
}
