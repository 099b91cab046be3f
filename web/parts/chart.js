// Bars for each day, drawn of what is counted: read with the eyes, by keyboard, by pointer, or as a table.
import { h, svg } from "../dom.js";
import { day as dayOf } from "../words.js";

/** The drawing's own measures; the page scales it. */
const [WIDTH, HEIGHT, FLOOR, GAP] = [600, 130, 4, 0.28];

/**
 * Draw it.
 * @param {{days: any[], kinds: Array<[string, string]>, label: string}} given oldest first; kinds are the names of what
 *   is counted of a day, from below to above, with their words
 */
export function barChart({ days, kinds, label }) {
  const top = Math.max(1, ...days.map((each) => sum(each, kinds)));
  const columns = days.map((each, at) => column(each, at, { kinds, top, of: days.length }));
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "bars", "aria-hidden": "true", preserveAspectRatio: "none" },
    svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT - FLOOR, y2: HEIGHT - FLOOR, class: "floor" }),
    columns,
  );
  const said = h("p", { class: "chart-said small", "aria-hidden": "true" });
  const slider = h(
    "div",
    {
      class: "chart",
      tabindex: "0",
      role: "slider",
      "aria-label": `${label}, day by day`,
      "aria-valuemin": 1,
      "aria-valuemax": days.length,
    },
    h("span", { class: "chart-top small muted", "aria-hidden": "true" }, top.toLocaleString("en")),
    drawing,
  );
  let now = days.length - 1;
  const show = (at) => {
    columns[now].classList.remove("here");
    now = Math.min(Math.max(at, 0), days.length - 1);
    columns[now].classList.add("here");
    said.textContent = sentence(days[now], kinds);
    slider.setAttribute("aria-valuenow", String(now + 1));
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  slider.addEventListener("keydown", (event) => {
    const to = {
      ArrowLeft: now - 1,
      ArrowDown: now - 1,
      ArrowRight: now + 1,
      ArrowUp: now + 1,
      Home: 0,
      End: days.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  });
  const point = (event) => {
    const box = drawing.getBoundingClientRect();
    show(Math.floor(((event.clientX - box.left) / box.width) * days.length));
  };
  slider.addEventListener("pointermove", point);
  slider.addEventListener("pointerdown", point);
  show(now);
  const ends = h(
    "p",
    { class: "chart-ends small muted", "aria-hidden": "true" },
    h("span", null, shortDay(days[0].day)),
    h("span", null, "Today"),
  );
  return h("figure", { class: "chart-figure" }, legend(kinds), slider, ends, said, asTable(days, kinds, label));
}

const sum = (each, kinds) => kinds.reduce((total, [kind]) => total + each[kind], 0);

function column(each, at, { kinds, top, of }) {
  const step = WIDTH / of;
  const [x, width] = [at * step + (step * GAP) / 2, step * (1 - GAP)];
  let y = HEIGHT - FLOOR;
  const bars = kinds.map(([kind]) => {
    const height = (each[kind] / top) * (HEIGHT - FLOOR - 4);
    // one among thousands is still to be seen
    const drawn = each[kind] > 0 ? Math.max(height, 2) : 0;
    y -= drawn;
    return drawn > 0 && svg("rect", { x, y, width, height: drawn, class: `bar-${kind}` });
  });
  return svg(
    "g",
    { class: "day" },
    svg("rect", { x: at * step, y: 0, width: step, height: HEIGHT, class: "hit" }),
    bars,
  );
}

const shortDay = (text) => dayOf(`${text}T12:00:00`);

const sentence = (each, kinds) =>
  `${shortDay(each.day)}: ${kinds.map(([kind, word]) => `${each[kind].toLocaleString("en")} ${word.toLowerCase()}`).join(", ")}`;

const legend = (kinds) =>
  h(
    "ul",
    { class: "legend small", "aria-hidden": "true" },
    kinds.map(([kind, word]) => h("li", { class: `key-${kind}` }, word)),
  );

function asTable(days, kinds, label) {
  const head = h(
    "tr",
    null,
    ["Day", ...kinds.map(([, word]) => word)].map((word) => h("th", { scope: "col" }, word)),
  );
  const rows = [...days].reverse().map((each) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, shortDay(each.day)),
      kinds.map(([kind]) => h("td", { class: "number" }, each[kind].toLocaleString("en"))),
    ),
  );
  const region = { class: "table low", tabindex: "0", role: "region", "aria-label": `${label} as a table` };
  return h(
    "details",
    { class: "small" },
    h("summary", null, "As a table"),
    h("div", region, h("table", null, h("thead", null, head), h("tbody", null, rows))),
  );
}
