"""The tables of organizations: their facts, the claims that keep slugs unique, and invites."""

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table
from shared.core.versions import etag


class OrganizationRecord(Record):
    """An organization. Its members are in `shared/members`, its credits in the account with its id."""

    class Meta(OnDemand):
        table_name = table("organizations")

    organization_id = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    slug = UnicodeAttribute()
    members = NumberAttribute()  # number of its members; it and `owners` change in the member's transaction
    owners = NumberAttribute()  # number of its members with the role OWNER
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()

    @property
    def etag(self) -> str:
        return etag(self.organization_id, self.updated_at)


class SlugClaimRecord(Record):
    """The organization that has a slug. It is written in the transaction that creates the organization."""

    class Meta(OnDemand):
        table_name = table("slug-claims")

    slug = UnicodeAttribute(hash_key=True)
    organization_id = UnicodeAttribute()


class InviteRecord(Record):
    """An invite to an organization. Its token is not stored, only the token's hash."""

    class Meta(OnDemand):
        table_name = table("invites")

    organization_id = UnicodeAttribute(hash_key=True)
    invite_id = UnicodeAttribute(range_key=True)
    token_hash = UnicodeAttribute()  # SHA-256 of the token's secret, as hexadecimal digits
    email = UnicodeAttribute()
    role = UnicodeAttribute()
    invited_by = UnicodeAttribute()  # id of the user
    accepted_by = UnicodeAttribute(null=True)  # id of the user
    created_at = UTCDateTimeAttribute()
    expires_at = TTLAttribute()
