"""One DynamoDB transaction that reads as its sentence: each write says what it means when its condition fails."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import stamina
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from shared.aws.records import Record, connection
from shared.observability import logger

Operation = dict[str, Any]


class Transaction:
    """Writes collected in order of what went wrong first; nothing is sent before the block ends."""

    def __init__(self) -> None:
        self._checks: list[tuple[Operation, Exception]] = []
        self._deletes: list[tuple[Operation, Exception]] = []
        self._puts: list[tuple[Operation, Exception]] = []
        self._updates: list[tuple[Operation, Exception]] = []
        self._after_commit: list[Callable[[], object]] = []

    def put(self, record: Record, condition: Condition | None = None, *, otherwise: Exception) -> None:
        self._puts.append((record.get_save_kwargs_from_instance(condition=condition), otherwise))

    def update(self, record: Record, actions: Sequence[Action], condition: Condition, *, otherwise: Exception) -> None:
        """Change the item with this record's key; its other attributes are not sent."""
        kwargs = record.get_update_kwargs_from_instance(
            actions=list(actions), condition=condition, return_values_on_condition_failure="NONE"
        )
        self._updates.append((kwargs, otherwise))

    def delete(self, record: Record, condition: Condition | None = None, *, otherwise: Exception) -> None:
        self._deletes.append((record.get_delete_kwargs_from_instance(condition=condition), otherwise))

    def check(self, record: type[Record], key: str, condition: Condition, *, otherwise: Exception) -> None:
        kwargs = record.get_operation_kwargs_from_class(key, condition=condition)
        self._checks.append((kwargs, otherwise))

    def after_commit(self, action: Callable[[], object]) -> None:
        """Call `action` after the writes are committed, in order of registration; never if they are not."""
        self._after_commit.append(action)

    def commit(self) -> None:
        """Send all writes; retries what DynamoDB asks to be retried, raises the first failed write's `otherwise`."""
        token = uuid4().hex  # a retry after a lost answer is then the same transaction, not a second one
        for attempt in stamina.retry_context(
            on=_worth_retrying, attempts=8, wait_initial=0.02, wait_max=0.5, wait_jitter=0.1
        ):
            with attempt:
                self._send(token)
        for action in self._after_commit:
            try:
                action()
            except Exception:  # noqa: BLE001  # the writes are committed: the caller must see their success
                logger.exception("action after commit failed")

    def _send(self, token: str) -> None:
        try:
            connection().transact_write_items(
                condition_check_items=[kwargs for kwargs, _ in self._checks],
                delete_items=[kwargs for kwargs, _ in self._deletes],
                put_items=[kwargs for kwargs, _ in self._puts],
                update_items=[kwargs for kwargs, _ in self._updates],
                client_request_token=token,
            )
        except TransactWriteError as error:
            # DynamoDB answers one reason a write, in the order in which pynamodb sends them.
            writes = [*self._checks, *self._deletes, *self._puts, *self._updates]
            for reason, (_, otherwise) in zip(error.cancellation_reasons, writes, strict=False):
                if reason is not None and reason.code == "ConditionalCheckFailed":
                    raise otherwise from None
            raise


@contextmanager
def transaction() -> Iterator[Transaction]:
    """All writes of the block, or none."""
    tx = Transaction()
    yield tx
    tx.commit()


_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}


def _worth_retrying(error: Exception) -> bool:
    if not isinstance(error, TransactWriteError):
        return False
    if error.cause_response_code in {"TransactionInProgressException", "ThrottlingException"}:
        return True
    return any(reason is not None and reason.code in _PASSING for reason in error.cancellation_reasons)
