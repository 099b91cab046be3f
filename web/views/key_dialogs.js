// What is done to a key: another name, another key in its place, its end, and the end of all of them.
import { send } from "../api.js";
import { h } from "../dom.js";
import { confirmTyped, formDialog } from "../parts/dialog.js";
import { choices, textField } from "../parts/fields.js";
import { showSecret } from "../parts/secret.js";
import { toast } from "../parts/toast.js";
import { count } from "../words.js";

export function renameKey(page, key) {
  const name = textField("Name", { maxlength: "100", required: true, autocomplete: "off", value: key.name });
  formDialog({
    title: `Rename “${key.name}”`,
    fields: [name.element],
    action: "Rename",
    async submit() {
      await send("PATCH", `/keys/${key.id}`, { name: name.input.value.trim() });
      toast("Renamed");
      page.reload();
    },
  });
  name.input.select();
}

export function rotateKey(page, key) {
  const grace = choices("When does the old key end?", "radio", [
    ["3600", "In an hour", "Time to put the new one in place."],
    ["86400", "In 24 hours", "For programs that are restarted once a day."],
    ["0", "At once", "When it may be in the wrong hands."],
  ]);
  formDialog({
    title: `Rotate “${key.name}”`,
    fields: [
      h("p", { class: "muted" }, "You get a new key with the same name, access and end. It is shown once."),
      grace.element,
    ],
    action: "Rotate the key",
    async submit(dialog) {
      const seconds = Number(grace.chosen()[0]);
      const made = await send("POST", `/keys/${key.id}/rotate`, { grace_seconds: seconds });
      const old = seconds
        ? `The old one works for ${seconds === 3600 ? "another hour" : "another 24 hours"}.`
        : "The old one has ended.";
      showSecret(dialog, {
        title: "Your new key",
        plaintext: made.key,
        text: `It takes the place of “${key.name}”. ${old}`,
        done: page.reload,
      });
      return dialog;
    },
  });
}

export function revokeKey(page, key) {
  confirmTyped({
    title: `Revoke “${key.name}”`,
    text: ["Programs that use it are refused from now on. This cannot be undone; your other keys stay as they are."],
    word: key.name,
    label: "To confirm, type its name:",
    action: "Revoke the key",
    async submit() {
      await send("DELETE", `/keys/${key.id}`);
      toast(`“${key.name}” is revoked`);
      page.reload();
    },
  });
}

export function revokeAll(page) {
  const keep = h("input", { type: "checkbox", checked: true });
  confirmTyped({
    title: "Revoke everything",
    text: [
      "Every key ends at once, and every browser is logged out. Programs that use your keys need new ones. This cannot be undone.",
    ],
    fields: [h("label", { class: "choice" }, keep, h("span", null, h("strong", null, "Keep this browser logged in")))],
    word: "revoke everything",
    label: "To confirm, type:",
    action: "Revoke everything",
    async submit() {
      const ended = await send("POST", "/keys/revoke-all", { keep_current: keep.checked });
      if (!keep.checked) return location.assign("/login?ended=1");
      toast(`${count(ended.keys, "key")} and ${count(ended.sessions, "browser")} ended`);
      return page.reload();
    },
  });
}
