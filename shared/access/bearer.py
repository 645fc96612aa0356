"""The check of an access token: an ES256 JWT that `shared/access/tokens.py` has issued.

It uses cryptography alone. pyjwt also imports certificates and a client of key servers, and the authorizer runs before
most requests.
"""

import json
import re
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from shared.access.permissions import AccountRole
from shared.access.principal import LIFE_SECONDS, Principal

ISSUER = "kinora"
AUDIENCE = "kinora-api"
_LEEWAY_SECONDS = 5
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})")  # a signature has 64 bytes


class TokenRefused(Exception):
    """The token was not issued by Kinora, or it is not valid now."""


def verify(token: str, *, verification_keys: str, at: datetime) -> Principal:
    """Return the principal of a token. Raise TokenRefused if the token is not valid at `at`.

    `verification_keys` is the secret's JSON `{kid: public pem}`.
    """
    claims = _signed_claims(token, json.loads(verification_keys))
    if claims.get("iss") != ISSUER or claims.get("aud") != AUDIENCE or "nbf" in claims:
        raise TokenRefused("not a token for this API")
    issued, expires, now = claims.get("iat"), claims.get("exp"), at.timestamp()
    user_id, scope, session_id = claims.get("sub"), claims.get("scope"), claims.get("sid")
    if type(issued) is not int or type(expires) is not int or not isinstance(user_id, str):
        raise TokenRefused("claims are missing or of the wrong type")
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


def _signed_claims(token: str, keys: dict[str, str]) -> dict[str, Any]:
    """Return the claims, whose signature is of one of the keys. Raise TokenRefused."""
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise TokenRefused("not a signed token")
    header = _object(parts[1])
    kid = header.get("kid")
    # Our tokens have these three fields. Any other one, such as `crit` or `jwk`, could ask for another check.
    if header != {"alg": "ES256", "typ": "at+jwt", "kid": kid} or not isinstance(kid, str) or kid not in keys:
        raise TokenRefused("unknown key, or not an access token")
    key = load_pem_public_key(keys[kid].encode())
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TokenRefused("the key is not for ES256")
    both = _decoded(parts[3])
    r, s = (int.from_bytes(half) for half in (both[:32], both[32:]))
    try:
        key.verify(encode_dss_signature(r, s), f"{parts[1]}.{parts[2]}".encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise TokenRefused("the signature is wrong") from None
    return _object(parts[2])


def _object(part: str) -> dict[str, Any]:
    """Return the JSON object of a part. Raise TokenRefused for other JSON, and for other text."""
    try:
        found = json.loads(_decoded(part))
    except (ValueError, RecursionError) as error:
        raise TokenRefused(type(error).__name__) from None
    if not isinstance(found, dict):
        raise TokenRefused("not an object")
    return found


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
