"""Tokens of known devices: browsers in which a user has signed in before.

A token is `device.mac`. The MAC, made with the server's key, binds the device to the user's email address.
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

DEVICE_COOKIE = "__Host-kinora-device"
DEVICE_SECONDS = 180 * 24 * 3600  # life of the cookie, which each sign-in renews


def device_token(device_id: str, *, email: str, key: bytes) -> str:
    digest = hmac.new(key, f"device:{device_id}:{email}".encode(), sha256).digest()
    return f"{device_id}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def read_device_token(text: str, *, email: str, key: bytes) -> str | None:
    """Return the device's id, or None if this server did not issue the token for this address."""
    device_id = text.partition(".")[0]
    authentic = hmac.compare_digest(device_token(device_id, email=email, key=key).encode(), text.encode())
    return device_id if authentic else None
