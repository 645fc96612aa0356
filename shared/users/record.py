"""The users table, and the claims that keep emails unique."""

from pynamodb.attributes import BooleanAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table
from shared.core.versions import etag


class UserRecord(Record):
    """A user. Passwords are in `shared/credentials`."""

    class Meta(OnDemand):
        table_name = table("users")

    user_id = UnicodeAttribute(hash_key=True)
    email = UnicodeAttribute()
    name = UnicodeAttribute(null=True)
    avatar = UnicodeAttribute(null=True)  # id of a picture asset of the user's own account
    email_verified = UTCDateTimeAttribute(null=True)
    platform_admin = BooleanAttribute(null=True)  # operates the deployment (shared/rest/admin.py)
    suspended_at = UTCDateTimeAttribute(null=True)
    suspended_because = UnicodeAttribute(null=True)
    new_email = UnicodeAttribute(null=True)  # the address that counts after its proof
    new_email_until = UTCDateTimeAttribute(null=True)  # end of the time for the proof
    # The user's choices; without an attribute its default counts.
    film_completed = BooleanAttribute(null=True)  # True: an email when a film is ready
    film_failed = BooleanAttribute(null=True)
    low_credits = BooleanAttribute(null=True)
    default_preset_id = UnicodeAttribute(null=True)
    default_aspect_ratio = UnicodeAttribute(null=True)
    locale = UnicodeAttribute(null=True)
    theme = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()

    @property
    def etag(self) -> str:
        """The version of the user's settings."""
        return etag(self.user_id, self.updated_at)


class EmailClaimRecord(Record):
    """The user who has an email address. It is written in the transaction that creates the user."""

    class Meta(OnDemand):
        table_name = table("email-claims")

    email = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()


class RegistrationRecord(Record):
    """A registration, or a user's new address, that waits for its proof. The token is not stored, only its hash."""

    class Meta(OnDemand):
        table_name = table("registrations")

    address_hash = UnicodeAttribute(hash_key=True)  # SHA-256 of the address
    secret_hash = UnicodeAttribute(range_key=True)  # SHA-256 of the token's secret
    email = UnicodeAttribute()
    argon2_hash = UnicodeAttribute(null=True)  # of a registration
    user_id = UnicodeAttribute(null=True)  # of a new address
    name = UnicodeAttribute(null=True)
    expires_at = TTLAttribute()
