"""The projects table."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from shared.aws.records import OnDemand, Record, table


class _ProjectsByAccount(GlobalSecondaryIndex["ProjectRecord"]):
    class Meta:
        index_name = "by_account"
        projection = KeysOnlyProjection()  # a new job changes its project: the index need not know

    account_id = UnicodeAttribute(hash_key=True)
    project_id = UnicodeAttribute(range_key=True)


class ProjectRecord(Record):
    class Meta(OnDemand):
        table_name = table("projects")

    project_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    owner_id = UnicodeAttribute()  # the user who made it; permission goes by the account
    name = UnicodeAttribute()
    thumbnail = UnicodeAttribute(null=True)
    job_count = NumberAttribute(default=0)  # guards deletion: jobs and projects change it in one transaction
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()

    by_account = _ProjectsByAccount()
