"""The quotas table: one token bucket for each principal and class of routes."""

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute

from shared.aws.records import OnDemand, Record, table


class QuotaRecord(Record):
    """A bucket that is not full. Each request moves the time at which it is full again (GCRA, ITU-T I.371)."""

    class Meta(OnDemand):
        table_name = table("quotas")

    bucket = UnicodeAttribute(hash_key=True)  # class and principal; of an address, its digest
    full_at_ms = NumberAttribute()  # milliseconds since 1970
    expires_at = TTLAttribute()
