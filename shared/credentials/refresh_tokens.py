"""Refresh tokens: derived from the server's key, so that a lost answer can be given again and a stolen one is noticed.

A token is `family.seq.mac`; the mac makes it authentic, the family's record makes it current. RFC 9700, section 4.14.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256


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
    """The token that this server once made, else None."""
    match text.split("."):
        case [family_id, seq, _] if seq.isascii() and seq.isdigit() and len(seq) < 10:
            token = RefreshToken(family_id, int(seq))
            return token if hmac.compare_digest(token.text(key).encode(), text.encode()) else None
    return None
