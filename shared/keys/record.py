"""The table of the keys of programs."""

from pynamodb.attributes import BooleanAttribute, ListAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from shared.aws.records import OnDemand, Record, table


class _KeysByUser(GlobalSecondaryIndex["ApiKeyRecord"]):
    class Meta:
        index_name = "by_user"
        projection = AllProjection()

    user_id = UnicodeAttribute(hash_key=True)
    key_id = UnicodeAttribute(range_key=True)


class ApiKeyRecord(Record):
    """A key with which programs act for the user. Its secret is not stored, only the hash."""

    class Meta(OnDemand):
        table_name = table("api-keys")

    key_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    name = UnicodeAttribute()
    secret_hash = UnicodeAttribute()  # SHA-256, as hexadecimal digits
    scopes = ListAttribute(of=UnicodeAttribute)
    monthly_cap = NumberAttribute(null=True)  # credits that the key may spend in a calendar month (UTC); None: all
    test = BooleanAttribute(null=True)  # True: its jobs get a fixed film and cost nothing
    expires_at = UTCDateTimeAttribute(null=True)
    last_used_at = UTCDateTimeAttribute(null=True)
    created_at = UTCDateTimeAttribute()

    by_user = _KeysByUser()
