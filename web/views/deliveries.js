// A webhook's log: every attempt, what was answered, and the way to send it again.
import { get, send } from "../api.js";
import { h } from "../dom.js";
import { errorBox } from "../parts/errors.js";
import { busy, emptyState, pagedList } from "../parts/loading.js";
import { toast } from "../parts/toast.js";
import { duration } from "../parts/trace.js";
import { answer, pathOf } from "../webhooks/todo.js";
import { outcome, shortAddress, stateOf } from "../webhooks/words.js";
import { count, moment, when } from "../words.js";
import { sitePage } from "./site_page.js";

/** Rows at first and with each further page. */
const ROWS = 50;

const FILTERS = [
  ["", "All"],
  ["failed", "Failed"],
  ["pending", "Waiting"],
  ["delivered", "Delivered"],
];

export const deliveries = sitePage("Webhooks", draw, { title: "Deliveries", read });

function listPath(page, siteId, cursor = null) {
  const query = new URLSearchParams({ limit: String(ROWS) });
  const status = statusOf(page);
  if (status) query.set("status", status);
  if (cursor) query.set("cursor", cursor);
  return `/webhooks/${siteId}/${page.parts[1]}/deliveries?${query}`;
}

const statusOf = (page) => FILTERS.find(([value]) => value === page.query.get("status"))?.[0] ?? "";

async function read(page, siteId, signal) {
  const hooks = get(`/webhooks/${siteId}`, { signal });
  const listed = await get(listPath(page, siteId), { signal });
  return { hook: (await hooks).webhooks.find(({ id }) => id === page.parts[1]), listed };
}

function draw(page, site, { hook, listed }) {
  const status = statusOf(page);
  const base = `/dashboard/sites/${site.id}/webhooks`;
  const problem = h("div", { class: "problem" });
  const filter = h(
    "nav",
    { class: "filter counts", "aria-label": "Which deliveries" },
    FILTERS.map(([value, word]) =>
      h(
        "a",
        {
          href: `${base}/${page.parts[1]}${value && `?status=${value}`}`,
          "aria-current": value === status ? "true" : null,
        },
        word,
      ),
    ),
  );
  const [word, kind] = hook ? stateOf(hook) : ["", ""];
  return [
    h("a", { class: "back", href: base }, "← Webhooks"),
    h(
      "div",
      { class: "row-title" },
      h("h2", { class: "address" }, hook ? shortAddress(hook.url) : "Deliveries"),
      word && h("span", { class: `badge ${kind}` }, word),
    ),
    h("div", { class: "inbox-head" }, filter, hook && replayAll(page, site, hook, problem)),
    problem,
    ...rows(page, site, hook, listed, problem),
  ];
}

function replayAll(page, site, hook, problem) {
  const run = async () => {
    problem.replaceChildren();
    try {
      const { queued } = await send("POST", `${pathOf(site, hook)}/deliveries/replay-failed`);
      toast(queued ? `${count(queued, "delivery is", "deliveries are")} sent again` : "Nothing has failed");
      page.reload();
    } catch (error) {
      problem.replaceChildren(errorBox(error));
    }
  };
  const button = h(
    "button",
    { class: "button quiet small-button", type: "button", id: "replay-failed", onclick: () => busy(button, run) },
    "Send all failed again",
  );
  return button;
}

function rows(page, site, hook, listed, problem) {
  if (listed.deliveries.length === 0) {
    const narrow = statusOf(page) !== "";
    return [
      narrow
        ? emptyState("Nothing here", "No delivery is in this state.")
        : emptyState("Nothing was sent yet", "With the next submission, or a test, its delivery appears here."),
    ];
  }
  const list = h("ol", { class: "rows deliveries", "aria-label": "Deliveries, newest first" });
  return pagedList(list, listed, {
    rowsOf: (part) => part.deliveries,
    row: (delivery) => row(page, site, hook, delivery, problem),
    more: (cursor, signal) => get(listPath(page, site.id, cursor), { signal }),
    signal: page.signal,
    label: "Older deliveries",
  });
}

function row(page, site, hook, delivery, problem) {
  const [word, kind] = outcome(delivery);
  const tried = delivery.attempt > 0;
  const facts = [
    tried && `Attempt ${delivery.attempt}`,
    tried && duration(delivery.latency_ms),
    delivery.test && "Test",
  ];
  const next = tried && Date.parse(delivery.next_at) > Date.now();
  return h(
    "li",
    { class: "delivery" },
    h(
      "div",
      { class: "row-main" },
      h(
        "p",
        { class: "row-title" },
        h("span", { class: `badge ${kind}` }, word),
        delivery.at ? h("span", { title: moment(delivery.at) }, when(delivery.at)) : h("span", null, "Not tried yet"),
        h("span", { class: "muted small" }, facts.filter(Boolean).join(" · ")),
      ),
      delivery.error && h("p", { class: "small" }, delivery.error),
      next && h("p", { class: "muted small" }, "Next try ", when(delivery.next_at)),
      delivery.request_id && h("p", { class: "muted small" }, "Request ", h("code", null, delivery.request_id)),
      answer(delivery),
    ),
    h(
      "div",
      { class: "row-actions" },
      toSubmission(site, delivery),
      hook && tried && again(page, site, hook, delivery, problem),
    ),
  );
}

function toSubmission(site, { submission_id: id, test, at }) {
  const href = `/dashboard/sites/${site.id}/inbox/${id}${test ? "?status=test" : ""}`;
  return h(
    "a",
    { class: "link", href, "aria-label": at ? `Submission of the attempt of ${moment(at)}` : "Submission" },
    "Submission",
  );
}

function again(page, site, hook, delivery, problem) {
  const run = async () => {
    problem.replaceChildren();
    try {
      await send("POST", `${pathOf(site, hook)}/deliveries/${delivery.id}/replay`);
      toast("It is sent again");
      page.reload();
    } catch (error) {
      problem.replaceChildren(errorBox(error));
    }
  };
  const label = `Send again the attempt of ${moment(delivery.at)}`;
  const button = h(
    "button",
    { class: "link", type: "button", "aria-label": label, onclick: () => busy(button, run) },
    "Send again",
  );
  return button;
}
