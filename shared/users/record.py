"""The users table, and the claims that keep emails unique."""

from pynamodb.attributes import BooleanAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class UserRecord(Record):
    """A user. Passwords are in `shared/credentials`."""

    class Meta(OnDemand):
        table_name = table("users")

    user_id = UnicodeAttribute(hash_key=True)
    email = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    avatar = UnicodeAttribute(null=True)
    email_verified = UTCDateTimeAttribute(null=True)
    platform_admin = BooleanAttribute(null=True)  # operates the deployment (shared/rest/admin.py)
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()


class EmailClaimRecord(Record):
    """The user who has an email address. It is written in the transaction that creates the user."""

    class Meta(OnDemand):
        table_name = table("email-claims")

    email = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()


class RegistrationRecord(Record):
    """A registration that waits for the proof of its address. The token in the email is not stored, only its hash."""

    class Meta(OnDemand):
        table_name = table("registrations")

    address_hash = UnicodeAttribute(hash_key=True)  # SHA-256 of the address
    secret_hash = UnicodeAttribute(range_key=True)  # SHA-256 of the token's secret
    email = UnicodeAttribute()
    argon2_hash = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    expires_at = TTLAttribute()
