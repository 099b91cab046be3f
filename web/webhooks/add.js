// Adding a webhook: an address, and what kind of receiver is behind it.
import { send } from "../api.js";
import { h } from "../dom.js";
import { formDialog } from "../parts/dialog.js";
import { choices, textField } from "../parts/fields.js";
import { toast } from "../parts/toast.js";
import { showWebhookSecret } from "./secret.js";
import { guess } from "./words.js";

export function addWebhook(page, site) {
  const url = textField(
    "Address",
    {
      type: "url",
      required: true,
      maxlength: "2000",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "https://example.com/hooks/forms",
    },
    "Each submission is posted to it, as soon as it is stored.",
  );
  const kind = choices("What is behind it", "radio", [
    ["generic", "A program of yours", "JSON, signed with a secret that you get now."],
    ["slack", "Slack", "A message in a channel, by the address of an incoming webhook."],
    ["discord", "Discord", "A message in a channel, by the address of a channel’s webhook."],
  ]);
  // the address says it in nearly every case; who chooses by hand is not overruled
  let byHand = false;
  for (const input of kind.inputs) input.addEventListener("change", () => (byHand = true));
  url.input.addEventListener("input", () => {
    if (byHand) return;
    const type = guess(url.input.value.trim());
    for (const input of kind.inputs) input.checked = input.value === type;
  });
  formDialog({
    title: "Add a webhook",
    fields: [url.element, kind.element],
    action: "Add the webhook",
    wide: true,
    async submit(dialog) {
      const body = { url: url.input.value.trim(), type: kind.chosen()[0] };
      const made = await send("POST", `/webhooks/${site.id}`, body);
      if (!made.secret) {
        toast("The webhook is added");
        page.reload();
        return null;
      }
      showWebhookSecret(dialog, {
        title: "The webhook’s secret",
        secret: made.secret,
        text: "Every delivery is signed with it, so that your program can tell them from what others send.",
        done: page.reload,
      });
      return dialog;
    },
  });
  url.input.focus();
}
