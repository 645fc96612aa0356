"""The table of public links to films."""

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from shared.aws.records import OnDemand, Record, table


class _SharesByJob(GlobalSecondaryIndex["ShareRecord"]):
    class Meta:
        index_name = "by_job"
        projection = AllProjection()

    job_id = UnicodeAttribute(hash_key=True)
    share_id = UnicodeAttribute(range_key=True)


class ShareRecord(Record):
    """A public link to a job's film. It names no user and no account: the job does."""

    class Meta(OnDemand):
        table_name = table("shares")

    share_id = UnicodeAttribute(hash_key=True)  # it cannot be guessed, because it opens the film
    job_id = UnicodeAttribute()
    title = UnicodeAttribute()
    taken_down = BooleanAttribute(null=True)  # by a platform admin; the job then gets no other link
    created_at = UTCDateTimeAttribute()

    by_job = _SharesByJob()
