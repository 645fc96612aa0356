"""Credits: the balance of an account, one hold for each job, and the ledger of all changes."""

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection

from shared.aws.records import OnDemand, Record, table


class AccountRecord(Record):
    """The credits of an account: `available` to spend, and `held` for open jobs. Their sum is the ledger's sum.

    `shared/credits/balance.py` describes `lasting` and `owed`.
    """

    class Meta(OnDemand):
        table_name = table("credit-accounts")

    account_id = UnicodeAttribute(hash_key=True)
    available = NumberAttribute()
    held = NumberAttribute()
    lasting = NumberAttribute(null=True)
    owed = NumberAttribute(null=True)


class _Open(GlobalSecondaryIndex["HoldRecord"]):
    """Holds that have not ended, oldest first (job ids sort by time). They are also the jobs that have not ended."""

    class Meta:
        index_name = "open"
        projection = KeysOnlyProjection()

    open = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)


class HoldRecord(Record):
    """Credits that are reserved for one job. `open` has a value only in state HELD, to keep the index small."""

    class Meta(OnDemand):
        table_name = table("credit-holds")

    job_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    credits = NumberAttribute()
    paid = BooleanAttribute(null=True)  # True if the account was on a paid plan when the job was submitted
    state = UnicodeAttribute()  # HELD, CAPTURED, RELEASED
    open = UnicodeAttribute(null=True)
    spent_by = UnicodeAttribute(null=True)  # of an organization's hold: the sort key of the member's SpendingRecord
    spent_with = UnicodeAttribute(null=True)  # of a hold by a key: the sort key of the key's SpendingRecord
    prices = JSONAttribute(null=True)  # the credits of each step, by stage; 0 for a step that an older job paid for
    # The credits of a step if another engine does it, by stage and engine. They are at most those in `prices`.
    lower_prices = JSONAttribute(null=True)
    charged_to = UnicodeAttribute(null=True)  # of a released hold: the newest job that pays for its finished steps
    created_at = UTCDateTimeAttribute()

    open_holds = _Open()

    def price(self, stage: str, engine: str) -> int | None:
        """Return the credits of the step if this engine did it, or None for a hold of an older release."""
        price = (self.prices or {}).get(stage)
        lower = (self.lower_prices or {}).get(stage, {}).get(engine)
        return price if price is None or lower is None else min(int(price), int(lower))


class _ByTime(GlobalSecondaryIndex["LedgerRecord"]):
    class Meta:
        index_name = "by_time"
        projection = AllProjection()

    account_id = UnicodeAttribute(hash_key=True)
    at = UTCDateTimeAttribute(range_key=True)


class LedgerRecord(Record):
    """One change of a balance. Its key is the id of the operation, so that an operation is entered once."""

    class Meta(OnDemand):
        table_name = table("credit-ledger")

    account_id = UnicodeAttribute(hash_key=True)
    operation_id = UnicodeAttribute(range_key=True)
    credits = NumberAttribute()
    reason = UnicodeAttribute()
    at = UTCDateTimeAttribute()

    by_time = _ByTime()


class SpendingRecord(Record):
    """The credits of an organization that one member has spent or holds for open jobs, in one calendar month (UTC).

    Or the credits of all accounts that were spent with a key. Then the key's id is in the place of both ids.
    """

    class Meta(OnDemand):
        table_name = table("member-spending")

    account_id = UnicodeAttribute(hash_key=True)
    user_month = UnicodeAttribute(range_key=True)  # "usr_01K...#2026-11"
    credits = NumberAttribute()
    expires_at = TTLAttribute()
