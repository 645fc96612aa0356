"""Access tokens: ES256 JWTs, valid for 15 minutes."""

import json
from datetime import UTC, datetime
from typing import Any

import jwt

from shared.access.permissions import AccountRole
from shared.access.principal import LIFE_SECONDS, Principal

ISSUER = "kinora"
AUDIENCE = "kinora-api"
_LEEWAY_SECONDS = 5


class TokenRefused(Exception):
    """The token was not issued by Kinora, or it is not valid now."""


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


def verify(token: str, *, verification_keys: str, at: datetime) -> Principal:
    """Return the principal of a token. Raise TokenRefused if the token is not valid at `at`.

    `verification_keys` is the secret's JSON `{kid: public pem}`.
    """
    try:
        header = jwt.get_unverified_header(token)
        pem = json.loads(verification_keys).get(header.get("kid"))
        if header.get("typ") != "at+jwt" or pem is None:
            raise TokenRefused("unknown key, or not an access token")
        # Times are checked below: pyjwt accepts numeric strings and has no maximum lifetime.
        options: Any = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub", "iss", "aud"]}
        claims = jwt.decode(token, pem, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER, options=options)
    except (jwt.InvalidTokenError, ValueError, TypeError) as error:
        raise TokenRefused(str(error)) from None
    issued, expires, now = claims["iat"], claims["exp"], at.timestamp()
    user_id, scope, session_id = claims["sub"], claims.get("scope"), claims.get("sid")
    if type(issued) is not int or type(expires) is not int or not isinstance(user_id, str):
        raise TokenRefused("claims of the wrong type")
    if not all(claim is None or isinstance(claim, str) for claim in (scope, session_id)):
        raise TokenRefused("claims of the wrong type")
    if not 0 < expires - issued <= LIFE_SECONDS or issued > now + _LEEWAY_SECONDS or expires <= now:
        raise TokenRefused("expired, or not yet valid")
    scopes = None if scope is None else frozenset(scope.split())
    return Principal(
        user_id,
        account_id=user_id,  # a user owns one account
        role=AccountRole.OWNER,
        expires_at=datetime.fromtimestamp(expires, UTC),
        scopes=scopes,
        session_id=session_id,
    )
