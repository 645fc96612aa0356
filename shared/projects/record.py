"""The projects table."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from shared.aws.records import OnDemand, Record, table
from shared.core.ids import organization_of
from shared.core.versions import etag


class _ProjectsByAccount(GlobalSecondaryIndex["ProjectRecord"]):
    class Meta:
        index_name = "by_account"
        projection = KeysOnlyProjection()  # keys only, so that a write to a project does not write to the index

    account_id = UnicodeAttribute(hash_key=True)
    project_id = UnicodeAttribute(range_key=True)


class ProjectRecord(Record):
    class Meta(OnDemand):
        table_name = table("projects")

    project_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    owner_id = UnicodeAttribute()  # the user who created it; permissions depend on the account only
    name = UnicodeAttribute()
    thumbnail = UnicodeAttribute(null=True)  # key of the thumbnail of its newest film
    job_count = NumberAttribute(default=0)  # changes in the job's transaction; 0 allows deletion
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()

    by_account = _ProjectsByAccount()

    @property
    def etag(self) -> str:
        return etag(self.project_id, self.updated_at)

    @property
    def organization_id(self) -> str | None:
        return organization_of(self.account_id)
