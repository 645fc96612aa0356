"""Lambda authorizer: it turns an access token, a key or a socket's ticket into a policy and the caller's context.

The modules of keys and tickets are imported at the first one: a cold start for a token does not need DynamoDB. A
snapshot contains them.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.access.bearer import TokenRefused, verify
from shared.access.permissions import AccountRole
from shared.access.principal import LIFE_SECONDS, Principal
from shared.aws.init import prepare
from shared.aws.lone_secret import lone_secret
from shared.core.clock import utc_now
from shared.observability import Expected, logger, observed

if TYPE_CHECKING:  # see above
    from shared.credentials.socket_tickets import SocketTicketStore
    from shared.keys.store import ApiKeyStore


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a TOKEN or REQUEST authorizer event. Raise `Unauthorized`, which API Gateway turns into 401."""
    try:
        principal = _principal(event, utc_now())
    except TokenRefused as refused:
        logger.info("token refused", reason=str(refused))
        raise Expected("Unauthorized") from None  # API Gateway requires this text
    return {
        "principalId": principal.user_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": _whole_stage(event["methodArn"])}
            ],
        },
        "context": principal.context(),
    }


def _principal(event: dict[str, Any], at: datetime) -> Principal:
    """Return the caller. Raise TokenRefused."""
    ticket = (event.get("queryStringParameters") or {}).get("ticket")
    if ticket and event["requestContext"].get("eventType") == "CONNECT":
        return _of_ticket(ticket, at)
    token = _bearer(event)
    if token.startswith("kin_"):
        return _of_key(token, at)
    return verify(token, verification_keys=lone_secret("access-token-verification-keys"), at=at)


def _stores() -> "tuple[SocketTicketStore, ApiKeyStore]":
    """Return the stores of tickets and of keys, with their client."""
    from shared.aws.records import dynamodb  # noqa: PLC0415  # see above
    from shared.credentials.socket_tickets import socket_tickets  # noqa: PLC0415  # see above
    from shared.keys.store import api_keys  # noqa: PLC0415  # see above

    dynamodb()
    return socket_tickets, api_keys


def _of_ticket(ticket: str, at: datetime) -> Principal:
    tickets, _ = _stores()
    context = tickets.take(ticket, at=at)
    if context is None:
        raise TokenRefused("no such ticket")
    return Principal.from_context(context)


def _of_key(text: str, at: datetime) -> Principal:
    """Return the user of the key, with the key's scopes. Its use ends as early as the use of a token."""
    _, keys = _stores()
    key = keys.open(text, at=at)
    if key is None:
        raise TokenRefused("no such key")
    expires = at + timedelta(seconds=LIFE_SECONDS)
    return Principal(
        key.user_id,
        account_id=key.user_id,
        role=AccountRole.OWNER,
        expires_at=min(expires, key.expires_at or expires),
        scopes=frozenset(map(str, key.scopes)),
        key_id=key.key_id,
    )


def _bearer(event: dict[str, Any]) -> str:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    kind, _, token = (event.get("authorizationToken") or headers.get("authorization") or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise TokenRefused("no bearer token")
    return token.strip()


def _whole_stage(method_arn: str) -> str:
    """Return `arn:...:api/stage/*`. API Gateway caches the policy, so it must allow every route of the stage."""
    api, stage, *_ = method_arn.split("/")
    return f"{api}/{stage}/*"


prepare(snapshot=(_stores,))
