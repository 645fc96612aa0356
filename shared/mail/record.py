"""The table of what is known about email: notices that were sent, and addresses that get no more messages."""

from pynamodb.attributes import TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class MailMarkRecord(Record):
    """A notice that is sent once, or an address to which nothing is sent. The table contains no addresses."""

    class Meta(OnDemand):
        table_name = table("mail-marks")

    mark = UnicodeAttribute(hash_key=True)  # "notice#<its name>", or "address#<SHA-256 of the address>"
    claimed_by = UnicodeAttribute(null=True)  # random number of the call that sends the notice
    reason = UnicodeAttribute(null=True)  # of an address: BOUNCED, COMPLAINED
    made_at = UTCDateTimeAttribute()
    expires_at = TTLAttribute()
