"""The signature of a delivery, as Standard Webhooks 1.0.0 specifies it (https://www.standardwebhooks.com)."""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256

PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def headers(event_id: str, body: str, whole_secrets: Iterable[str], *, at: datetime) -> Mapping[str, str]:
    """Return the headers of a request at `at`, with a signature by each of the secrets."""
    seconds = str(int(at.timestamp()))
    signed = f"{event_id}.{seconds}.{body}".encode()
    digests = [hmac.new(_key(text), signed, sha256).digest() for text in whole_secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{b64encode(digest).decode()}" for digest in digests),
    }


def _key(text: str) -> bytes:
    return b64decode(text.removeprefix(PREFIX))
