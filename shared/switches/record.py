"""The switches of the deployment: engines that a platform admin has disabled."""

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class EngineSwitchRecord(Record):
    """An engine that new jobs do not use. All of them have one hash key, so that one Query reads them."""

    class Meta(OnDemand):
        table_name = table("engine-switches")

    kind = UnicodeAttribute(hash_key=True)  # "disabled"
    engine = UnicodeAttribute(range_key=True)  # its name in the catalogue
    because = UnicodeAttribute()
    disabled_by = UnicodeAttribute()  # id of the admin
    disabled_at = UTCDateTimeAttribute()
