// Putting a version live, forwards or back: what that does in words, and what was noticed about its pages.
import { ApiError, send } from "../api.js";
import { h } from "../dom.js";
import { formDialog } from "../parts/dialog.js";
import { toast } from "../parts/toast.js";

/** Ask, publish, and draw the list anew. Refused when another version went live since the list was read. */
export function publishVersion(page, site, version, back) {
  const name = `version ${version.version}`;
  const { dialog } = formDialog({
    title: back ? `Roll back to ${name}?` : `Publish ${name}?`,
    fields: [meaning(site, version, back), version.ready && look(version)].filter(Boolean),
    action: back ? "Roll back" : "Publish",
    async submit() {
      const body = { version: version.version, if_version: site.version };
      let made;
      try {
        made = await send("POST", `/deploy/${site.id}/publish`, body);
      } catch (error) {
        throw inWords(error, changed);
      }
      page.reload();
      toast(`Version ${made.version} is live`);
      return made.warnings.length > 0 ? warn(dialog, made) : undefined;
    },
  });
  const changed = () => dialog.element.addEventListener("close", page.reload, { once: true });
}

function meaning(site, version, back) {
  const seen = site.settings.password_set ? "Whoever has the password sees it" : "Everybody sees it";
  const lines = [`${seen} at once, all of its files together.`];
  if (site.version !== null) {
    lines.push(`Version ${site.version}, which is live now, stays in the list and can be put live again.`);
  }
  if (back) lines.push("Nothing is lost: what visitors sent stays, and so do newer versions.");
  return h("p", null, lines.join(" "));
}

const look = (version) =>
  h("p", null, h("a", { href: version.preview_url, target: "_blank", rel: "noopener" }, "Look at it first"));

/** Say for a reader of the list what the API says to a program. */
function inWords(error, changed) {
  if (!(error instanceof ApiError)) return error;
  const say = (message, hint) => {
    changed();
    return new ApiError(message, { ...error, hint });
  };
  if (error.code === "version_conflict") {
    return say("Another version was put live in the meantime", "Nothing was changed. Close this to see the list as it is now.");
  }
  if (error.code === "incomplete_version") {
    return say("Files of this version are missing", "They have to be sent before it can be published.");
  }
  return error;
}

/** Show what was noticed about the pages that went live; none of it stops them. */
function warn(dialog, made) {
  dialog.change(
    `Version ${made.version} is live`,
    h("p", null, "Some things about it may not be as you want them:"),
    h(
      "ul",
      { class: "findings" },
      made.warnings.map((each) => h("li", null, each.message)),
    ),
    h(
      "div",
      { class: "dialog-actions" },
      h("button", { class: "button", type: "button", onclick: dialog.close }, "Close"),
    ),
  );
  return dialog;
}
