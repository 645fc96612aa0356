"""The table of accounts that are being deleted."""

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class ErasureRecord(Record):
    """A user or an organization whose data is being deleted. It exists until no other record names it."""

    class Meta(OnDemand):
        table_name = table("erasures")

    user_id = UnicodeAttribute(hash_key=True)  # or the id of an organization
    # By this id, and that of each organization that had no other member: the pseudonym in records that the law keeps.
    pseudonyms = JSONAttribute()
    email = UnicodeAttribute(null=True)  # for the receipt; None for an organization
    requested_at = UTCDateTimeAttribute()
    in_pass = BooleanAttribute(null=True)  # True while the current pass over all tables removes its ids
