"""Idempotency-Key: a request sent twice has one effect and the same answer."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from shared.aws.transactions import Transaction, transaction
from shared.core.clock import utc_now
from shared.idempotency.record import IdempotencyRecord
from shared.idempotency.store import AnsweredAlready, answers
from shared.rest.caller import Caller
from shared.rest.event import event


@dataclass(frozen=True, slots=True)
class OneEffect:
    """Runs an effect's transaction once for each key; without a key, each time."""

    request_key: str | None
    body_hash: str

    def run(self, effect: Callable[[Transaction], BaseModel], *, status: int) -> Response:
        """`effect` adds its writes to the transaction and answers the view; nothing is written if it raises."""
        if known := self._known():
            return _again(known)
        try:
            with transaction() as tx:
                answer = effect(tx).model_dump_json(by_alias=True)
                if self.request_key is not None:
                    answers.remember(
                        self.request_key, self.body_hash, status=status, response=answer, at=utc_now(), tx=tx
                    )
        except AnsweredAlready:
            if known := self._known():
                return _again(known)
            raise
        return Response(answer, status, media_type="application/json")

    def _known(self) -> IdempotencyRecord | None:
        if self.request_key is None:
            return None
        return answers.answer(self.request_key, self.body_hash, at=utc_now())


def _again(known: IdempotencyRecord) -> Response:
    headers = {"Idempotent-Replayed": "true"}
    return Response(known.response, int(known.status), headers, media_type="application/json")


def _once(
    request: Request,
    caller: Caller,
    idempotency_key: Annotated[str | None, Header(pattern=r"^[\x21-\x7e]{1,128}$")] = None,
) -> OneEffect:
    body = event(request).get("body") or ""
    key = None if idempotency_key is None else f"{caller.user_id}#{request.method} {request.url.path}#{idempotency_key}"
    return OneEffect(key, sha256(body.encode("utf-8", "surrogatepass")).hexdigest())


Once = Annotated[OneEffect, Depends(_once)]
