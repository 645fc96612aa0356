"""The base of all records: the environment's table prefix and one DynamoDB client."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self

from botocore.exceptions import ClientError
from botocore.session import Session
from pynamodb.attributes import Attribute, AttributeContainer
from pynamodb.connection import Connection, TableConnection
from pynamodb.constants import NUMBER
from pynamodb.exceptions import DeleteError, PynamoDBException, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from shared.aws.clients import session
from shared.aws.failures import counted
from shared.observability import logger

_MOST_READ = 100  # DynamoDB's maximum number of items in one BatchGetItem
REGION = os.environ.get("AWS_REGION", "us-east-1")

ItemKey = str | tuple[str, str]  # the partition key, with the sort key if the table has one


def table(name: str) -> str:
    """Return the full name of a table in this environment."""
    return f"{os.environ.get('KINORA_TABLE_PREFIX', 'kinora-local')}-{name}"


class _Connection(Connection):
    """A connection that measures its failed calls, with the session of the other clients."""

    @property
    def session(self) -> Session:
        return session()

    @property
    def client(self) -> Any:
        known, current = self._client, super().client  # pynamodb makes another client if the first has no credentials
        return current if current is known else counted(current)


@cache
def connection() -> Connection:
    """Return the shared connection. Without it pynamodb creates one client (60 ms) for each record."""
    return _Connection(region=REGION)


def dynamodb() -> Any:
    """Return the client of all records."""
    return connection().client


class DecodedItem:
    """The decoding of a record, or of a map in one. They have no discriminator."""

    @classmethod
    def _instantiate(cls, attribute_values: dict[str, Any]) -> Self:
        """Return the record. pynamodb's own method sets each default twice, which takes half of the time."""
        one = cls.__new__(cls)
        AttributeContainer._container_deserialize(one, attribute_values)  # type: ignore[arg-type]  # it has both bases
        return one


class Record(DecodedItem, Model):
    """Base of all records."""

    @classmethod
    def _get_connection(cls) -> TableConnection:
        connected = cls._connection is not None
        own = super()._get_connection()
        if not connected:
            one = connection()
            one.add_meta_table(own.connection.get_meta_table(own.table_name))
            own.connection = one
        return own

    @classmethod
    def scan_page(cls, after: Any, limit: int) -> tuple[list[Self], Any]:
        """Return up to `limit` rows of the whole table, and the place where the next page begins (None at the end).

        The read is eventually consistent. A row that cannot be decoded is logged and left out.
        """
        page = cls._get_connection().scan(exclusive_start_key=after, limit=limit)
        rows = []
        for item in page["Items"]:
            try:
                rows.append(cls.from_raw_data(item))
            except Exception:  # noqa: BLE001  # one bad row must not stop the pass over the others
                logger.exception("row not readable", table=cls.Meta.table_name)
        return rows, page.get("LastEvaluatedKey")

    @classmethod
    def read_again(cls, rows: Iterable[Self]) -> list[Self]:
        """Return those of the rows that still exist, read consistently."""
        names = [name for name in (cls._hash_keyname, cls._range_keyname) if name]
        keys = [tuple(getattr(row, name) for name in names) for row in rows]
        return list(cls.batch_get((key if len(key) > 1 else key[0] for key in keys), consistent_read=True))

    # If the answer of a write is lost, botocore sends the write again. Its condition can then be false because of the
    # first sending. So after a refusal the item is read again: its state can be the success of this write.

    def update(  # type: ignore[override]  # our records have no versions, so the parameter about them is absent
        self,
        actions: Sequence[Action],
        condition: Condition | None = None,
        *,
        done: Callable[[Any], bool] = lambda _: False,
        returned: bool = True,
    ) -> None:
        """Update the item, and retry while a transaction writes the same item.

        If the condition is false, `done` receives the stored item. If it returns True, this update has made that item,
        and succeeds. If not `returned`, DynamoDB does not return the new item, and this record does not change: IAM
        refuses such an answer to a role that may write only some attributes.
        """
        with self._own_success(done, if_absent=False):
            if returned:
                retried(lambda: super(Record, self).update(list(actions), condition), on=_is_transaction_conflict)
            else:
                hash_key, range_key = self._get_hash_range_key_serialized_values()
                connected = self._get_connection()
                retried(
                    lambda: connected.update_item(
                        hash_key, range_key=range_key, actions=list(actions), condition=condition, return_values="NONE"
                    ),
                    on=_is_transaction_conflict,
                )

    def delete(self, *args: Any, **kwargs: Any) -> None:
        """Delete the item, and retry while a transaction writes it. Succeed if it is already deleted."""
        with self._own_success(lambda _: False, if_absent=True):
            retried(lambda: super(Record, self).delete(*args, **kwargs), on=_is_transaction_conflict)

    @contextmanager
    def _own_success(self, done: Callable[[Any], bool], *, if_absent: bool) -> Iterator[None]:
        try:
            yield
        except (UpdateError, DeleteError) as error:
            if not _is_refusal(error):
                raise
            stored = copy(self)
            try:
                stored.refresh(consistent_read=True)
                success = done(stored)
            except self.DoesNotExist:
                success = if_absent
            if not success:
                raise error from None
            self.attribute_values = stored.attribute_values


