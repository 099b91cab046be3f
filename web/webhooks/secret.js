// A webhook's signing secret, shown in the one answer that has it, and how a receiver checks a signature with it.
import { h } from "../dom.js";
import { codeBlock } from "../parts/copy.js";
import { showSecret } from "../parts/secret.js";

const CHECK = `from standardwebhooks import Webhook

# raises WebhookVerificationError for what we have not sent
message = Webhook(secret).verify(body, headers)`;

/**
 * Show it.
 * @param {any} dialog
 * @param {{title: string, secret: string, text: string, done: () => void}} given
 */
export function showWebhookSecret(dialog, { title, secret, text, done }) {
  showSecret(dialog, {
    title,
    plaintext: secret,
    label: "The signing secret",
    text,
    loss: "Save the secret first: when this closes, it cannot be shown again.",
    done,
    more: h(
      "details",
      null,
      h("summary", null, "Check the signature in your receiver"),
      h(
        "p",
        { class: "muted small" },
        "Every delivery is signed by the Standard Webhooks rules; there are libraries for most languages. In Python:",
      ),
      codeBlock(CHECK, "Check a delivery"),
      h(
        "p",
        { class: "small" },
        h("a", { href: "/docs/api", target: "_blank", rel: "noopener" }, "What a delivery looks like"),
      ),
    ),
  });
}
