"""Completed requests with an idempotency key, and their responses."""

from pynamodb.attributes import TTLAttribute, UnicodeAttribute

from shared.aws.records import OnDemand, Record, table


class IdempotencyRecord(Record):
    class Meta(OnDemand):
        table_name = table("idempotency")

    request_key = UnicodeAttribute(hash_key=True)  # principal, route and Idempotency-Key
    body_hash = UnicodeAttribute()
    response = UnicodeAttribute()  # JSON
    expires_at = TTLAttribute()
