"""Credits: an account's two numbers, one hold a job, and the ledger that explains the balance."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from shared.aws.records import OnDemand, Record, table


class AccountRecord(Record):
    """What an account has: `available` to spend, `held` for running jobs; their sum is the ledger's."""

    class Meta(OnDemand):
        table_name = table("credit-accounts")

    account_id = UnicodeAttribute(hash_key=True)
    available = NumberAttribute()
    held = NumberAttribute()


class _Open(GlobalSecondaryIndex["HoldRecord"]):
    """Holds not yet ended, oldest first (job ids sort by time): which is to say, the jobs not yet ended."""

    class Meta:
        index_name = "open"
        projection = KeysOnlyProjection()

    open = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)


class HoldRecord(Record):
    """Credits set aside for one job; `open` is there only while it is HELD, and keeps the index small."""

    class Meta(OnDemand):
        table_name = table("credit-holds")

    job_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    credits = NumberAttribute()
    paid = BooleanAttribute(null=True)  # whether the account paid for its plan when the job was submitted
    state = UnicodeAttribute()  # HELD, CAPTURED, RELEASED
    open = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute()

    open_holds = _Open()


class LedgerRecord(Record):
    """One change of a balance; the operation's id is its key, so none is entered twice."""

    class Meta(OnDemand):
        table_name = table("credit-ledger")

    account_id = UnicodeAttribute(hash_key=True)
    operation_id = UnicodeAttribute(range_key=True)
    credits = NumberAttribute()
    reason = UnicodeAttribute()
    at = UTCDateTimeAttribute()
