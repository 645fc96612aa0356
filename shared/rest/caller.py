"""The principal that the authorizer put into the API Gateway event."""

from typing import Annotated

from fastapi import Depends, Request

from shared.access.principal import Principal
from shared.rest.event import event


def _caller(request: Request) -> Principal:
    facts = event(request)["requestContext"]["authorizer"]
    return Principal(user_id=facts["userId"], scopes=frozenset(facts.get("scopes", "").split()))


Caller = Annotated[Principal, Depends(_caller)]
