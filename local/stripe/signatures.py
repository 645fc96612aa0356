"""The signature of webhooks, as Stripe's documentation describes it: HMAC-SHA256 of the time, a dot and the body."""

import hmac
from hashlib import sha256


def signature(secret: str, body: str, at: int) -> str:
    """Return the header `Stripe-Signature` of a body that is sent at `at`, in seconds since 1970."""
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), sha256).hexdigest()
    return f"t={at},v1={digest}"
