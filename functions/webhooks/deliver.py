"""The reader of the queue of deliveries: it sends each event to its endpoint, and plans the next try after a failure.

A message is deleted after its try is recorded. So a process that dies in between sends the event again, with the same
id. A receiver ignores an id that it knows.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx

from shared.access.permissions import AccountRole
from shared.core.clock import utc_now
from shared.core.ids import organization_of
from shared.egress.addresses import UnsafeUrl
from shared.egress.client import outbound
from shared.mail.mail import MailUnavailable, send_webhook_disabled
from shared.members.store import members
from shared.observability import about, logged, logger, observed
from shared.users.store import users
from shared.webhooks import signing
from shared.webhooks.deliveries import PAUSES, deliveries
from shared.webhooks.messages import DeliverWebhook
from shared.webhooks.record import DeliveryStatus, WebhookDeliveryRecord, WebhookRecord
from shared.webhooks.store import webhooks

TRY_SECONDS = 15  # maximum time until the answer of an endpoint
ANSWER_BYTES = 1024  # of an answer that are stored
_EARLY = timedelta(seconds=1)  # SQS counts delays in seconds


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle messages of the queue of deliveries."""
    failed = []
    for record in event["Records"]:
        with logged(message_id=record["messageId"]):
            try:
                _handle(DeliverWebhook.model_validate_json(record["body"]))
            except Exception:  # noqa: BLE001  # SQS must deliver this message again after any error
                logger.exception("webhook not delivered")
                failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _handle(message: DeliverWebhook) -> None:
    about(webhook_id=message.webhook_id, event_id=message.event_id)
    row, at = deliveries.find(message.webhook_id, message.event_id), utc_now()
    if row is None or row.status != DeliveryStatus.PENDING or int(row.attempts) < message.attempt:
        return
    webhook = webhooks.find(message.webhook_id)
    if webhook is None:
        return
    if webhook.disabled_at is not None:
        _record(row, DeliveryStatus.FAILED, None, "The webhook is disabled.", None, at)
    elif int(row.attempts) > message.attempt or (row.next_at is not None and row.next_at > at + _EARLY):
        # The pause goes on. Or the process that recorded this try may have died before it sent the next message.
        deliveries.send(row, at=at)
    else:
        _try(row, webhook, at)


def _try(row: WebhookDeliveryRecord, webhook: WebhookRecord, at: datetime) -> None:
    answer = _post(row, webhook, at)
    if answer.accepted:
        _record(row, DeliveryStatus.DELIVERED, answer.status, answer.text, None, at)
        webhooks.succeeded(webhook)
        return
    tries, gone = int(row.attempts) + 1, answer.status == HTTPStatus.GONE
    next_at = None if gone or tries > len(PAUSES) else at + PAUSES[tries - 1]
    status = DeliveryStatus.PENDING if next_at else DeliveryStatus.FAILED
    if not _record(row, status, answer.status, answer.text, next_at, at):
        return
    logger.info("webhook refused", answer_status=answer.status, tries=tries)
    if webhooks.failed(webhook, gone=gone, at=at):
        _report(webhook)
    deliveries.send(row, at=at)


def _record(
    row: WebhookDeliveryRecord,
    status: DeliveryStatus,
    answer_status: int | None,
    text: str,
    next_at: datetime | None,
    at: datetime,
) -> bool:
    return deliveries.record(
        row, status=status, answer_status=answer_status, answer_text=text, next_at=next_at, at=at
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _TryAnswer:
    """The answer of an endpoint; `status` is None without one."""

    status: int | None
    text: str

    @property
    def accepted(self) -> bool:
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def _post(row: WebhookDeliveryRecord, webhook: WebhookRecord, at: datetime) -> _TryAnswer:
    """Send the event. A redirect is not followed, and counts as a failure."""
    signed = signing.headers(row.event_id, row.body, webhooks.secrets(webhook, at=at), at=at)
    headers = {**signed, "content-type": "application/json"}
    try:
        with (
            outbound(seconds=TRY_SECONDS) as client,
            client.stream("POST", webhook.url, content=row.body.encode(), headers=headers) as answer,
        ):
            return _TryAnswer(answer.status_code, _begin_of(answer.iter_raw()))
    except UnsafeUrl as refused:
        return _TryAnswer(None, refused.detail)
    except httpx.TimeoutException:
        return _TryAnswer(None, "The endpoint is too slow.")
    except (httpx.HTTPError, httpx.InvalidURL):
        return _TryAnswer(None, "The endpoint cannot be reached.")


def _begin_of(chunks: Iterator[bytes]) -> str:
    """Return the first `ANSWER_BYTES` as text. The status counts also if the rest does not arrive."""
    found = b""
    with suppress(httpx.HTTPError):
        for chunk in chunks:
            found += chunk[: ANSWER_BYTES - len(found)]
            if len(found) >= ANSWER_BYTES:
                break
    return found.decode("utf-8", "replace").replace("\x00", "\ufffd")


def _report(webhook: WebhookRecord) -> None:
    """Send an email to the owners of the account."""
    logger.warning("webhook disabled")
    owners = [webhook.account_id]
    if organization_of(webhook.account_id) is not None:
        found = members.of_organization(webhook.account_id)
        owners = [member.user_id for member in found if member.role == AccountRole.OWNER]
    for user in users.several(owners).values():
        try:
            send_webhook_disabled(user.email, url=webhook.url)
        except MailUnavailable:  # the list of webhooks shows it too
            logger.error("owner of a webhook not informed")
