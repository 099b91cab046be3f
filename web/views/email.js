// Changing the account's address: a code to the old one and a code to the new one.
import { send } from "../api.js";
import { h } from "../dom.js";
import { formDialog } from "../parts/dialog.js";
import { textField } from "../parts/fields.js";
import { toast } from "../parts/toast.js";
import { moment } from "../words.js";

/** Ask for the new address, then for both codes. */
export function changeEmail(page, current) {
  const address = textField("New address", {
    type: "email",
    required: true,
    maxlength: "320",
    autocomplete: "email",
    placeholder: "you@example.com",
  });
  formDialog({
    title: "Change your address",
    fields: [
      h(
        "p",
        { class: "muted" },
        `We mail a code to ${current} and another to the new address, so that both are known to be yours.`,
      ),
      address.element,
    ],
    action: "Send both codes",
    async submit(dialog) {
      const email = address.input.value.trim();
      const sent = await send("POST", "/auth/email", { email });
      dialog.close();
      askCodes(page, current, email, sent.expires_at);
      return dialog;
    },
  });
  address.input.focus();
}

function askCodes(page, current, email, until) {
  const attributes = {
    required: true,
    inputmode: "numeric",
    autocomplete: "off",
    maxlength: "11",
    class: "code-field",
    placeholder: "000000",
  };
  const [old, fresh] = [
    textField(`Code sent to ${current}`, attributes),
    textField(`Code sent to ${email}`, attributes),
  ];
  formDialog({
    title: "Type both codes",
    fields: [
      h("p", { class: "muted" }, `They work until ${moment(until)}. Nothing changes until both are right.`),
      old.element,
      fresh.element,
    ],
    action: "Change the address",
    async submit() {
      const answer = await send("POST", "/auth/email/confirm", {
        current_code: old.input.value.trim(),
        new_code: fresh.input.value.trim(),
      });
      toast(`Your address is now ${answer.email}`);
      page.about.email = answer.email;
      page.reload();
    },
  });
  old.input.focus();
}
