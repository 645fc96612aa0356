"""Chains of keys: each is published one period before it signs, and still accepted one period after. Pure.

Processes keep secrets for as long as they live, hours at most. With a whole period between publishing and signing,
none of them ever meets a signature whose key it has not read, so nobody is signed out by a rotation.
"""

import json
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

UNSET = "unset"  # the one field of a secret that the template has made and nobody has filled yet
Key = dict[str, str]  # {"kid", "pem"}


@dataclass(frozen=True, slots=True)
class Chain:
    """The key that signs, the one that will, and the public half of the one that did."""

    current: Key
    next: Key
    previous: Key | None = None  # {"kid", "public"}

    @property
    def text(self) -> str:
        """The secret: `{"kid", "pem"}` of the current key for those who sign, and the rest of the chain."""
        return json.dumps({**self.current, "next": self.next, "previous": self.previous})

    @property
    def public(self) -> dict[str, str]:
        """`{kid: public pem}` of all whose signatures count, or soon will."""
        accepted = {key["kid"]: public_pem(key["pem"]) for key in (self.current, self.next)}
        return accepted | ({self.previous["kid"]: self.previous["public"]} if self.previous else {})

    def rolled(self, fresh: Key) -> "Chain":
        """One period later."""
        retired = {"kid": self.current["kid"], "public": public_pem(self.current["pem"])}
        return Chain(current=self.next, next=fresh, previous=retired)


def read_chain(text: str) -> Chain:
    """The chain that a secret's text holds."""
    known = json.loads(text)
    return Chain({"kid": known["kid"], "pem": known["pem"]}, known["next"], known["previous"])


def is_unset(text: str) -> bool:
    return text.startswith("{") and UNSET in json.loads(text)


def token_key() -> Key:
    """A new ES256 key, called by its fingerprint."""
    pem = _pem(ec.generate_private_key(ec.SECP256R1()))
    return {"kid": sha256(public_pem(pem).encode()).hexdigest()[:16], "pem": pem}


def media_pem() -> str:
    """A new RSA key of 2048 bits, the only size that CloudFront takes."""
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def first_refresh_keys() -> str:
    return f"{secrets.token_hex(32)} {secrets.token_hex(32)}"


def rolled_refresh_keys(text: str) -> str:
    """`current next previous`, in hexadecimal; tokens are made with the first and accepted with each."""
    current, following, *_ = text.split()
    return f"{following} {secrets.token_hex(32)} {current}"


def public_pem(private_pem: str) -> str:
    public = serialization.load_pem_private_key(private_pem.encode(), None).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def _pem(key: Any) -> str:
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return bytes(key.private_bytes(*encoding)).decode()
