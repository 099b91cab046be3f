// The password that visitors of a site are asked for: set, changed, taken away.
import { card, h } from "../dom.js";
import { formDialog } from "../parts/dialog.js";
import { textField } from "../parts/fields.js";
import { toast } from "../parts/toast.js";

/** Whether there is one, and what can be done about it. */
export function passwordCard(page, site, save) {
  const set = site.settings.password_set;
  const text = set
    ? "Visitors are asked for the password, on previews of versions too. Whoever has typed it stays in for twelve hours."
    : "Everybody who has the address sees the site. With a password, visitors are asked for it first, on previews of versions too.";
  const button = (id, word, run, look = "quiet") =>
    h("button", { class: `button ${look}`, type: "button", id, onclick: () => run(page, site, save) }, word);
  return card(
    "Password",
    h("p", { class: "muted" }, text),
    h(
      "p",
      { class: "actions" },
      button("set-password", set ? "Change the password" : "Set a password", ask),
      set && button("remove-password", "Remove the password", remove, "danger"),
    ),
  );
}

function ask(page, site, save) {
  const set = site.settings.password_set;
  const password = textField(
    "Password",
    { type: "password", required: true, maxlength: "200", autocomplete: "new-password" },
    "Tell it to whoever may see the site. It cannot be read back here.",
  );
  const shown = h("input", { type: "checkbox" });
  shown.addEventListener("change", () => (password.input.type = shown.checked ? "text" : "password"));
  formDialog({
    title: set ? "Change the password" : "Set a password",
    fields: [
      password.element,
      h("label", { class: "choice" }, shown, h("span", null, h("strong", null, "Show what I type"))),
      set && h("p", { class: "muted" }, "Everybody is asked again: the old one gets nobody in from then on."),
    ].filter(Boolean),
    action: set ? "Change the password" : "Set the password",
    async submit() {
      await save({ password: password.input.value });
      toast(set ? "The password is changed" : "The site asks for the password now");
      page.reload();
    },
  });
  password.input.focus();
}

function remove(page, site, save) {
  formDialog({
    title: "Remove the password?",
    fields: [h("p", null, "Everybody who has the address sees the site at once.")],
    action: "Remove the password",
    danger: true,
    async submit() {
      await save({ password: null });
      toast("The site asks for no password any more");
      page.reload();
    },
  });
}
