"""Reads and writes of subscriptions."""

from datetime import datetime

from shared.subscriptions.record import PlanType, SubscriptionRecord, SubscriptionStatus


class SubscriptionStore:
    def plan(self, account_id: str) -> PlanType:
        """Return the account's current plan."""
        try:
            record = SubscriptionRecord.get(account_id)
        except SubscriptionRecord.DoesNotExist:
            return PlanType.FREE
        return PlanType(record.plan) if SubscriptionStatus(record.status).entitles else PlanType.FREE

    def put(self, account_id: str, plan: PlanType, status: SubscriptionStatus, *, at: datetime) -> None:
        SubscriptionRecord(account_id, plan=plan, status=status, updated_at=at).save()


subscriptions = SubscriptionStore()
