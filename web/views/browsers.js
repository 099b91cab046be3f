// The browsers that are logged in, and logging them out.
import { get, send } from "../api.js";
import { card, h } from "../dom.js";
import { errorBox } from "../parts/errors.js";
import { busy, load } from "../parts/loading.js";
import { toast } from "../parts/toast.js";
import { client, count, when } from "../words.js";

export function browsers(page) {
  const area = h("div", { class: "stack" });
  const refresh = () => load(area, (signal) => get("/auth/sessions", { signal }), drawn, { ...page, rows: 2 });
  const drawn = ({ sessions }) => {
    const others = sessions.filter((session) => !session.current);
    const list = h(
      "ul",
      { class: "rows plain", "aria-label": "Browsers" },
      sessions.map((session) => row(session, refresh)),
    );
    return [list, others.length > 1 ? endOthers(others, refresh) : ""];
  };
  refresh();
  return card("Browsers that are logged in", area);
}

function row(session, refresh) {
  const seen = session.last_seen_ip === session.ip ? "" : ` Last seen from ${session.last_seen_ip}.`;
  const name = client(session.client);
  const run = () => send("DELETE", `/auth/sessions/${session.id}`);
  return h(
    "li",
    { class: "row" },
    h(
      "div",
      { class: "row-main" },
      h(
        "div",
        { class: "row-title" },
        h("h3", { class: "row-name", title: session.client }, name),
        session.current && h("span", { class: "badge good" }, "This one"),
      ),
      h(
        "p",
        { class: "row-sub muted" },
        h(
          "span",
          null,
          "Active ",
          when(session.last_seen_at),
          ". Logged in ",
          when(session.created_at),
          ` from ${session.ip}.${seen}`,
        ),
      ),
    ),
    !session.current && logOut("Log out", `Log out ${name}, from ${session.ip}`, run, refresh),
  );
}

function endOthers(others, refresh) {
  const run = () => Promise.all(others.map((session) => send("DELETE", `/auth/sessions/${session.id}`)));
  return logOut(`Log out all ${count(others.length, "other")}`, null, run, refresh);
}

/** A button that logs out, and the place where it says what went wrong. */
function logOut(text, label, run, refresh) {
  const problem = h("div");
  const act = async () => {
    problem.replaceChildren();
    try {
      await run();
      toast("Logged out");
      refresh();
    } catch (error) {
      problem.replaceChildren(errorBox(error));
    }
  };
  const button = h(
    "button",
    {
      class: label ? "link red" : "button quiet",
      type: "button",
      "aria-label": label,
      onclick: () => busy(button, act),
    },
    text,
  );
  return h("div", { class: "row-actions" }, button, problem);
}
