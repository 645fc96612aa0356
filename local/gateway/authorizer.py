"""Authorization as API Gateway does it: call the authorizer function and apply the policy that it returns."""

import fnmatch
import re
from collections.abc import Mapping
from typing import Any

from infra.functions import AUTHORIZER
from local.gateway.functions import FunctionFailed, Functions


class CallRefused(Exception):
    """The request is not allowed. `status` is 401, 403, or 500 when the authorizer itself failed."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


async def authorize(functions: Functions, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the authorizer's context for a REQUEST event. Raise CallRefused."""
    # The identity source of REST: without it API Gateway does not call the function. Sockets have none.
    if "httpMethod" in event and "Authorization" not in event["headers"]:
        raise CallRefused(401, "unauthorized", "Sign in first: this needs an access token.")
    try:
        answer = await functions.call_async(AUTHORIZER.name, dict(event))
    except FunctionFailed as error:
        if error.answer["errorMessage"] == "Unauthorized":
            raise CallRefused(401, "unauthorized", "The access token is not valid, or it has expired.") from None
        raise CallRefused(500, "authorizer_failed", "The authorizer failed.") from None
    if not allows(answer.get("policyDocument", {}), event["methodArn"]):
        raise CallRefused(403, "forbidden", "You may not do this.")
    context = {name: _text(value) for name, value in answer.get("context", {}).items()}
    return {**context, "principalId": answer["principalId"]}


def allows(policy: Mapping[str, Any], method_arn: str) -> bool:
    """Return whether an IAM policy allows invoking `method_arn`: at least one Allow and no Deny."""
    effects = {
        statement["Effect"]
        for statement in policy.get("Statement", ())
        if any(_matches(pattern, "execute-api:Invoke") for pattern in _many(statement["Action"]))
        and any(_matches(pattern, method_arn) for pattern in _many(statement["Resource"]))
    }
    return effects == {"Allow"}


def _many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _matches(pattern: str, text: str) -> bool:
    # IAM knows `*` and `?` only; fnmatch would also read `[...]`.
    return re.fullmatch(fnmatch.translate(pattern.replace("[", "[[]")), text) is not None


def _text(value: object) -> object:
    """Convert a context value to text, as API Gateway does."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
