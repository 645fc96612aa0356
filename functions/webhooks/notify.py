"""The second consumer of the jobs table's stream: it begins deliveries to the webhooks of the job's account.

An event has an id that follows from the write. So a record that the stream delivers again begins nothing twice.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from functions.webhooks.events import event_id, notice_of
from functions.webhooks.notices import CreditsLowNotice, Notice, WebhookCredits
from shared.core.clock import utc_now
from shared.core.ids import organization_of
from shared.credits.store import credits
from shared.jobs.record import JobRecord
from shared.observability import about, logged, logger, observed
from shared.webhooks.deliveries import deliveries
from shared.webhooks.record import WebhookEventType, WebhookRecord
from shared.webhooks.store import webhooks

LOW_CREDITS = 20  # `credits.low` is sent when an account has fewer credits


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Read a batch of stream records in order. After a failure, Lambda delivers the batch again from that record."""
    for record in event["Records"]:
        images = record["dynamodb"]
        with logged(sequence_number=images["SequenceNumber"]):
            try:
                _notify(images)
            except Exception:  # noqa: BLE001  # Lambda must repeat from this record after any error
                logger.exception("job change not sent to webhooks")
                return {"batchItemFailures": [{"itemIdentifier": images["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def _notify(images: dict[str, Any]) -> None:
    if "NewImage" not in images:
        return  # deleted
    new = JobRecord.from_raw_data(images["NewImage"])
    about(job_id=new.job_id)
    at = utc_now()
    if "OldImage" not in images:
        _created(new, at)
        return
    notice = notice_of(JobRecord.from_raw_data(images["OldImage"]), new)
    if notice is not None:
        receivers = _receivers(new.account_id, WebhookEventType(notice.type))
        _begin(receivers, notice, event_id(new.job_id, int(new.seq), at=new.updated_at), at)


def _created(job: JobRecord, at: datetime) -> None:
    """Begin `credits.low` if the account has few credits after the submit of this job."""
    receivers = _receivers(job.account_id, WebhookEventType.CREDITS_LOW)
    if not receivers:
        return
    available = int(credits.account(job.account_id).available)
    if available >= LOW_CREDITS:
        return
    data = WebhookCredits(organization_id=organization_of(job.account_id), available=available)
    day = job.created_at.replace(hour=0, minute=0, second=0, microsecond=0)
    notice = CreditsLowNotice(timestamp=job.created_at, data=data)
    _begin(receivers, notice, event_id(job.account_id, notice.type, at=day), at)


def _receivers(account_id: str, event: WebhookEventType) -> Sequence[WebhookRecord]:
    return [row for row in webhooks.of_account(account_id) if event in row.events and row.disabled_at is None]


def _begin(receivers: Sequence[WebhookRecord], notice: Notice, id_: str, at: datetime) -> None:
    body = notice.model_dump_json(by_alias=True)
    for row in receivers:
        deliveries.begin(
            row.webhook_id, id_, account_id=row.account_id, event_type=notice.type, body=body, at=at
        )  # fmt: skip
