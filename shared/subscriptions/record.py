"""The subscriptions table: the plans of accounts."""

from enum import StrEnum

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

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


class _ByCustomer(GlobalSecondaryIndex["SubscriptionRecord"]):
    class Meta:
        index_name = "by_customer"
        projection = KeysOnlyProjection()

    stripe_customer_id = UnicodeAttribute(hash_key=True)


class SubscriptionRecord(Record):
    """An account's plan, and its customer at Stripe. An account without a record is on the FREE plan."""

    class Meta(OnDemand):
        table_name = table("subscriptions")

    account_id = UnicodeAttribute(hash_key=True)
    plan = UnicodeAttribute()
    status = UnicodeAttribute()
    updated_at = UTCDateTimeAttribute()
    created_at = UTCDateTimeAttribute(null=True)
    user_id = UnicodeAttribute(null=True)  # the user who began the first purchase
    stripe_customer_id = UnicodeAttribute(null=True)
    stripe_subscription_id = UnicodeAttribute(null=True)
    stripe_price_id = UnicodeAttribute(null=True)
    current_period_start = UTCDateTimeAttribute(null=True)
    current_period_end = UTCDateTimeAttribute(null=True)
    cancel_at_period_end = BooleanAttribute(null=True)
    revision = NumberAttribute(null=True)  # number of changes that billing has written

    by_customer = _ByCustomer()
