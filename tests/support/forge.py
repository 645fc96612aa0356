"""Access tokens that the server did not issue, or would not issue at the given time."""

import json
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def es256_key() -> tuple[str, str]:
    """Return a new (private, public) key pair as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def claims(at: datetime, **changed: Any) -> dict[str, Any]:
    """Return the claims of a valid token with changes; a claim that is changed to None is omitted."""
    now = int(at.timestamp())
    claimed = {"iss": "kinora", "aud": "kinora-api", "sub": "usr_1", "iat": now, "exp": now + 900} | changed
    return {name: value for name, value in claimed.items() if value is not None}


def signed(claimed: object, private: str, **header: Any) -> str:
    """Return a token with any claims and header under a real ES256 signature; libraries refuse to make invalid ones."""
    headers = {"alg": "ES256", "kid": "k1", "typ": "at+jwt"} | header
    return _sealed({name: value for name, value in headers.items() if value is not None}, claimed, "ES256", private)


def refused_tokens(at: datetime, private: str, public: str) -> dict[str, str]:
    """Return tokens that are invalid at that time, by fault. `private` and `public` are the server's own pair."""
    good, now = claims(at), int(at.timestamp())
    elsewhere, _ = es256_key()
    genuine = signed(good, private)
    head, body, mac = genuine.split(".")
    other_body = signed(claims(at, sub="usr_2"), private).split(".")[1]
    return {
        "nothing": "",
        "no token at all": "hello",
        "not ASCII": "é.ü.ö",
        "no algorithm": signed(good, private, alg="none"),
        "no algorithm and no signature": signed(good, private, alg="none").rpartition(".")[0] + ".",
        "an HMAC with the public key": _sealed({"alg": "HS256", "kid": "k1", "typ": "at+jwt"}, good, "HS256", public),
        "another's signature under our key id": signed(good, elsewhere),
        "an unknown key id": signed(good, elsewhere, kid="k2"),
        "a key id that is a list": signed(good, private, kid=["k1"]),
        "a key id that is a path": signed(good, private, kid="../k1"),
        "no key id": signed(good, private, kid=None),
        "another type of token": signed(good, private, typ="JWT"),
        "the claims of another user": f"{head}.{other_body}.{mac}",
        "no signature": f"{head}.{body}.",
        "an expiry in a string": signed(claims(at, exp=str(now + 900)), private),
        "an expiry with a fraction": signed(claims(at, exp=now + 900.5), private),
        "an expiry that is true": signed(claims(at, exp=True), private),
        "no expiry": signed(claims(at, exp=None), private),
        "no time of issue": signed(claims(at, iat=None), private),
        "a lifetime of a century": signed(claims(at, exp=now + 100 * 365 * 86400), private),
        "a lifetime one second too long": signed(claims(at, exp=now + 901), private),
        "expired just now": signed(claims(at, iat=now - 900, exp=now), private),
        "issued in the future": signed(claims(at, iat=now + 60, exp=now + 900), private),
        "another audience": signed(claims(at, aud="another-api"), private),
        "no audience": signed(claims(at, aud=None), private),
        "another issuer": signed(claims(at, iss="another-issuer"), private),
        "no subject": signed(claims(at, sub=None), private),
        "a session that is a number": signed(claims(at, sid=7), private),
        "a subject that is a number": signed(claims(at, sub=7), private),
        "claims that are a list": signed([], private),
        "a header with deep nesting": _raw(b"[" * 6000) + "." + body + "." + mac,
        "a very long number": _raw(b'{"alg":' + b"9" * 6000 + b"}") + "." + body + "." + mac,
    }


def _raw(part: bytes) -> str:
    return jwt.utils.base64url_encode(part).decode()


def _sealed(header: dict[str, Any], claimed: object, algorithm: str, key: str) -> str:
    text = f"{_raw(json.dumps(header).encode())}.{_raw(json.dumps(claimed).encode())}"
    maker = jwt.get_algorithm_by_name(algorithm)
    # HMAC accepts any bytes here. `prepare_key` would refuse a public key, so it is not called.
    prepared = key.encode() if algorithm == "HS256" else maker.prepare_key(key)
    return f"{text}.{_raw(maker.sign(text.encode(), prepared))}"
