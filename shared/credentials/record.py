"""What proves who a user is: password hashes, and families of refresh tokens."""

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class PasswordRecord(Record):
    class Meta(OnDemand):
        table_name = table("passwords")

    user_id = UnicodeAttribute(hash_key=True)
    argon2_hash = UnicodeAttribute()
    updated_at = UTCDateTimeAttribute()


class RefreshFamilyRecord(Record):
    """One sign-in: the line of refresh tokens that descend from it."""

    class Meta(OnDemand):
        table_name = table("refresh-families")

    family_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    seq = NumberAttribute()  # of the newest token
    rotated_at = UTCDateTimeAttribute()
    revoked_at = UTCDateTimeAttribute(null=True)
    expires_at = TTLAttribute()