def read_together(
    keys: Mapping[type[Record], Iterable[ItemKey]], *, consistent: bool = False
) -> dict[type[Record], list[Any]]:
    """Return the items of several tables with these keys, in any order. One call reads 100 items."""
    found: dict[type[Record], list[Any]] = {record: [] for record in keys}
    wanted = [(record, _item_key(record, key)) for record, named in keys.items() for key in named]
    for start in range(0, len(wanted), _MOST_READ):
        tables: dict[str, Any] = {}
        for record, key in wanted[start : start + _MOST_READ]:
            request = tables.setdefault(record.Meta.table_name, {"Keys": [], "ConsistentRead": consistent})
            request["Keys"].append(key)
        while tables:
            answer = connection().dispatch("BatchGetItem", {"RequestItems": tables})
            for record in found:
                found[record] += map(record.from_raw_data, answer["Responses"].get(record.Meta.table_name, ()))
            tables = answer.get("UnprocessedKeys") or {}
    return found


def _item_key(record: type[Record], key: ItemKey) -> dict[str, dict[str, str]]:
    names, values = (record._hash_keyname, record._range_keyname), (key,) if isinstance(key, str) else key
    return {str(name): {"S": value} for name, value in zip(names, values, strict=False)}


def retried(write: Callable[[], object], *, on: Callable[[Exception], bool]) -> None:
    """Call `write`. After an error that `on` accepts, call it again, at most 8 times, with growing waits."""
    try:
        write()
    except Exception as error:
        if not on(error):
            raise
        import stamina  # noqa: PLC0415  # its import takes 12 ms, and most writes succeed

        for attempt in stamina.retry_context(on=on, attempts=8, wait_initial=0.02, wait_max=0.5, wait_jitter=0.1):
            with attempt:
                write()


def _is_transaction_conflict(error: Exception) -> bool:
    return isinstance(error, PynamoDBException) and response_code(error) == "TransactionConflictException"


def _is_refusal(error: PynamoDBException) -> bool:
    return response_code(error) == "ConditionalCheckFailedException"


def response_code(error: PynamoDBException) -> str | None:
    """Return the code of DynamoDB's answer, or None without an answer: pynamodb's own property raises then."""
    return error.cause.response["Error"]["Code"] if isinstance(error.cause, ClientError) else None


@contextmanager
def on_refusal(otherwise: Exception) -> Iterator[None]:
    """Raise `otherwise` if the condition of the write in the block is false."""
    try:
        yield
    except (UpdateError, DeleteError) as error:
        if _is_refusal(error):
            raise otherwise from None
        raise


class EpochAttribute(Attribute[datetime]):
    """A time as a number: seconds since 1970, with milliseconds. It has a fifth of the bytes of an ISO string."""

    attr_type = NUMBER

    def serialize(self, value: datetime) -> str:
        return f"{value.timestamp():.3f}"

    def deserialize(self, value: str) -> datetime:
        return datetime.fromtimestamp(float(value), UTC)


class OnDemand:
    """The `Meta` of every table: billed per request, in this region."""

    region = REGION
    billing_mode = "PAY_PER_REQUEST"
