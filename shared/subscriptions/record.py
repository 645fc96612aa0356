"""Which plan an account pays for."""

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
        """Whether the plan holds: a late payment is asked for again before it ends."""
        return self in {self.ACTIVE, self.TRIALING, self.PAST_DUE}


class SubscriptionRecord(Record):
    """An account's plan; an account without one is on the FREE plan."""

    class Meta(OnDemand):
        table_name = table("subscriptions")

    account_id = UnicodeAttribute(hash_key=True)
    plan = UnicodeAttribute()
    status = UnicodeAttribute()
    updated_at = UTCDateTimeAttribute()
