"""The table of accounts that are being deleted."""

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class ErasureRecord(Record):
    """A user whose data is being deleted. It exists until no other record names the user."""

    class Meta(OnDemand):
        table_name = table("erasures")

    user_id = UnicodeAttribute(hash_key=True)
    # By id of the user, and of each organization that had no other member: the pseudonym in records that the law keeps.
    pseudonyms = JSONAttribute()
    email = UnicodeAttribute()  # for the receipt
    requested_at = UTCDateTimeAttribute()
    in_pass = BooleanAttribute(null=True)  # True while the current pass over all tables removes its ids
