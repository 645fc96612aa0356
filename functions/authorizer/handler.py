"""Lambda authorizer: it turns an ES256 access token into a stage-wide policy and the caller's context."""

from typing import Any

from shared.access.tokens import TokenRefused, verify
from shared.aws.secrets import secret
from shared.core.clock import utc_now
from shared.observability import Expected, logger, observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a TOKEN or REQUEST authorizer event. Raise `Unauthorized`, which API Gateway turns into 401."""
    try:
        principal = verify(_bearer(event), verification_keys=secret("access-token-verification-keys"), at=utc_now())
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
