"""The requests of webhooks. Each change of an organization's webhook is in its audit log."""

from datetime import datetime

from functions.webhooks.notices import TestNotice
from functions.webhooks.schemas import DeliveryView, NewWebhookView, WebhookCreate, WebhookUpdate, WebhookView
from shared.audit.store import AuditAction, audit_log
from shared.aws.transactions import Transaction, transaction
from shared.core.clock import utc_now
from shared.core.ids import new_id, organization_of
from shared.core.slices import Slice
from shared.core.versions import IfMatch
from shared.members.actor import Actor
from shared.webhooks.deliveries import DeliveryNotFound, deliveries
from shared.webhooks.record import WebhookDeliveryRecord, WebhookRecord
from shared.webhooks.store import webhooks


def create(body: WebhookCreate, caller: Actor) -> NewWebhookView:
    account_id, at = caller.account(body.organization_id), utc_now()
    with transaction() as tx:
        row, secret = webhooks.create(account_id=account_id, url=body.url, events=body.events, at=at, tx=tx)
        _note(row, AuditAction.WEBHOOK_CREATED, caller, at, tx, url=body.url)
    return NewWebhookView.of(row, secret=secret)


def of_account(organization_id: str | None, caller: Actor) -> list[WebhookView]:
    return [WebhookView.of(row) for row in webhooks.of_account(caller.account(organization_id))]


def change(webhook_id: str, body: WebhookUpdate, caller: Actor, expected: IfMatch) -> WebhookRecord:
    row, at = webhooks.get(webhook_id, accounts=caller), utc_now()
    with transaction() as tx:
        webhooks.change(row, url=body.url, events=body.events, enabled=body.enabled, at=at, tx=tx, expected=expected)
        changed = body.model_dump(mode="json", exclude_none=True)
        _note(row, AuditAction.WEBHOOK_CHANGED, caller, at, tx, **changed)
    return webhooks.get(webhook_id, accounts=caller)


def replace_secret(webhook_id: str, caller: Actor) -> NewWebhookView:
    row, at = webhooks.get(webhook_id, accounts=caller), utc_now()
    with transaction() as tx:
        secret = webhooks.replace_secret(row, at=at, tx=tx)
        _note(row, AuditAction.WEBHOOK_SECRET_REPLACED, caller, at, tx)
    return NewWebhookView.of(webhooks.get(webhook_id, accounts=caller), secret=secret)


def delete(webhook_id: str, caller: Actor) -> None:
    """Delete the webhook, then its deliveries. TTL deletes what is left if the request stops in between."""
    row, at = webhooks.get(webhook_id, accounts=caller), utc_now()
    with transaction() as tx:
        webhooks.delete(row, tx=tx)
        _note(row, AuditAction.WEBHOOK_DELETED, caller, at, tx, url=row.url)
    deliveries.delete_all(webhook_id)


def test(webhook_id: str, caller: Actor) -> DeliveryView:
    """Begin the delivery of a test event."""
    row, at = webhooks.get(webhook_id, accounts=caller), utc_now()
    notice = TestNotice(timestamp=at, data={})
    sent = deliveries.begin(
        webhook_id, new_id("evt"), account_id=row.account_id, event_type=notice.type,
        body=notice.model_dump_json(by_alias=True), at=at,
    )  # fmt: skip
    return DeliveryView.of(sent)


def delivery_page(
    webhook_id: str, caller: Actor, *, limit: int, after: str | None
) -> Slice[WebhookDeliveryRecord]:  # fmt: skip
    webhooks.get(webhook_id, accounts=caller)
    return deliveries.page(webhook_id, limit=limit, after=after)


def replay(webhook_id: str, delivery_id: str, caller: Actor) -> DeliveryView:
    """Begin an ended delivery again. Raise DeliveryNotFound or DeliveryPending."""
    webhooks.get(webhook_id, accounts=caller)
    row = deliveries.find(webhook_id, delivery_id)
    if row is None:
        raise DeliveryNotFound
    deliveries.again(row, at=utc_now())
    return DeliveryView.of(row)


def _note(
    row: WebhookRecord, action: AuditAction, caller: Actor, at: datetime, tx: Transaction, **details: object
) -> None:  # fmt: skip
    """Add the entry of the organization's audit log, on the condition that the caller's role is as it was read."""
    caller.stays_member(row.account_id, tx=tx)
    if organization_id := organization_of(row.account_id):
        audit_log.add(
            organization_id, action, user_id=caller.user_id, source=caller.source, at=at, tx=tx,
            subject=row.webhook_id, **details,
        )  # fmt: skip
