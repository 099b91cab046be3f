// What is there before the answer is: a skeleton, a word when it takes long, an error with a way on.
import { h } from "../dom.js";
import { errorBox } from "./errors.js";

/** Milliseconds after which waiting is worth a word. */
const SLOW = 4000;

/**
 * Fill `area` with what `read` gives, drawn by `draw`; by itself again when the network is back after a failure.
 * @template T
 * @param {HTMLElement} area
 * @param {(signal: AbortSignal) => Promise<T>} read
 * @param {(value: T) => Node | Node[]} draw
 * @param {{signal: AbortSignal, rows?: number, keep?: boolean}} options the signal ends it all: the page is left; `keep`
 *   leaves what is there until the new is
 * @returns {Promise<void>}
 */
export async function load(area, read, draw, { signal, rows = 3, keep = false }) {
  const attempt = new AbortController();
  const given = new AbortController();
  const again = () => (given.abort(), load(area, read, draw, { signal, rows, keep }));
  const stop = () => attempt.abort();
  signal.addEventListener("abort", stop, { once: true });
  const note = h("div", { class: "slow", role: "status" });
  area.setAttribute("aria-busy", "true");
  if (keep) area.prepend(note);
  else area.replaceChildren(skeleton(rows), note);
  const slow = setTimeout(() => note.append(...slowly(() => (stop(), again()))), SLOW);
  try {
    const value = await read(attempt.signal);
    if (attempt.signal.aborted) return;
    area.replaceChildren(...[draw(value)].flat());
    dispatchEvent(new Event("invoker:drawn"));
  } catch (error) {
    if (attempt.signal.aborted) return;
    area.replaceChildren(errorBox(error, retryButton(again)));
    if (!error.status)
      addEventListener("invoker:back", again, { once: true, signal: AbortSignal.any([signal, given.signal]) });
  } finally {
    clearTimeout(slow);
    if (!attempt.signal.aborted) area.removeAttribute("aria-busy");
  }
}

function slowly(again) {
  return [
    h("p", { class: "muted" }, "This takes longer than usual. The network or the server may be slow."),
    retryButton(again),
  ];
}

const retryButton = (again) =>
  h("p", null, h("button", { class: "button quiet small-button", type: "button", onclick: again }, "Try again"));

function skeleton(rows) {
  return h(
    "div",
    { class: "skeleton" },
    h("p", { class: "unseen" }, "Loading…"),
    Array.from({ length: rows }, () => h("div", { class: "bone", "aria-hidden": "true" })),
  );
}

/** Nothing there yet, and what to do about it. */
export const emptyState = (title, text, ...actions) =>
  h(
    "div",
    { class: "empty" },
    h("h2", null, title),
    h("p", { class: "muted" }, text),
    actions.length > 0 && h("p", { class: "actions" }, actions),
  );

/** Do something for a button once at a time: a second click while it runs does nothing. */
export async function busy(button, run) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await run();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** A list that grows by pages: draws rows, and a button for the next ones while there are more. */
export function pagedList(list, first, { rowsOf, row, more, signal, label }) {
  list.append(...rowsOf(first).map(row));
  const end = h("div", { class: "more" });
  const offer = (cursor) => {
    end.replaceChildren();
    if (!cursor) return;
    const next = async () => {
      const page = await more(cursor, signal);
      const added = rowsOf(page).map(row);
      list.append(...added);
      offer(page.next_cursor);
      focusFirst(added[0]);
    };
    const fail = (error) => signal.aborted || end.prepend(errorBox(error));
    const button = h(
      "button",
      { class: "button quiet", type: "button", onclick: () => busy(button, () => next().catch(fail)) },
      label,
    );
    end.append(button);
  };
  offer(first.next_cursor);
  return [list, end];
}

function focusFirst(row) {
  row?.setAttribute("tabindex", "-1");
  row?.focus();
}
