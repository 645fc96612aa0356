"""`/api/webhooks`: endpoints that receive events, and the deliveries to them."""

from typing import Annotated

from fastapi import APIRouter, status

from functions.webhooks import service
from functions.webhooks.schemas import DeliveryView, NewWebhookView, WebhookCreate, WebhookUpdate, WebhookView
from shared.access.permissions import Permission
from shared.core.versions import PreconditionFailed
from shared.core.wire import Id
from shared.members.actor import Actor, OrganizationNotFound
from shared.rest.actor import OrganizationId, acting
from shared.rest.etags import Change, Tag
from shared.rest.inline import Inline
from shared.rest.pagination import BadCursor, Page, Paged, whole
from shared.rest.problem import problems
from shared.webhooks.deliveries import DeliveryPending
from shared.webhooks.store import TooManyWebhooks, WebhookChanged, webhooks

router = APIRouter(prefix="/api/webhooks", tags=["webhooks"], route_class=Inline)

Read = Annotated[Actor, acting(Permission.WEBHOOKS_READ)]
Write = Annotated[Actor, acting(Permission.WEBHOOKS_WRITE)]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    operation_id="createWebhook",
    responses=problems(TooManyWebhooks, OrganizationNotFound),
)
def create_webhook(body: WebhookCreate, caller: Write) -> NewWebhookView:
    """Create an endpoint. Kinora sends it the events as POST requests, signed as Standard Webhooks specifies it.

    An answer with a status of 2xx accepts an event. Otherwise Kinora tries eight times within a day, and disables the
    endpoint after five days without a success. An event can arrive twice, with the same `webhook-id`, and after a
    later one. The response is the only place that shows the secret, so this request takes no Idempotency-Key.
    """
    return service.create(body, caller)


@router.get("", operation_id="listWebhooks", responses=problems(OrganizationNotFound))
def list_webhooks(caller: Read, organization_id: OrganizationId = None) -> Page[WebhookView]:
    """List the endpoints of an account, newest first, without their secrets."""
    return whole(service.of_account(organization_id, caller))


@router.get("/{webhook_id}", operation_id="getWebhook")
def get_webhook(webhook_id: Id, caller: Read, tag: Tag) -> WebhookView:
    """Read one endpoint."""
    row = webhooks.get(webhook_id, accounts=caller)
    return tag.on(row.etag, WebhookView.of(row))


@router.patch("/{webhook_id}", operation_id="updateWebhook", responses=problems(PreconditionFailed))
def update_webhook(webhook_id: Id, body: WebhookUpdate, caller: Write, change: Change) -> WebhookView:
    """Change the URL or the events of an endpoint, or enable or disable it."""
    row = service.change(webhook_id, body, caller, change.expected)
    return change.on(row.etag, WebhookView.of(row))


@router.delete("/{webhook_id}", status_code=status.HTTP_204_NO_CONTENT, operation_id="deleteWebhook")
def delete_webhook(webhook_id: Id, caller: Write) -> None:
    """Delete an endpoint and its deliveries."""
    service.delete(webhook_id, caller)


@router.post("/{webhook_id}/secret", operation_id="replaceWebhookSecret", responses=problems(WebhookChanged))
def replace_webhook_secret(webhook_id: Id, caller: Write) -> NewWebhookView:
    """Give an endpoint a new secret. For a day, the old one signs too."""
    return service.replace_secret(webhook_id, caller)


@router.post("/{webhook_id}/test", status_code=status.HTTP_202_ACCEPTED, operation_id="testWebhook")
def test_webhook(webhook_id: Id, caller: Write) -> DeliveryView:
    """Send an event of the type `webhook.test` to an endpoint."""
    return service.test(webhook_id, caller)


@router.get("/{webhook_id}/deliveries", operation_id="listDeliveries", responses=problems(BadCursor))
def list_deliveries(webhook_id: Id, caller: Read, paging: Paged) -> Page[DeliveryView]:
    """List the deliveries to an endpoint of the last 30 days, newest first."""
    found = service.delivery_page(webhook_id, caller, limit=paging.limit, after=paging.after)
    return paging.page(found, DeliveryView.of)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="replayDelivery",
    responses=problems(DeliveryPending),
)
def replay_delivery(webhook_id: Id, delivery_id: Id, caller: Write) -> DeliveryView:
    """Send an event again that was delivered or that failed. It has the same id."""
    return service.replay(webhook_id, delivery_id, caller)
