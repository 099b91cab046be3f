// A site's webhooks: where submissions go on to, how that goes, and what can be done about it.
import { get } from "../api.js";
import { card, h } from "../dom.js";
import { errorBox } from "../parts/errors.js";
import { busy, emptyState } from "../parts/loading.js";
import { addWebhook } from "../webhooks/add.js";
import { remove, rotate, setActive, test } from "../webhooks/todo.js";
import { shortAddress, stateOf, TYPES } from "../webhooks/words.js";
import { count, day } from "../words.js";
import { sitePage } from "./site_page.js";

export const webhooks = sitePage("Webhooks", draw, { read: (_, id, signal) => get(`/webhooks/${id}`, { signal }) });

const LEAD =
  "Each submission is sent on to these addresses at once, and again for up to a day when one does not answer. Spam is not sent on.";

function draw(page, site, { webhooks: listed }) {
  const add = h(
    "button",
    { class: "button", type: "button", id: "add-webhook", onclick: () => addWebhook(page, site) },
    "Add a webhook",
  );
  if (listed.length === 0) {
    const text = "Send what visitors fill in on to Slack, Discord or a program of yours, as soon as it is stored.";
    return emptyState("No webhook yet", text, add);
  }
  return [
    h("div", { class: "lead-row" }, h("p", { class: "muted lead-line" }, LEAD), add),
    h(
      "div",
      { class: "stack" },
      listed.map((hook) => hookCard(page, site, hook)),
    ),
  ];
}

function hookCard(page, site, hook) {
  const [word, kind, text] = stateOf(hook);
  const said = h("div", { class: "problem", role: "status" });
  const log = `/dashboard/sites/${site.id}/webhooks/${hook.id}`;
  const name = shortAddress(hook.url);
  const element = card(
    name,
    text.length > 0 && h("p", null, text),
    h(
      "p",
      { class: "muted small" },
      [TYPES[hook.type] ?? hook.type, `added ${day(hook.created_at)}`, ...backlog(hook)].join(" · "),
    ),
    said,
    actions(page, site, hook, { said, log, name }),
  );
  const heading = element.querySelector("h2");
  heading.classList.add("address");
  const row = h("div", { class: "row-title" });
  heading.replaceWith(row);
  row.append(heading, h("span", { class: `badge ${kind}` }, word));
  return element;
}

function backlog({ pending, backlogged }) {
  if (backlogged)
    return [`${count(pending, "delivery", "deliveries")} wait: too many, what comes in now is not queued`];
  return pending > 0 ? [`${count(pending, "delivery waits", "deliveries wait")}`] : [];
}

function actions(page, site, hook, { said, log, name }) {
  const on = hook.active;
  const button = (text, run, look = "quiet", id = null) => {
    const tried = async () => {
      try {
        await run();
      } catch (error) {
        said.replaceChildren(errorBox(error));
      }
    };
    const made = h(
      "button",
      {
        class: `button ${look} small-button`,
        type: "button",
        id,
        "aria-label": `${text} ${name}`,
        onclick: () => busy(made, tried),
      },
      text,
    );
    return made;
  };
  return h(
    "p",
    { class: "actions" },
    h("a", { class: "button quiet small-button", href: log, "aria-label": `Deliveries ${name}` }, "Deliveries"),
    on && button("Send a test", () => test(site, hook, said), "quiet", `test-${hook.id}`),
    button(on ? "Switch off" : "Switch on", () => setActive(page, site, hook, !on), "quiet", `switch-${hook.id}`),
    hook.type === "generic" && button("New secret", async () => rotate(page, site, hook), "quiet", `rotate-${hook.id}`),
    button("Delete", async () => remove(page, site, hook, page.reload), "danger", `delete-${hook.id}`),
  );
}
