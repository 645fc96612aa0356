"""Reads and writes of deliveries. A delivery has one id, also after retries and replays.

A write of a try names the number of tries before it. So of two consumers with the same message, one records the try.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from pynamodb.exceptions import PutError

from shared.aws import queues
from shared.aws.records import on_refusal, response_code
from shared.core.errors import Conflict, NotFound
from shared.core.slices import Slice, first_of
from shared.stages.queues import WEBHOOKS_QUEUE
from shared.webhooks.messages import DeliverWebhook
from shared.webhooks.record import DeliveryStatus, WebhookDeliveryRecord

DELIVERY_LIFE = timedelta(days=30)
# The pauses after failed tries: eight tries within a day.
PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 2 * 3600, 5 * 3600, 6 * 3600, 10 * 3600)
)  # fmt: skip
# Maximum delay of one message. SQS allows 900 s, and the alarm of the queue's age begins there.
LONGEST_DELAY_SECONDS = 600
_OVERDUE = timedelta(hours=1)  # after this, a message of the delivery is lost


class DeliveryNotFound(NotFound):
    code = "delivery_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such delivery.")


class DeliveryPending(Conflict):
    code = "delivery_pending"

    def __init__(self) -> None:
        super().__init__("This delivery has not ended. Another try follows.")


class _RecordedAlready(Exception):
    """Another consumer has recorded this try, or the delivery is deleted."""


class DeliveryStore:
    def begin(
        self, webhook_id: str, event_id: str, *, account_id: str, event_type: str, body: str, at: datetime
    ) -> WebhookDeliveryRecord:
        """Write a delivery and send the message of its first try. The same event is written once.

        The caller repeats the call after an error: the message can be sent twice.
        """
        row = WebhookDeliveryRecord(
            webhook_id, event_id, account_id=account_id, event_type=event_type, body=body, next_at=at,
            created_at=at, updated_at=at, expires_at=at + DELIVERY_LIFE,
        )  # fmt: skip
        try:
            row.save(WebhookDeliveryRecord.event_id.does_not_exist())
        except PutError as error:
            if response_code(error) != "ConditionalCheckFailedException":
                raise
            row.refresh(consistent_read=True)
        self.send(row, at=at)
        return row

    def find(self, webhook_id: str, event_id: str) -> WebhookDeliveryRecord | None:
        with suppress(WebhookDeliveryRecord.DoesNotExist):
            return WebhookDeliveryRecord.get(webhook_id, event_id, consistent_read=True)
        return None

    def page(self, webhook_id: str, *, limit: int, after: str | None) -> Slice[WebhookDeliveryRecord]:
        """Return at most `limit` deliveries older than `after`, newest first, with one Query."""
        record, more = WebhookDeliveryRecord, limit + 1
        older = record.event_id < after if after else None
        found = record.query(webhook_id, older, scan_index_forward=False, limit=more, page_size=more)
        return first_of(list(found), limit, lambda row: row.event_id)

    def send(self, row: WebhookDeliveryRecord, *, at: datetime) -> None:
        """Send the message of the delivery's next try, or of a part of the pause before it."""
        if row.next_at is None:
            return
        message = DeliverWebhook(webhook_id=row.webhook_id, event_id=row.event_id, attempt=int(row.attempts))
        pause = max(0, min(LONGEST_DELAY_SECONDS, round((row.next_at - at).total_seconds())))
        queues.send(WEBHOOKS_QUEUE, message, group=row.account_id, delay_seconds=pause)

    def record(
        self,
        row: WebhookDeliveryRecord,
        *,
        status: DeliveryStatus,
        answer_status: int | None,
        answer_text: str,
        next_at: datetime | None,
        at: datetime,
    ) -> bool:
        """Write the outcome of a try, and when the next one is. Return False if another consumer wrote it before."""
        record, attempts = WebhookDeliveryRecord, int(row.attempts)
        actions = [
            record.status.set(status.value),
            record.attempts.set(attempts + 1),
            record.answer_text.set(answer_text),
            record.updated_at.set(at),
            record.answer_status.remove() if answer_status is None else record.answer_status.set(answer_status),
            record.next_at.remove() if next_at is None else record.next_at.set(next_at),
        ]
        pending = (record.status == DeliveryStatus.PENDING.value) & (record.attempts == attempts)
        try:
            with on_refusal(_RecordedAlready()):
                row.update(actions, pending, done=lambda stored: stored.updated_at == at)
        except _RecordedAlready:
            return False
        return True

    def again(self, row: WebhookDeliveryRecord, *, at: datetime) -> None:
        """Begin an ended delivery again, with the same id, and send its message. Raise DeliveryPending."""
        record = WebhookDeliveryRecord
        actions = [
            record.status.set(DeliveryStatus.PENDING.value),
            record.attempts.set(0),
            record.next_at.set(at),
            record.updated_at.set(at),
            record.expires_at.set(at + DELIVERY_LIFE),
        ]
        ended = (record.status != DeliveryStatus.PENDING.value) | (record.next_at < at - _OVERDUE)
        with on_refusal(DeliveryPending()):
            row.update(actions, record.event_id.exists() & ended, done=lambda stored: stored.updated_at == at)
        self.send(row, at=at)

    def delete_all(self, webhook_id: str) -> None:
        """Delete all deliveries of a webhook. A repeated call deletes the rest."""
        with WebhookDeliveryRecord.batch_write() as batch:
            for row in self._all(webhook_id):
                batch.delete(row)

    def _all(self, webhook_id: str) -> Sequence[WebhookDeliveryRecord]:
        return list(WebhookDeliveryRecord.query(webhook_id, attributes_to_get=["webhook_id", "event_id"]))


deliveries = DeliveryStore()
