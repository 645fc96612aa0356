"""The Idempotency-Key header: a request that is sent twice has one effect and the same response."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from shared.aws.transactions import Transaction
from shared.idempotency.once import OneEffect
from shared.rest.caller import Caller
from shared.rest.event import event


@dataclass(frozen=True, slots=True)
class OnceRequest:
    """A request with or without an Idempotency-Key."""

    effect: OneEffect

    def respond(self, effect: Callable[[Transaction], BaseModel], *, status: int) -> Response:
        """Run `effect` at most once and return its view. A replay has the header `Idempotent-Replayed`."""
        result = self.effect.run(effect)
        headers = {"Idempotent-Replayed": "true"} if result.replayed else None
        return Response(result.view, status, headers, media_type="application/json")


async def _once(
    request: Request,
    caller: Caller,
    idempotency_key: Annotated[str | None, Header(pattern=r"^[\x21-\x7e]{1,128}$")] = None,
) -> OnceRequest:
    if idempotency_key is None:
        return OnceRequest(OneEffect(None, ""))
    # Another library writes the same body with other whitespace, and may order its fields differently.
    sent = json.loads((event(request).get("body") or "null").encode("utf-8", "surrogatepass"))
    body = json.dumps(sent, sort_keys=True)
    key = f"{caller.user_id}#{request.method} {request.url.path}#{idempotency_key}"
    return OnceRequest(OneEffect(key, sha256(body.encode()).hexdigest()))


Once = Annotated[OnceRequest, Depends(_once)]
