"""Verification of webhooks, by the rules of Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

from .errors import BadWebhook

if TYPE_CHECKING:
    from collections.abc import Mapping

TOLERANCE_SECONDS = 300.0


def verify(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str,
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
    now: float | None = None,
) -> dict[str, Any]:
    """Return the event of a webhook. Raise BadWebhook unless the studio signed it in the last `tolerance_seconds`.

    `body` is the raw body of the request: a body that was parsed and written again has another signature. A webhook
    can arrive twice, with the same header `webhook-id`. `now` is the time in seconds since 1970.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    try:
        id_, timestamp, signatures = (sent[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        age = (time.time() if now is None else now) - int(timestamp)
    except (KeyError, ValueError):
        raise BadWebhook("The webhook has no id, no timestamp or no signature.") from None
    if abs(age) > tolerance_seconds:
        raise BadWebhook("The webhook is too old, or from the future.")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise BadWebhook("The secret of the webhook is not one of the studio.") from None
    raw = body.encode() if isinstance(body, str) else body
    signed = hmac.digest(key, f"{id_}.{timestamp}.".encode() + raw, "sha256")
    expected = b"v1," + base64.b64encode(signed)
    matches = [hmac.compare_digest(expected, one.encode()) for one in signatures.split(" ")]
    if not any(matches):
        raise BadWebhook("The signature of the webhook is wrong.")
    event: dict[str, Any] = json.loads(raw)
    return event
