"""DynamoDB transactions. Each write has the exception that is raised if its condition fails."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from shared.aws.records import Record, connection, response_code, retried
from shared.observability import logger

Operation = dict[str, Any]


class Transaction:
    """The writes and checks of one transaction. `commit` sends them all at once."""

    def __init__(self) -> None:
        self._checks: list[tuple[Operation, Exception]] = []
        self._deletes: list[tuple[Operation, Exception]] = []
        self._puts: list[tuple[Operation, Exception]] = []
        self._updates: list[tuple[Operation, Exception]] = []
        self._after_commit: list[Callable[[], object]] = []

    def put(self, record: Record, condition: Condition | None = None, *, otherwise: Exception) -> None:
        self._puts.append((record.get_save_kwargs_from_instance(condition=condition), otherwise))

    def update(
        self, record: Record, actions: Sequence[Action], condition: Condition | None, *, otherwise: Exception
    ) -> None:
        """Change the item with this record's key. Only the attributes in `actions` are sent."""
        kwargs = record.get_update_kwargs_from_instance(
            actions=list(actions), condition=condition, return_values_on_condition_failure="NONE"
        )
        self._updates.append((kwargs, otherwise))

    def delete(self, record: Record, condition: Condition | None = None, *, otherwise: Exception) -> None:
        self._deletes.append((record.get_delete_kwargs_from_instance(condition=condition), otherwise))

    def check(
        self, record: type[Record], key: str, condition: Condition, *, sort: str | None = None, otherwise: Exception
    ) -> None:
        """Check the item with this key, and the sort key `sort` if its table has one."""
        kwargs = record.get_operation_kwargs_from_class(key, sort, condition=condition)
        self._checks.append((kwargs, otherwise))

    def after_commit(self, action: Callable[[], object]) -> None:
        """Call `action` after the commit, in order of registration. It is not called if the commit fails."""
        self._after_commit.append(action)

    def commit(self) -> None:
        """Send all writes, and retry transient errors. Raise `otherwise` of the first write whose condition fails."""
        token = uuid4().hex  # with this token, DynamoDB does not apply a retry twice if its answer was lost
        retried(lambda: self._send(token), on=_is_transient)
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
            # DynamoDB returns one reason per write, in the order in which pynamodb sends the writes.
            writes = [*self._checks, *self._deletes, *self._puts, *self._updates]
            for reason, (_, otherwise) in zip(error.cancellation_reasons, writes, strict=False):
                if reason is not None and reason.code == "ConditionalCheckFailed":
                    raise otherwise from None
            raise


@contextmanager
def transaction() -> Iterator[Transaction]:
    """Commit all writes of the block in one transaction. If the block raises, write nothing."""
    tx = Transaction()
    yield tx
    tx.commit()


_TRANSIENT = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}


def _is_transient(error: Exception) -> bool:
    if not isinstance(error, TransactWriteError):
        return False
    if response_code(error) in {"TransactionInProgressException", "ThrottlingException"}:
        return True
    return any(reason is not None and reason.code in _TRANSIENT for reason in error.cancellation_reasons)
