"""The table of what providers charge for steps, beside the credits of creators."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class ProviderChargeRecord(Record):
    """The charge of a provider for one step of an ended job, at list prices."""

    class Meta(OnDemand):
        table_name = table("provider-charges")

    month = UnicodeAttribute(hash_key=True)  # of the job's end (UTC): "2026-11"
    job_stage = UnicodeAttribute(range_key=True)  # "job_01K...#VIDEO_SYNTHESIS"
    engine = UnicodeAttribute()
    requests = NumberAttribute()  # that the provider may charge for
    cents = NumberAttribute()  # with fractions
    credits = NumberAttribute()  # that the creator paid for the step; 0 if the job did not complete
    at = UTCDateTimeAttribute()
