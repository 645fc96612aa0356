"""Access tokens: ES256 JWTs, valid for 15 minutes."""

import json
from datetime import datetime

import jwt

from shared.access.bearer import AUDIENCE, ISSUER
from shared.access.principal import LIFE_SECONDS


def issue(
    user_id: str,
    *,
    signing_key: str,
    at: datetime,
    scopes: frozenset[str] | None = None,
    session_id: str | None = None,
) -> str:
    """Return a token for the user, of this session.

    `signing_key` is the secret's JSON `{"kid", "pem"}`. The token is restricted to `scopes`, unless they are None.
    """
    key = json.loads(signing_key)
    now = int(at.timestamp())
    claims: dict[str, str | int] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user_id,
        "iat": now,
        "exp": now + LIFE_SECONDS,
    }
    if scopes is not None:
        claims["scope"] = " ".join(sorted(scopes))  # RFC 9068, section 2.2.3
    if session_id is not None:
        claims["sid"] = session_id  # the name in OpenID Connect
    return jwt.encode(claims, key["pem"], algorithm="ES256", headers={"kid": key["kid"], "typ": "at+jwt"})
