"""Signatures of webhooks, by Standard Webhooks; the library is loaded when the first one is made."""

from collections.abc import Sequence
from datetime import datetime


def headers(secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return what tells a receiver that these bytes are ours: one signature with each secret, in their order."""
    from standardwebhooks import Webhook

    text = body.decode()
    signed = (Webhook(secret).sign(message_id, at, text) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
    }
