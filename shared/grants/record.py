"""The table of what tasks may do with media. No worker can read or write it."""

from pynamodb.attributes import TTLAttribute, UnicodeAttribute, UnicodeSetAttribute

from shared.aws.records import OnDemand, Record, table


class MediaGrantRecord(Record):
    """The proof of a task's newest message, and the attempts that have received access to the task's media."""

    class Meta(OnDemand):
        table_name = table("media-grants")

    task = UnicodeAttribute(hash_key=True)  # an asset's id, or `job_1#VIDEO_SYNTHESIS`
    proof = UnicodeAttribute()  # a secret
    attempts = UnicodeSetAttribute(null=True)
    expires_at = TTLAttribute()
