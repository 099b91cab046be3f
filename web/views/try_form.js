// "Try the form": one marked submission through every hop, shown as it goes.
import { get, send } from "../api.js";
import { h } from "../dom.js";
import { openDialog } from "../parts/dialog.js";
import { errorBox } from "../parts/errors.js";
import { busy } from "../parts/loading.js";
import { timeline } from "../parts/trace.js";

/** Milliseconds between two looks how far it has come. */
const LOOK = 400;

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
    follow(site, signal, show);
    try {
      const { id, trace, complete } = await send("POST", `/deploy/${site.id}/test-form`, {});
      attempt.abort();
      show(trace, complete === false);
      area.append(verdict(site, id, trace, complete, () => dialog.close()));
    } catch (error) {
      attempt.abort();
      area.replaceChildren(errorBox(error));
    }
  };
  busy(again, run);
  done.focus();
}

/** Show what is known of the newest test while the answer is not there; what fails here is told by the answer. */
async function follow(site, signal, show) {
  const newest = async () => (await get(`/submissions/${site.id}?status=test&limit=1`, { signal })).submissions[0]?.id;
  try {
    const before = await newest();
    let id = null;
    while (!signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, LOOK));
      if (!id) {
        const found = await newest();
        id = found === before ? null : found;
      }
      const found = id && (await get(`/submissions/${site.id}/${id}`, { signal }));
      if (found && !signal.aborted) show(found.trace, true);
    }
  } catch {
    // the answer of the test itself says it better
  }
}

function verdict(site, id, trace, complete, close) {
  const bad = trace.filter(
    ({ status }) => !/^(2\d\d|stored|sent|delivered|ok|accepted|pending|queued)$/.test(String(status)),
  );
  const word = bad.length
    ? "Something on the way did not work: see above."
    : complete === false
      ? "Some of it takes longer than ten seconds. Its page shows how it goes on."
      : "Everything on the way works.";
  const link = h(
    "a",
    { href: `/dashboard/sites/${site.id}/inbox/${id}?status=test`, onclick: close },
    "See it as it arrived",
  );
  return h("p", { class: bad.length ? "found bad" : "found" }, word, " ", link);
}
