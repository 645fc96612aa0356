"""Reads and writes of subscriptions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.expressions.update import Action

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict
from shared.subscriptions.record import PlanType, SubscriptionRecord, SubscriptionStatus


class SubscriptionChanged(Conflict):
    """Another process has changed the subscription since it was read."""

    code = "subscription_changed"


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """The subscription of an account, as Stripe knows it. Without arguments: no subscription."""

    plan: PlanType = PlanType.FREE
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    stripe_subscription_id: str | None = None
    stripe_price_id: str | None = None
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    cancel_at_period_end: bool = False


class SubscriptionStore:
    def plan(self, account_id: str) -> PlanType:
        """Return the account's current plan."""
        try:
            record = SubscriptionRecord.get(account_id)
        except SubscriptionRecord.DoesNotExist:
            return PlanType.FREE
        return PlanType(record.plan) if SubscriptionStatus(record.status).entitles else PlanType.FREE

    def get(self, account_id: str) -> SubscriptionRecord | None:
        try:
            return SubscriptionRecord.get(account_id, consistent_read=True)
        except SubscriptionRecord.DoesNotExist:
            return None

    def account_of(self, stripe_customer_id: str) -> str | None:
        """Return the account of a customer, or None. Eventually consistent."""
        found = SubscriptionRecord.by_customer.query(stripe_customer_id, limit=1)
        return next((str(record.account_id) for record in found), None)

    def put(self, account_id: str, plan: PlanType, status: SubscriptionStatus, *, at: datetime) -> None:
        SubscriptionRecord(account_id, plan=plan, status=status, updated_at=at).save()

    def forget(self, account_id: str) -> None:
        """Delete the subscription of an account that is being deleted."""
        SubscriptionRecord(account_id).delete()

    def add_customer(self, account_id: str, stripe_customer_id: str, *, user_id: str, at: datetime) -> None:
        """Store the account's customer. Raise SubscriptionChanged if the account has another customer."""
        record = SubscriptionRecord(account_id)
        actions: list[Action] = [
            SubscriptionRecord.stripe_customer_id.set(stripe_customer_id),
            SubscriptionRecord.user_id.set(user_id),
            SubscriptionRecord.plan.set(SubscriptionRecord.plan | PlanType.FREE.value),
            SubscriptionRecord.status.set(SubscriptionRecord.status | SubscriptionStatus.ACTIVE.value),
            SubscriptionRecord.created_at.set(at),
            SubscriptionRecord.updated_at.set(at),
        ]
        with on_refusal(SubscriptionChanged("This account has another customer.")):
            record.update(
                actions,
                SubscriptionRecord.stripe_customer_id.does_not_exist(),
                done=lambda stored: stored.stripe_customer_id == stripe_customer_id,
            )

    def write(self, record: SubscriptionRecord, state: SubscriptionState, *, at: datetime, tx: Transaction) -> None:
        """Write the state. Fail the transaction with SubscriptionChanged if `record` is not the newest one.

        The record counts the change, so the next call can pass it again.
        """
        values: list[tuple[Attribute[Any], Any]] = [
            (SubscriptionRecord.plan, state.plan.value),
            (SubscriptionRecord.status, state.status.value),
            (SubscriptionRecord.stripe_subscription_id, state.stripe_subscription_id),
            (SubscriptionRecord.stripe_price_id, state.stripe_price_id),
            (SubscriptionRecord.current_period_start, state.current_period_start),
            (SubscriptionRecord.current_period_end, state.current_period_end),
            (SubscriptionRecord.cancel_at_period_end, state.cancel_at_period_end),
        ]
        revision = SubscriptionRecord.revision
        tx.update(
            SubscriptionRecord(record.account_id),
            [
                *(name.remove() if value is None else name.set(value) for name, value in values),
                SubscriptionRecord.updated_at.set(at),
                revision.set(int(record.revision or 0) + 1),
            ],
            revision.does_not_exist() if record.revision is None else revision == record.revision,
            otherwise=SubscriptionChanged("Another process has changed the subscription."),
        )
        record.revision = int(record.revision or 0) + 1

    def has(self, record: SubscriptionRecord, state: SubscriptionState) -> bool:
        """Return whether the record has this state."""
        return state == SubscriptionState(
            PlanType(record.plan),
            SubscriptionStatus(record.status),
            record.stripe_subscription_id,
            record.stripe_price_id,
            record.current_period_start,
            record.current_period_end,
            bool(record.cancel_at_period_end),
        )


subscriptions = SubscriptionStore()
