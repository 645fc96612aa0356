"""The subscriptions table: the plans of accounts."""

from enum import StrEnum

from pynamodb.attributes import UnicodeAttribute, UTCDateTimeAttribute

from shared.aws.records import OnDemand, Record, table


class PlanType(StrEnum):
    FREE = "FREE"
    PRO = "PRO"
    ENTERPRISE = "ENTERPRISE"

    @property
    def paid(self) -> bool:
        return self is not PlanType.FREE


class SubscriptionStatus(StrEnum):
    ACTIVE = "ACTIVE"
    CANCELLED = "CANCELLED"
    PAST_DUE = "PAST_DUE"
    UNPAID = "UNPAID"
    TRIALING = "TRIALING"

    @property
    def entitles(self) -> bool:
        """True if the account has its plan. PAST_DUE counts, because a late payment is requested again first."""
        return self in {self.ACTIVE, self.TRIALING, self.PAST_DUE}


class SubscriptionRecord(Record):
    """An account's plan. An account without a record is on the FREE plan."""

    class Meta(OnDemand):
        table_name = table("subscriptions")

    account_id = UnicodeAttribute(hash_key=True)
    plan = UnicodeAttribute()
    status = UnicodeAttribute()
    updated_at = UTCDateTimeAttribute()
