"""The passes of the upkeep functions over everything that is stored."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class PassRecord(Record):
    """The newest pass of one task, and the place where it continues."""

    class Meta(OnDemand):
        table_name = table("upkeep-passes")

    task = UnicodeAttribute(hash_key=True)  # sweep, audit
    started_at = UTCDateTimeAttribute()
    part = UnicodeAttribute(null=True)  # the list that the pass reads; None when the pass is complete
    position = UnicodeAttribute()  # JSON: the place after which the next page begins; null at the start of a part
    found = NumberAttribute()  # objects and rows that the sweep deleted, or findings of the audit
    write_id = UnicodeAttribute()  # id of the newest write
