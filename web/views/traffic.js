// What came to a site's forms in the last days, and what became of it: accepted, held, dropped, and why.
import { get } from "../api.js";
import { card, h } from "../dom.js";
import { counted } from "../inbox/words.js";
import { barChart } from "../parts/chart.js";
import { selectField } from "../parts/fields.js";
import { load } from "../parts/loading.js";
import { count } from "../words.js";

const DAYS = 30;
const KINDS = [
  ["accepted", "Accepted"],
  ["held", "Held as spam"],
  ["dropped", "Dropped"],
];

export function traffic(page, site) {
  const area = h("div", { class: "stack" });
  const show = (form = null) => {
    const narrowed = form === null ? "" : `&form=${encodeURIComponent(form)}`;
    const read = (signal) => get(`/submissions/${site.id}/stats?days=${DAYS}${narrowed}`, { signal });
    load(area, read, (stats) => drawn(stats, form, show), { ...page, rows: 2, keep: form !== null });
  };
  show();
  return card("What came to its forms", area);
}

function drawn({ days, forms }, form, show) {
  const total = Object.fromEntries(KINDS.map(([kind]) => [kind, days.reduce((sum, each) => sum + each[kind], 0)]));
  const sum = total.accepted + total.held + total.dropped;
  const lead =
    sum === 0
      ? `Nothing in the last ${DAYS} days.`
      : `${count(sum, "form post")} in the last ${DAYS} days, counted whether they were kept or not.`;
  return [
    h(
      "div",
      { class: "traffic-head" },
      h("p", { class: "muted" }, lead),
      (forms?.length > 1 || form !== null) && formField(forms, form, show),
    ),
    sum > 0 && barChart({ days, kinds: KINDS, label: "Form posts" }),
    reasons(days),
  ].filter(Boolean);
}

function formField(forms, form, show) {
  const field = selectField("Form", [
    ["all", "All forms"],
    ...forms.map((name) => [`=${name}`, name || "Without a name"]),
  ]);
  field.select.value = form === null ? "all" : `=${form}`;
  field.select.addEventListener("change", () =>
    show(field.select.value === "all" ? null : field.select.value.slice(1)),
  );
  return field.element;
}

function reasons(days) {
  const sums = new Map();
  for (const [reason, number] of days.flatMap((each) => Object.entries(each.reasons ?? {}))) {
    sums.set(reason, (sums.get(reason) ?? 0) + number);
  }
  const rows = [...sums].sort(([, one], [, other]) => other - one);
  if (rows.length === 0) return null;
  const line = ([reason, number]) =>
    h("li", null, h("strong", null, number.toLocaleString("en")), ` ${counted(reason)}`);
  return h("ul", { class: "reasons small", "aria-label": "Why some were not accepted" }, rows.map(line));
}
