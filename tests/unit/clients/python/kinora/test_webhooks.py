"""The signatures are those of the library that Standard Webhooks publishes."""

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from clients.python.kinora.errors import BadWebhook
from clients.python.kinora.webhooks import verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps({"type": "job.completed", "data": {"id": "job_1"}})
SENT = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NOW = SENT.timestamp() + 20


def headers(secret: str = SECRET, body: str = BODY) -> dict[str, str]:
    signature = Webhook(secret).sign("msg_1", SENT, body)
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(SENT.timestamp())), "Webhook-Signature": signature}


def test_a_signed_webhook_is_read() -> None:
    assert verify(BODY, headers(), SECRET, now=NOW)["type"] == "job.completed"
    assert verify(BODY.encode(), headers(), SECRET, now=NOW)["data"] == {"id": "job_1"}


def test_one_of_several_signatures_is_enough() -> None:
    """While a secret changes, the studio signs with the old one and the new one."""
    sent = headers()
    sent["Webhook-Signature"] = f"v1,AAAA {sent['Webhook-Signature']}"
    assert verify(BODY, sent, SECRET, now=NOW)


@pytest.mark.parametrize(("body", "sent", "now"), [
    (BODY + " ", headers(), NOW),
    (BODY, headers("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), NOW),
    (BODY, headers() | {"Webhook-Id": "msg_2"}, NOW),
    (BODY, headers() | {"Webhook-Timestamp": "soon"}, NOW),
    (BODY, headers() | {"Webhook-Signature": ""}, NOW),
    (BODY, {}, NOW),
    (BODY, headers(), NOW + 300),
    (BODY, headers(), NOW - 600),
], ids=["body", "secret", "id", "timestamp", "signature", "headers", "old", "future"])  # fmt: skip
def test_a_webhook_that_the_studio_did_not_send_now_is_refused(body: str, sent: dict[str, str], now: float) -> None:
    with pytest.raises(BadWebhook):
        verify(body, sent, SECRET, now=now)
