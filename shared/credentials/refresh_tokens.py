"""Refresh tokens with rotation (RFC 9700, section 4.14).

A token is `family.seq.mac`. The MAC, made with the server's key, proves that the server issued the token. The family's
record proves that the token is current. The server can compute a token again if its answer was lost.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

COOKIE = "__Host-kinora-refresh"  # a browser accepts this prefix only for Secure cookies of one host


@dataclass(frozen=True, slots=True)
class RefreshToken:
    family_id: str
    seq: int

    def text(self, key: bytes) -> str:
        return f"{self.family_id}.{self.seq}.{self._mac(key)}"

    def _mac(self, key: bytes) -> str:
        digest = hmac.new(key, f"refresh:{self.family_id}:{self.seq}".encode(), sha256).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")


def read_refresh_token(text: str, key: bytes) -> RefreshToken | None:
    """Return the token in `text`, or None if this server did not issue it."""
    match text.split("."):
        case [family_id, seq, _] if seq.isascii() and seq.isdigit() and len(seq) < 10:
            token = RefreshToken(family_id, int(seq))
            return token if hmac.compare_digest(token.text(key).encode(), text.encode()) else None
    return None
