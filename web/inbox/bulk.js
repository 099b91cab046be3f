// What is done to all chosen submissions at once.
import { send } from "../api.js";
import { h } from "../dom.js";
import { formDialog } from "../parts/dialog.js";
import { errorBox } from "../parts/errors.js";
import { busy } from "../parts/loading.js";
import { toast } from "../parts/toast.js";
import { count } from "../words.js";

/** Ids that one call may name. */
const AT_ONCE = 1000;
/** Milliseconds that one call may take which deletes very many. */
const PATIENCE = 40_000;

/**
 * Make the bar that shows while something is chosen.
 * @param {{site: any, filter: any, marked: (ids: string[], read: boolean) => void, gone: (ids: string[]) => void,
 *   clear: () => void}} given `gone` hears of rows that are not in this list any more
 */
export function bulkBar({ site, filter, marked, gone, clear }) {
  let chosen = [];
  const said = h("strong", { "aria-live": "polite" });
  const problem = h("div", { class: "problem" });
  const change = async (changes) => {
    const ids = chosen;
    let changed = 0;
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const body = { ids: ids.slice(at, at + AT_ONCE), ...changes };
      changed += (await send("PATCH", `/submissions/${site.id}`, body)).changed;
    }
    return { ids, changed };
  };
  const button = (text, run, look = "quiet") => {
    const made = h(
      "button",
      { class: `button ${look} small-button`, type: "button", onclick: () => busy(made, tried) },
      text,
    );
    const tried = async () => {
      problem.replaceChildren();
      try {
        await run();
      } catch (error) {
        problem.replaceChildren(errorBox(error));
      }
    };
    return made;
  };
  const read = (on) => async () => {
    const { ids } = await change({ read: on });
    marked(ids, on);
    toast(on ? "Marked as read" : "Marked as unread");
    clear();
  };
  const move = (status, text) => async () => {
    const { ids, changed } = await change({ status });
    gone(ids);
    toast(`${count(changed, "submission")} ${text}`);
  };
  const remove = () => removeMany({ site, ids: chosen, gone });
  const actions = [
    filter.status === "accepted" && button("Mark as read", read(true)),
    filter.status === "accepted" && button("Mark as unread", read(false)),
    filter.status === "accepted" && button("Mark as spam", move("spam", "marked as spam")),
    filter.status === "spam" && button("Not spam", move("accepted", "moved to the submissions")),
    button("Delete…", remove, "danger"),
    button("Clear", clear),
  ];
  const element = h(
    "div",
    { class: "bulk", role: "group", "aria-label": "What is chosen", hidden: true },
    said,
    h("div", { class: "bulk-actions" }, actions),
    problem,
  );
  const chose = (ids) => {
    chosen = ids;
    element.hidden = ids.length === 0;
    said.textContent = ids.length ? `${ids.length.toLocaleString("en")} chosen` : "";
    if (!ids.length) problem.replaceChildren();
  };
  return { element, chose };
}

async function removeMany({ site, ids, gone }) {
  formDialog({
    title: `Delete ${count(ids.length, "submission")}?`,
    fields: [h("p", null, "They are gone for good, with their files and what is known of their way.")],
    action: `Delete ${count(ids.length, "submission")}`,
    danger: true,
    async submit() {
      let deleted = 0;
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        deleted += (await send("POST", `/submissions/${site.id}/delete`, { ids: ids.slice(at, at + AT_ONCE) })).deleted;
      }
      gone(ids);
      toast(`${count(deleted, "submission")} deleted`);
    },
  });
}

/** Delete all of a status: what is held, or what was sent to try the form. */
export function removeAll({ site, status, done }) {
  const what = status === "spam" ? "spam" : "tests";
  formDialog({
    title: `Delete all ${what}?`,
    fields: [
      h(
        "p",
        null,
        status === "spam"
          ? "Everything in the spam tab is gone for good, whatever is filtered now."
          : "Every test in this tab is gone for good.",
      ),
    ],
    action: `Delete all ${what}`,
    danger: true,
    async submit() {
      let deleted = 0;
      for (let more = true; more;) {
        const part = await send("POST", `/submissions/${site.id}/delete`, { status }, {}, { patience: PATIENCE });
        deleted += part.deleted;
        more = part.more === true;
      }
      toast(`${count(deleted, "submission")} deleted`);
      done();
    },
  });
}
