"""Chains of keys: a key is published one period before it signs and is accepted one period after it signed. Pure.

A process reads its secrets once and runs for hours at most. A whole period passes between publishing and signing, so
every process knows the key of every signature, and a rotation signs no user out.
"""

import json
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

UNSET = "unset"  # the only field of a secret that the template created and that has no value yet
Key = dict[str, str]  # {"kid", "pem"}


@dataclass(frozen=True, slots=True)
class Chain:
    """The key that signs now, the next key, and the public half of the previous key."""

    current: Key
    next: Key
    previous: Key | None = None  # {"kid", "public"}

    @property
    def text(self) -> str:
        """The secret's text: `{"kid", "pem"}` of the current key, and the rest of the chain."""
        return json.dumps({**self.current, "next": self.next, "previous": self.previous})

    @property
    def public(self) -> dict[str, str]:
        """`{kid: public pem}` of the previous, the current and the next key."""
        accepted = {key["kid"]: public_pem(key["pem"]) for key in (self.current, self.next)}
        return accepted | ({self.previous["kid"]: self.previous["public"]} if self.previous else {})

    def rolled(self, fresh: Key) -> "Chain":
        """Return the chain of the next period: the next key signs, and `fresh` is the next key."""
        retired = {"kid": self.current["kid"], "public": public_pem(self.current["pem"])}
        return Chain(current=self.next, next=fresh, previous=retired)


def read_chain(text: str) -> Chain:
    """Return the chain of a secret's text."""
    known = json.loads(text)
    return Chain({"kid": known["kid"], "pem": known["pem"]}, known["next"], known["previous"])


def is_unset(text: str) -> bool:
    return text.startswith("{") and UNSET in json.loads(text)


def token_key() -> Key:
    """Return a new ES256 key, named by its fingerprint."""
    pem = _pem(ec.generate_private_key(ec.SECP256R1()))
    return {"kid": sha256(public_pem(pem).encode()).hexdigest()[:16], "pem": pem}


def media_pem() -> str:
    """Return a new RSA key of 2048 bits, the only size that CloudFront accepts."""
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def first_symmetric_keys() -> str:
    return f"{secrets.token_hex(32)} {secrets.token_hex(32)}"


def rolled_symmetric_keys(text: str) -> str:
    """Return `current next previous` in hexadecimal. The first key signs; each key is accepted."""
    current, following, *_ = text.split()
    return f"{following} {secrets.token_hex(32)} {current}"


def public_pem(private_pem: str) -> str:
    public = serialization.load_pem_private_key(private_pem.encode(), None).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def _pem(key: Any) -> str:
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return bytes(key.private_bytes(*encoding)).decode()
