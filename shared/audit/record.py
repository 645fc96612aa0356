"""The table of the audit log of organizations."""

from pynamodb.attributes import JSONAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class AuditEntryRecord(Record):
    """One change of an organization: who made it, what and when, and from which address."""

    class Meta(OnDemand):
        table_name = table("audit-log")

    organization_id = UnicodeAttribute(hash_key=True)
    entry_id = UnicodeAttribute(range_key=True)
    user_id = UnicodeAttribute()
    action = UnicodeAttribute()
    subject = UnicodeAttribute(null=True)  # id of the member or of the invite that changed
    details = JSONAttribute(null=True)
    source = UnicodeAttribute()  # IP address of the request
    created_at = UTCDateTimeAttribute()
    expires_at = TTLAttribute()
