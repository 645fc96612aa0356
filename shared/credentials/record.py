"""Credentials of users: password hashes, and families of refresh tokens."""

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from shared.aws.records import OnDemand, Record, table


class PasswordRecord(Record):
    class Meta(OnDemand):
        table_name = table("passwords")

    user_id = UnicodeAttribute(hash_key=True)
    argon2_hash = UnicodeAttribute()
    exact = BooleanAttribute(null=True)  # the previous release hashed the password without whitespace around it
    updated_at = UTCDateTimeAttribute()
    # Number of changes of the password and ends of all sessions; None: 0. Sessions and resets of another one are void.
    generation = NumberAttribute(null=True)
    # The second factor (RFC 6238). It counts once `totp_confirmed` is True.
    totp_sealed = UnicodeAttribute(null=True)  # the secret, encrypted by KMS
    totp_confirmed = BooleanAttribute(null=True)
    totp_step = NumberAttribute(null=True)  # the newest time step whose code was used: a code works once
    totp_used_by = UnicodeAttribute(null=True)  # random number of the sign-in that used the newest code
    recovery_hashes = UnicodeSetAttribute(null=True)  # SHA-256 of the recovery codes that were not used


class PasswordResetRecord(Record):
    """A token that sets a new password. The token is not stored, only its hash."""

    class Meta(OnDemand):
        table_name = table("password-resets")

    token_hash = UnicodeAttribute(hash_key=True)  # SHA-256, as hexadecimal digits
    user_id = UnicodeAttribute()
    generation = NumberAttribute()  # of the password at the request
    expires_at = TTLAttribute()


class _FamiliesByUser(GlobalSecondaryIndex["RefreshFamilyRecord"]):
    class Meta:
        index_name = "by_user"
        projection = AllProjection()

    user_id = UnicodeAttribute(hash_key=True)
    family_id = UnicodeAttribute(range_key=True)


class RefreshFamilyRecord(Record):
    """One sign-in and its refresh tokens. Each token replaces the token before it."""

    class Meta(OnDemand):
        table_name = table("refresh-families")

    family_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    seq = NumberAttribute()  # number of the newest token
    rotated_at = UTCDateTimeAttribute()
    revoked_at = UTCDateTimeAttribute(null=True)
    generation = NumberAttribute(null=True)  # of the password at the sign-in; None: 0
    user_agent = UnicodeAttribute(null=True)  # the program that signed in, in its own words
    created_at = UTCDateTimeAttribute(null=True)  # None in families of the previous release
    expires_at = TTLAttribute()

    by_user = _FamiliesByUser()


class SocketTicketRecord(Record):
    """A ticket that opens one socket. The ticket is not stored, only its hash."""

    class Meta(OnDemand):
        table_name = table("socket-tickets")

    ticket_hash = UnicodeAttribute(hash_key=True)  # SHA-256, as hexadecimal digits
    context = JSONAttribute()  # the caller, as the authorizer describes callers
    taken_by = UnicodeAttribute(null=True)  # random number of the call that took it
    expires_at = TTLAttribute()
