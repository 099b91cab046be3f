// One site: where it is, what it is, what came in, how to change it and how to end it.
import { get, send } from "../api.js";
import { card, facts, h, pageHead, replaceHead } from "../dom.js";
import { codeBlock } from "../parts/copy.js";
import { confirmTyped } from "../parts/dialog.js";
import { load } from "../parts/loading.js";
import { toast } from "../parts/toast.js";
import { bytes, count, when } from "../words.js";
import { outside, stateWord } from "./sites.js";
import { submissions } from "./submissions.js";

export const site = { title: "Site", show };

const BACK = { href: "/dashboard/sites", text: "Sites" };

function show(page) {
  const [id] = page.parts;
  const head = pageHead("Site", { back: BACK });
  const area = h("div", { class: "stack" });
  page.root.append(head, area);
  const draw = (found) => {
    document.title = `${found.title ?? found.slug} – Invoker`;
    const open = h("a", { class: "button", href: found.url, target: "_blank", rel: "noopener" }, "Open the site");
    replaceHead(head, pageHead(found.title ?? found.slug, { back: BACK, action: open }));
    return [overview(found), submissions(page, found), redeploy(page, found), end(found)];
  };
  load(area, (signal) => get(`/deploy/${id}`, { signal }), draw, { ...page, rows: 5 });
}

function overview(found) {
  return card(
    "Overview",
    facts([
      ["Address", h("a", { href: found.url, target: "_blank", rel: "noopener" }, outside(found.url))],
      ["Status", h("span", { class: "badge good" }, stateWord(found.status))],
      ["Live version", found.version === null ? "None yet" : `Version ${found.version}`],
      ["Last deploy", when(found.updated_at)],
      ["Created", when(found.created_at)],
      ["Size", `${bytes(found.size)} in ${count(found.files, "file")}`],
      ["Id", h("code", null, found.id)],
      ...settings(found.settings),
    ]),
  );
}

const SETTINGS = { title: "Title", description: "Description", favicon: "Icon", is_spa: "Unknown paths" };

function settings(given) {
  return Object.entries(given).map(([name, value]) => {
    if (name === "is_spa") return [SETTINGS[name], value ? "Show the first page (single-page app)" : "Are not found"];
    return [SETTINGS[name] ?? name, typeof value === "string" ? value : JSON.stringify(value)];
  });
}

function redeploy(page, found) {
  const call = [
    `curl -X PUT ${page.about.apiUrl}/deploy/${found.id} \\`,
    '  -H "Authorization: Bearer $INVOKER_API_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '{"html": "<h1>The next version</h1>"}'`,
  ].join("\n");
  return card(
    "Change it",
    h("p", { class: "muted" }, "Publish a new version at the same address. What visitors sent stays."),
    codeBlock(call, "Publish the next version"),
  );
}

function end(found) {
  const remove = () =>
    confirmTyped({
      title: `Delete “${found.slug}”`,
      text: [
        "The site is down at once, and its forms take nothing in. Its name stays taken, and what it has is kept for seven days.",
      ],
      word: found.slug,
      label: "To confirm, type its name:",
      action: "Delete the site",
      async submit() {
        await send("DELETE", `/deploy/${found.id}`);
        toast(`“${found.slug}” is deleted`);
        document.querySelector('.tabs a[href="/dashboard/sites"]').click();
      },
    });
  const button = h(
    "button",
    { class: "button danger", type: "button", id: "delete-site", onclick: remove },
    "Delete the site",
  );
  return card(
    "Take it down",
    h("p", { class: "muted" }, "For everybody, at once. Its content and what visitors sent are kept for seven days."),
    h("p", { class: "actions" }, button),
  );
}
