"""What every record shares: the environment's table prefix and one DynamoDB client for all of them."""

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
    """Full name of a table in this environment; reading it never fails."""
    return f"{os.environ.get('KINORA_TABLE_PREFIX', 'kinora-local')}-{name}"


@cache
def connection() -> Connection:
    """The one connection: pynamodb would build a client of its own (60 ms) for each record."""
    return Connection(region=REGION)


class Record(Model):
    """Base of all records."""

    @classmethod
    def _get_connection(cls) -> TableConnection:
        known = cls._connection is not None
        own = super()._get_connection()
        if not known:
            one = connection()
            one.add_meta_table(own.connection.get_meta_table(own.table_name))
            own.connection = one
        return own

    def update(self, *args: Any, **kwargs: Any) -> Any:
        """As pynamodb's, and again after a moment when a transaction was just writing the same item."""
        for attempt in stamina.retry_context(
            on=_met_a_transaction, attempts=8, wait_initial=0.02, wait_max=0.5, wait_jitter=0.1
        ):
            with attempt:
                answer = super().update(*args, **kwargs)
        return answer


def _met_a_transaction(error: Exception) -> bool:
    return isinstance(error, PynamoDBException) and error.cause_response_code == "TransactionConflictException"


@contextmanager
def on_refusal(otherwise: Exception) -> Iterator[None]:
    """Raise `otherwise` when the condition of the one write inside does not hold."""
    try:
        yield
    except (UpdateError, PutError, DeleteError) as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
            raise otherwise from None
        raise


class EpochAttribute(Attribute[datetime]):
    """A moment, to the millisecond, as a number: a fifth of the bytes of an ISO string on hot items."""

    attr_type = NUMBER

    def serialize(self, value: datetime) -> str:
        return f"{value.timestamp():.3f}"

    def deserialize(self, value: str) -> datetime:
        return datetime.fromtimestamp(float(value), UTC)


class OnDemand:
    """Meta of every table: pay per request, in this region."""

    region = REGION
    billing_mode = "PAY_PER_REQUEST"
