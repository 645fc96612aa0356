"""The projects table."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from shared.aws.records import OnDemand, Record, table


class _ByOwner(GlobalSecondaryIndex["ProjectRecord"]):
    class Meta:
        index_name = "by_owner"
        projection = KeysOnlyProjection()  # a new job changes its project: the index need not know

    owner_id = UnicodeAttribute(hash_key=True)
    project_id = UnicodeAttribute(range_key=True)


class ProjectRecord(Record):
    class Meta(OnDemand):
        table_name = table("projects")

    project_id = UnicodeAttribute(hash_key=True)
    owner_id = UnicodeAttribute()
    account_id = UnicodeAttribute()
    name = UnicodeAttribute()
    thumbnail = UnicodeAttribute(null=True)
    job_count = NumberAttribute(default=0)  # guards deletion: jobs and projects change it in one transaction
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()

    by_owner = _ByOwner()
