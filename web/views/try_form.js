// "Try the form": one marked submission through every hop, shown as it goes.
import { get, send } from "../api.js";
import { h } from "../dom.js";
import { openDialog } from "../parts/dialog.js";
import { errorBox } from "../parts/errors.js";
import { busy } from "../parts/loading.js";
import { stateOf, timeline } from "../parts/trace.js";

/** Milliseconds between two looks how far it has come. */
const LOOK = 400;
/** Milliseconds that the whole may take: the server waits ten seconds for the slowest hop. */
const PATIENCE = 25_000;

/** Open the dialog and send the test at once. */
export function tryForm(page, site) {
  const area = h("div", { class: "stack", "aria-live": "polite" });
  const again = h("button", { class: "button quiet", type: "button", onclick: () => busy(again, run) }, "Send another");
  const done = h("button", { class: "button", type: "button", onclick: () => dialog.close() }, "Close");
  const text =
    "One marked submission goes the whole way: it is stored, mailed to you alone, and sent to your webhooks as a test. It is not counted.";
  const dialog = openDialog(
    "Try the form",
    [h("p", { class: "muted" }, text), area, h("div", { class: "dialog-actions" }, again, done)],
    { wide: true },
  );
  const closed = new AbortController();
  dialog.element.addEventListener("close", () => closed.abort());
  const run = async () => {
    const attempt = new AbortController();
    const signal = AbortSignal.any([closed.signal, page.signal, attempt.signal]);
    area.replaceChildren(h("p", { class: "muted" }, "Sending…"));
    const show = (trace, more) => closed.signal.aborted || area.replaceChildren(timeline(trace, { more }));
    try {
      const before = await newest(site, signal);
      follow(site, before, signal, show);
      const path = `/deploy/${site.id}/test-form`;
      const { id, trace, complete } = await send("POST", path, {}, {}, { patience: PATIENCE });
      attempt.abort();
      show(trace, complete === false);
      area.append(verdict(site, id, trace, complete, () => dialog.close()));
    } catch (error) {
      attempt.abort();
      if (!closed.signal.aborted) area.replaceChildren(errorBox(error));
    }
  };
  busy(again, run);
  done.focus();
}

/** The id of the newest test, null when there is none. */
async function newest(site, signal) {
  const { submissions } = await get(`/submissions/${site.id}?status=test&limit=1`, { signal });
  return submissions[0]?.id ?? null;
}

/** Show how far the test has come while its answer is not there; what fails here is told by the answer. */
async function follow(site, before, signal, show) {
  let id = null;
  try {
    while (!signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, LOOK));
      const found = id ?? (await newest(site, signal));
      id = found === before ? null : found;
      const test = id && (await get(`/submissions/${site.id}/${id}`, { signal }));
      if (test && !signal.aborted) show(test.trace, true);
    }
  } catch {
    // the answer of the test itself says it better
  }
}

function verdict(site, id, trace, complete, close) {
  const bad = trace.some(({ status }) => stateOf(status) === "bad");
  const late = "Some of it takes longer than ten seconds. Its page shows how it goes on.";
  const good = complete === false ? late : "Everything on the way works.";
  const href = `/dashboard/sites/${site.id}/inbox/${id}?status=test`;
  const link = h("a", { href, onclick: close }, "See it as it arrived");
  const word = bad ? "Something on the way did not work: see above." : good;
  return h("p", { class: bad ? "found bad" : "found" }, word, " ", link);
}
