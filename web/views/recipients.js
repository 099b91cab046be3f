// Who is mailed what visitors send: the account's own address, and others who have said yes.
import { get, send } from "../api.js";
import { card, h } from "../dom.js";
import { formDialog } from "../parts/dialog.js";
import { errorBox } from "../parts/errors.js";
import { switchField, textField } from "../parts/fields.js";
import { busy, load } from "../parts/loading.js";
import { toast } from "../parts/toast.js";
import { day, when } from "../words.js";

const LEAD =
  "Each submission is mailed with the visitor’s address to answer to. When many come at once, they are told together: at most one mail in five minutes, with the number. Spam is never mailed.";

const pathOf = (site) => `/deploy/${site.id}/recipients`;

export function recipients(page, site, save) {
  const area = h("div", { class: "stack" });
  const draw = ({ recipients: listed, notify_email: on }) => [
    mainSwitch(on, save),
    h(
      "ul",
      { class: "rows plain", "aria-label": "Who is mailed" },
      listed.map((one) => row({ site, one, show })),
    ),
    adding(site, show),
  ];
  const show = ({ keep = true } = {}) =>
    load(area, (signal) => get(pathOf(site), { signal }), draw, { signal: page.signal, rows: 2, keep });
  show({ keep: false });
  return card("Mails about submissions", h("p", { class: "muted lead-line" }, LEAD), area);
}

/** Mails for the whole site, on or off at once. */
function mainSwitch(on, save) {
  const field = switchField(
    "Mail what visitors send",
    on,
    "Off: nobody is mailed about this site, whoever is listed here.",
  );
  const problem = h("div", { class: "problem" });
  field.input.addEventListener("change", async () => {
    const wanted = field.input.checked;
    problem.replaceChildren();
    try {
      await save({ notify_email: wanted });
      toast(wanted ? "Mails are on" : "Mails are off");
    } catch (error) {
      field.input.checked = !wanted;
      problem.replaceChildren(errorBox(error));
    }
  });
  return h("div", { class: "stack" }, field.element, problem);
}

const REASONS = {
  bounce: "its server refused our mail for good",
  complaint: "somebody there reported our mail as spam",
};

/** A word, how good it is, and what it means. */
function stateOf({ state, owner, suppressed, created_at: at }) {
  if (state === "active" && owner)
    return ["Your address", "good", ["To stop these mails for you alone, use the link in any of them."]];
  if (state === "active") return ["Confirmed", "good", []];
  if (state === "unconfirmed")
    return ["Waits for a yes", "", ["Asked ", when(at), ". Nothing is mailed before somebody there has said yes."]];
  if (state === "unsubscribed")
    return ["Off", "", [owner ? "You take no mails about this site." : "Somebody there wants no more of these mails."]];
  const why = REASONS[suppressed?.reason] ?? suppressed?.reason ?? "our mail could not be delivered";
  const since = suppressed?.at ? ` since ${day(suppressed.at)}` : "";
  const detail = suppressed?.detail ? h("code", { class: "aside" }, suppressed.detail) : null;
  return ["Blocked", "bad", [`Nothing is mailed there${since}: ${why}. `, detail]];
}

function row({ site, one, show }) {
  const [word, kind, text] = stateOf(one);
  const problem = h("div", { class: "problem" });
  const button = (label, run, look = "") => {
    const tried = async () => {
      problem.replaceChildren();
      try {
        await run();
      } catch (error) {
        problem.replaceChildren(errorBox(error));
      }
    };
    const made = h(
      "button",
      {
        class: `link ${look}`,
        type: "button",
        "aria-label": `${label}: ${one.email}`,
        onclick: () => busy(made, tried),
      },
      label,
    );
    return made;
  };
  const call = (what, said) => async () => {
    await send("POST", `${pathOf(site)}/${one.id}/${what}`);
    toast(said);
    await show();
  };
  const gone = async () => {
    await send("DELETE", `${pathOf(site)}/${one.id}`);
    toast(`${one.email} is removed`);
    await show();
  };
  const actions = [
    one.state === "unconfirmed" && button("Ask again", call("confirm", "A mail with the link is on its way")),
    one.state === "suppressed" && button("Lift the block", call("lift", "Mails are sent there again")),
    one.owner &&
      one.state === "unsubscribed" &&
      button("Switch on", call("resubscribe", "You get mails about this site again")),
    !one.owner && button("Remove", async () => remove(one, gone), "red"),
  ];
  return h(
    "li",
    { class: "row" },
    h(
      "div",
      { class: "row-main" },
      h(
        "p",
        { class: "row-title" },
        h("span", { class: "row-name" }, one.email),
        h("span", { class: `badge ${kind}` }, word),
      ),
      text.length > 0 && h("p", { class: "muted small" }, text),
      problem,
    ),
    h("div", { class: "row-actions" }, actions),
  );
}

function remove(one, run) {
  formDialog({
    title: "Remove this address?",
    fields: [
      h("p", null, one.email),
      h(
        "p",
        { class: "muted" },
        "It is mailed nothing any more. If you add it again, somebody there has to say yes again.",
      ),
    ],
    action: "Remove it",
    danger: true,
    submit: run,
  });
}

function adding(site, show) {
  const email = textField(
    "Add an address",
    { type: "email", required: true, maxlength: "254", autocomplete: "off", placeholder: "colleague@example.com" },
    "It gets one mail that asks whether it wants this; after a yes it is mailed what visitors send.",
  );
  const problem = h("div", { class: "problem" });
  const button = h("button", { class: "button quiet", type: "submit", id: "add-recipient" }, "Add");
  const run = async () => {
    problem.replaceChildren();
    try {
      await send("POST", pathOf(site), { email: email.input.value.trim() });
      toast("A mail that asks for a yes is on its way");
      await show();
      document.getElementById("add-recipient")?.focus();
    } catch (error) {
      problem.replaceChildren(errorBox(error));
    }
  };
  const form = h("form", { class: "inline-form end" }, email.element, button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(button, run);
  });
  return h("div", { class: "stack" }, form, problem);
}
