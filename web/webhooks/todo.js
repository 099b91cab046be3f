// What is done to a webhook: tried, given a new secret, paused, ended.
import { send } from "../api.js";
import { h } from "../dom.js";
import { formDialog } from "../parts/dialog.js";
import { toast } from "../parts/toast.js";
import { moment } from "../words.js";
import { duration } from "../parts/trace.js";
import { showWebhookSecret } from "./secret.js";
import { outcome, shortAddress } from "./words.js";

/** Milliseconds that a test may take: the server waits for the receiver's answer. */
const PATIENCE = 20_000;

export const pathOf = (site, hook) => `/webhooks/${site.id}/${hook.id}`;

/** Send a test and say at `place` what came of it. */
export async function test(site, hook, place) {
  place.replaceChildren(h("p", { class: "found" }, "Sending a test…"));
  const { delivery } = await send("POST", `${pathOf(site, hook)}/test`, undefined, {}, { patience: PATIENCE });
  if (!delivery || delivery.attempt === 0) {
    const text = "The test is on its way, and its receiver takes its time. The deliveries show what comes of it.";
    return place.replaceChildren(h("p", { class: "found" }, text));
  }
  const [word, kind] = outcome(delivery);
  const good = kind === "good";
  const answered = `It answered ${word} after ${duration(delivery.latency_ms)}.`;
  const silent = `No answer: ${delivery.error ?? "nothing came back"}.`;
  return place.replaceChildren(
    h(
      "div",
      { class: good ? "found" : "found bad" },
      h(
        "p",
        null,
        h("strong", null, good ? "The test arrived. " : "The test failed. "),
        word === "No answer" ? silent : answered,
      ),
      answer(delivery),
    ),
  );
}

/** The beginning of what a receiver answered; it may be anything. */
export function answer({ answer: text }) {
  if (!text) return null;
  return h(
    "details",
    { class: "small" },
    h("summary", null, "What it answered"),
    h("pre", { class: "code", tabindex: "0" }, text),
  );
}

export function rotate(page, site, hook) {
  formDialog({
    title: "A new secret?",
    fields: [
      h("p", null, shortAddress(hook.url)),
      h(
        "p",
        { class: "muted" },
        "You get a new secret. For 24 hours every delivery is signed with both, so that your receiver can change in its own time.",
      ),
    ],
    action: "Make a new secret",
    async submit(dialog) {
      const { secret, previous_until: until } = await send("POST", `${pathOf(site, hook)}/rotate`);
      showWebhookSecret(dialog, {
        title: "The new secret",
        secret,
        text: `Deliveries are signed with the old one too until ${moment(until)}.`,
        done: page.reload,
      });
      return dialog;
    },
  });
}

export async function setActive(page, site, hook, active) {
  await send("PATCH", pathOf(site, hook), { active });
  toast(active ? "The webhook is switched on" : "The webhook is switched off");
  page.reload();
}

export function remove(page, site, hook, done) {
  formDialog({
    title: "Delete this webhook?",
    fields: [
      h("p", { class: "word-break" }, h("code", null, shortAddress(hook.url))),
      h(
        "p",
        null,
        "Nothing is sent to it any more, what waits for it included. Its log goes with it; what visitors sent stays.",
      ),
    ],
    action: "Delete the webhook",
    danger: true,
    async submit() {
      await send("DELETE", pathOf(site, hook));
      toast("The webhook is deleted");
      done();
    },
  });
}
