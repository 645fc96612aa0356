"""The passes of the upkeep functions over everything that is stored."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class PassRecord(Record):
    """The newest pass of one task, and the place where it continues."""

    class Meta(OnDemand):
        table_name = table("upkeep-passes")

    task = UnicodeAttribute(hash_key=True)  # sweep, audit, pace
    started_at = UTCDateTimeAttribute()
    part = UnicodeAttribute(null=True)  # the list that the pass reads; None when the pass is complete
    # JSON: the place after which the next page begins, and null at the start of a part; of pace: what it has learned.
    position = UnicodeAttribute()
    # Objects and rows that the sweep deleted, findings of the audit, or jobs of which pace has learned.
    found = NumberAttribute()
    write_id = UnicodeAttribute()  # id of the newest write
