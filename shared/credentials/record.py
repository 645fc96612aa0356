"""Credentials of users: password hashes, and families of refresh tokens."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class PasswordRecord(Record):
    class Meta(OnDemand):
        table_name = table("passwords")

    user_id = UnicodeAttribute(hash_key=True)
    argon2_hash = UnicodeAttribute()
    exact = BooleanAttribute(null=True)  # the previous release hashed the password without whitespace around it
    updated_at = UTCDateTimeAttribute()


class RefreshFamilyRecord(Record):
    """One sign-in and its refresh tokens. Each token replaces the token before it."""

    class Meta(OnDemand):
        table_name = table("refresh-families")

    family_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    seq = NumberAttribute()  # number of the newest token
    rotated_at = UTCDateTimeAttribute()
    revoked_at = UTCDateTimeAttribute(null=True)
    expires_at = TTLAttribute()
