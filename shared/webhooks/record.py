"""The tables of webhooks: endpoints that receive events, and the deliveries to them."""

from enum import StrEnum
from typing import Any

from pynamodb.attributes import (
    ListAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from shared.aws.records import OnDemand, Record, table
from shared.core.versions import etag


class WebhookEventType(StrEnum):
    """The kinds of events that an endpoint can receive."""

    JOB_COMPLETED = "job.completed"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    STEP_COMPLETED = "step.completed"
    CREDITS_LOW = "credits.low"


class DeliveryStatus(StrEnum):
    PENDING = "PENDING"  # the first try, or another one, follows
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"  # no try follows


class DisabledBecause(StrEnum):
    REQUEST = "REQUEST"  # a user disabled it
    FAILURES = "FAILURES"  # nothing was delivered for days
    GONE = "GONE"  # it answered with the status 410


class _WebhooksByAccount(GlobalSecondaryIndex["WebhookRecord"]):
    class Meta:
        index_name = "by_account"
        projection = AllProjection()

    account_id = UnicodeAttribute(hash_key=True)
    webhook_id = UnicodeAttribute(range_key=True)


class WebhookRecord(Record):
    """An endpoint of an account. KMS has encrypted its secrets."""

    class Meta(OnDemand):
        table_name = table("webhooks")

    webhook_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    url = UnicodeAttribute()
    events: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute)  # pynamodb reads the items as str
    secret = UnicodeAttribute()
    old_secret = UnicodeAttribute(null=True)
    old_secret_until = UTCDateTimeAttribute(null=True)  # until then, both secrets sign
    failing_since = UTCDateTimeAttribute(null=True)  # the first failed try after the last successful one
    disabled_at = UTCDateTimeAttribute(null=True)
    disabled_because = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()

    by_account = _WebhooksByAccount()

    @property
    def etag(self) -> str:
        return etag(self.webhook_id, self.updated_at)


class WebhookDeliveryRecord(Record):
    """One event for one endpoint. All tries send the same body with the same id."""

    class Meta(OnDemand):
        table_name = table("webhook-deliveries")

    webhook_id = UnicodeAttribute(hash_key=True)
    event_id = UnicodeAttribute(range_key=True)
    account_id = UnicodeAttribute()
    event_type = UnicodeAttribute()
    body = UnicodeAttribute()
    status = UnicodeAttribute(default=DeliveryStatus.PENDING.value)
    attempts = NumberAttribute(default=0)  # tries since the begin, or since the last replay
    next_at = UTCDateTimeAttribute(null=True)  # of the next try; None after the last one
    answer_status = NumberAttribute(null=True)  # HTTP status of the last answer; None without an answer
    answer_text = UnicodeAttribute(null=True)  # the begin of the last answer, or the reason why there was none
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()
    expires_at = TTLAttribute()
