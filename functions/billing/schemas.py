"""The bodies of billing's requests and responses. Names of fields are those of the API contract."""

from datetime import date, datetime
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from shared.core.wire import Id, View, Wire
from shared.subscriptions.plans import PackName
from shared.subscriptions.record import PlanType, SubscriptionStatus


class Checkout(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"plan": "PRO"}]})

    organization_id: Id | None = Field(default=None, description="The organization that buys, or the caller.")
    plan: Literal[PlanType.PRO, PlanType.ENTERPRISE] | None = Field(default=None, examples=["PRO"])
    pack: PackName | None = Field(default=None, examples=[None])

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.plan is None) == (self.pack is None):
            raise ValueError("name a plan or a pack")
        return self


class PageLink(View):
    url: str = Field(description="The page at Stripe, to which the browser goes.")


class SubscriptionView(View):
    """The subscription of the caller's account, and its credits. Without a subscription the plan is FREE."""

    id: str
    user_id: str = Field(description="The user who began the first purchase.")
    organization_id: str | None
    stripe_customer_id: str | None
    stripe_subscription_id: str | None
    stripe_price_id: str | None
    status: SubscriptionStatus
    plan: PlanType
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    created_at: datetime | None
    updated_at: datetime | None
    monthly_credits: int = Field(description="The credits that each payment of the plan adds.")
    credits_available: int
    credits_held: int = Field(description="Credits that are reserved for open jobs.")
    credits_owed: int = Field(description="Spent credits that were refunded. The next credits pay them.")


class UsageDay(View):
    """The use of the account on one day (UTC)."""

    id: str
    user_id: str
    date: date
    jobs_created: int = Field(description="Jobs of this day, without those deleted before they were charged.")
    credits_used: int
    storage_used: int = Field(description="Bytes of the account's assets that existed on this day and still exist.")


class JobCharge(View):
    """The charge of one completed job."""

    job_id: str
    credits: int
    at: datetime


class UsageView(View):
    days: list[UsageDay] = Field(description="Each day of the period, oldest first.")
    jobs: list[JobCharge] = Field(description="Each charged job of the period, newest first.")


class LedgerEntry(View):
    """One change of the account's credits. The sum of all entries is its balance."""

    operation_id: str = Field(serialization_alias="id", description="The operation, which is entered once.")
    credits: int
    reason: str
    at: datetime
