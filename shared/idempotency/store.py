"""One effect for each (principal, route, Idempotency-Key): the record is written in the transaction of the effect."""

from datetime import datetime, timedelta

from shared.aws.transactions import Transaction
from shared.core.errors import Invalid
from shared.idempotency.record import IdempotencyRecord

ANSWER_LIFE = timedelta(hours=24)


class KeyReused(Invalid):
    code = "idempotency_key_reused"


class AnsweredAlready(Exception):
    """An earlier request with this key had the effect. The transaction is not committed."""


class IdempotencyStore:
    def answer(self, request_key: str, body_hash: str, *, at: datetime) -> IdempotencyRecord | None:
        """Return the record of an earlier request, or None. Raise KeyReused if that request had another body."""
        try:
            known = IdempotencyRecord.get(request_key, consistent_read=True)
        except IdempotencyRecord.DoesNotExist:
            return None
        if known.expires_at <= at:  # the table's TTL may take days
            return None
        if known.body_hash != body_hash:
            raise KeyReused("This Idempotency-Key was used with another request.")
        return known

    def remember(self, request_key: str, body_hash: str, *, response: str, at: datetime, tx: Transaction) -> None:
        record = IdempotencyRecord(request_key, body_hash=body_hash, response=response, expires_at=at + ANSWER_LIFE)
        unknown = IdempotencyRecord.request_key.does_not_exist() | (IdempotencyRecord.expires_at <= at)
        tx.put(record, unknown, otherwise=AnsweredAlready())


answers = IdempotencyStore()
