"""One effect for each idempotency key: a repeated request gets the response of the first."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel

from shared.aws.transactions import Transaction, transaction
from shared.core.clock import utc_now
from shared.core.errors import AppError
from shared.idempotency.record import IdempotencyRecord
from shared.idempotency.store import AnsweredAlready, answers


@dataclass(frozen=True, slots=True)
class OnceResult:
    """The JSON of an effect's view. `replayed` is True if an earlier request had the effect."""

    view: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class OneEffect:
    """Runs an effect's transaction once for each key. Without a key, it runs each time."""

    request_key: str | None
    body_hash: str

    def run(self, effect: Callable[[Transaction], BaseModel]) -> OnceResult:
        """Run `effect`, which adds its writes to the transaction and returns the view.

        If `effect` raises, nothing is written. If another request with the key had its effect in the meantime, return
        that one's answer. Raise KeyReused if the key was used with another body.
        """
        if known := self._known():
            return OnceResult(known.response, replayed=True)
        try:
            with transaction() as tx:
                view = effect(tx).model_dump_json(by_alias=True)
                if self.request_key is not None:
                    answers.remember(self.request_key, self.body_hash, response=view, at=utc_now(), tx=tx)
        except (AnsweredAlready, AppError):  # another request with the key may have had the effect in the meantime
            if known := self._known():
                return OnceResult(known.response, replayed=True)
            raise
        return OnceResult(view, replayed=False)

    def _known(self) -> IdempotencyRecord | None:
        if self.request_key is None:
            return None
        return answers.answer(self.request_key, self.body_hash, at=utc_now())
