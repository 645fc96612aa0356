"""The table of the members of organizations."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from shared.aws.records import OnDemand, Record, table
from shared.core.versions import etag


class _ByUser(GlobalSecondaryIndex["MemberRecord"]):
    class Meta:
        index_name = "by_user"
        projection = AllProjection()

    user_id = UnicodeAttribute(hash_key=True)
    organization_id = UnicodeAttribute(range_key=True)


class MemberRecord(Record):
    """One user's membership of one organization."""

    class Meta(OnDemand):
        table_name = table("members")

    organization_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute(range_key=True)
    role = UnicodeAttribute()
    monthly_cap = NumberAttribute(null=True)  # credits that the member may spend in a calendar month (UTC); None: all
    created_at = UTCDateTimeAttribute()

    by_user = _ByUser()

    @property
    def etag(self) -> str:
        return etag(self.organization_id, self.user_id, self.role, self.monthly_cap)
