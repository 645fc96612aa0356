"""The base of all records: the environment's table prefix and one DynamoDB client."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import stamina
from pynamodb.attributes import Attribute
from pynamodb.connection import Connection, TableConnection
from pynamodb.constants import NUMBER
from pynamodb.exceptions import DeleteError, PutError, PynamoDBException, UpdateError
from pynamodb.models import Model

REGION = os.environ.get("AWS_REGION", "us-east-1")


def table(name: str) -> str:
    """Return the full name of a table in this environment."""
    return f"{os.environ.get('KINORA_TABLE_PREFIX', 'kinora-local')}-{name}"


@cache
def connection() -> Connection:
    """Return the shared connection. Without it pynamodb creates one client (60 ms) for each record."""
    return Connection(region=REGION)


class Record(Model):
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

    def update(self, *args: Any, **kwargs: Any) -> Any:
        """Update the item, and retry while a transaction writes the same item."""
        for attempt in stamina.retry_context(
            on=_is_transaction_conflict, attempts=8, wait_initial=0.02, wait_max=0.5, wait_jitter=0.1
        ):
            with attempt:
                answer = super().update(*args, **kwargs)
        return answer


def _is_transaction_conflict(error: Exception) -> bool:
    return isinstance(error, PynamoDBException) and error.cause_response_code == "TransactionConflictException"


@contextmanager
def on_refusal(otherwise: Exception) -> Iterator[None]:
    """Raise `otherwise` if the condition of the write in the block is false."""
    try:
        yield
    except (UpdateError, PutError, DeleteError) as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
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
