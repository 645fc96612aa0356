"""The table of what is known about providers: the circuit of each engine, and what the requests of a day may cost."""

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class ProviderStateRecord(Record):
    """A circuit (`circuit#runway-gen4.5`) or a day (`day#2026-11-27`, in UTC)."""

    class Meta(OnDemand):
        table_name = table("provider-states")

    name = UnicodeAttribute(hash_key=True)
    failures = NumberAttribute(null=True)  # of a circuit: failures in a row that are the provider's fault
    probe_at = UTCDateTimeAttribute(null=True)  # of an open circuit: when the next job may try the engine
    cents = NumberAttribute(null=True)  # of a day: list prices of its requests, in US cents
    expires_at = TTLAttribute(null=True)  # of a day
