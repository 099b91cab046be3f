// One site: where it is, what it is, what came in, how to change it and how to end it.
import { send } from "../api.js";
import { card, facts, h } from "../dom.js";
import { codeBlock } from "../parts/copy.js";
import { confirmTyped } from "../parts/dialog.js";
import { badges, nameOf, outside } from "../parts/state.js";
import { toast } from "../parts/toast.js";
import { bytes, count, moment, when } from "../words.js";
import { sitePage } from "./site_page.js";
import { submissions } from "./submissions.js";
import { traffic } from "./traffic.js";

export const site = sitePage("Overview", (page, found) => [
  overview(found),
  submissions(page, found),
  traffic(page, found),
  redeploy(page, found),
  end(page, found),
]);

function overview(found) {
  const live = found.version !== null;
  const address = live
    ? h("a", { href: found.url, target: "_blank", rel: "noopener" }, outside(found.url))
    : outside(found.url);
  const archive = { class: "button quiet", href: `/api/deploy/${found.id}/archive`, download: `${found.slug}.zip` };
  return card(
    "Overview",
    facts([
      ["Address", address],
      ["Status", h("span", { class: "row-title" }, badges(found))],
      ["Live version", live ? version(found) : "None yet"],
      found.expires_at && ["Ends", [when(found.expires_at), `, on ${moment(found.expires_at)}`]],
      ["Last change", when(found.updated_at)],
      ["Created", when(found.created_at)],
      live && ["Size", `${bytes(found.size)} in ${count(found.files, "file")}`],
      ["Id", h("code", null, found.id)],
    ]),
    live && h("p", { class: "actions" }, h("a", archive, "Download as a zip")),
  );
}

function version(found) {
  const own = h("a", { href: found.preview_url, target: "_blank", rel: "noopener" }, "its own address");
  return [`Version ${found.version}, also at `, own];
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
    h(
      "p",
      { class: "muted" },
      "Publish a new version at the same address. What visitors sent stays, and every older version can be put live again.",
    ),
    codeBlock(call, "Publish the next version"),
  );
}

function end(page, found) {
  const remove = () =>
    confirmTyped({
      title: `Delete “${nameOf(found)}”`,
      text: [
        "The site is down at once, and its forms take nothing in. For seven days you can restore it, with all that it has; then it is gone for good.",
      ],
      word: found.slug,
      label: "To confirm, type its name:",
      action: "Delete the site",
      async submit() {
        await send("DELETE", `/deploy/${found.id}`);
        page.go("/dashboard/sites?status=deleted");
        toast(`“${nameOf(found)}” is deleted`);
      },
    });
  const button = h(
    "button",
    { class: "button danger", type: "button", id: "delete-site", onclick: remove },
    "Delete the site",
  );
  return card(
    "Take it down",
    h("p", { class: "muted" }, "For everybody, at once. For seven days it can be restored."),
    h("p", { class: "actions" }, button),
  );
}
