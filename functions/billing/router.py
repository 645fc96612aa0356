"""`/api/billing`."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response, status

from functions.billing import service, webhook
from functions.billing.payments import BillingUnavailable
from functions.billing.schemas import Checkout, LedgerEntry, PageLink, SubscriptionView, UsageView
from functions.billing.webhook import BadSignature
from shared.access.permissions import Permission
from shared.idempotency.store import KeyReused
from shared.members.actor import Actor, OrganizationNotFound
from shared.quotas.classes import RouteClass
from shared.rest.actor import OrganizationId, acting
from shared.rest.event import raw_body
from shared.rest.inline import Inline
from shared.rest.once import Once
from shared.rest.pagination import BadCursor, Page, Paged
from shared.rest.problem import problems
from shared.rest.quota import counted

router = APIRouter(prefix="/api/billing", tags=["billing"], route_class=Inline)

Read = Annotated[Actor, acting(Permission.BILLING_READ)]
Write = Annotated[Actor, acting(Permission.BILLING_WRITE)]
_CENTURY = {"ge": date(2000, 1, 1), "lt": date(2100, 1, 1)}
Since = Annotated[date | None, Query(description="The first day (UTC), as 2026-05-31.", **_CENTURY)]
Until = Annotated[date | None, Query(description="The last day (UTC). Today without it.", **_CENTURY)]


@router.get("/subscription", operation_id="getSubscription", responses=problems(OrganizationNotFound))
def get_subscription(caller: Read, organization_id: OrganizationId = None) -> SubscriptionView:
    """Read the plan and the credits of an account."""
    return service.subscription(caller.account(organization_id), caller.user_id)


@router.post(
    "/checkout",
    status_code=status.HTTP_201_CREATED,
    response_model=PageLink,
    operation_id="createCheckout",
    responses=problems(OrganizationNotFound, KeyReused, BillingUnavailable),
)
def create_checkout(body: Checkout, caller: Write, once: Once) -> Response:
    """Begin the purchase of a plan or of a credit pack. The payment happens on a page of Stripe."""
    account_id = caller.account(body.organization_id)
    return once.respond(lambda _: service.checkout(body, account_id, caller.user_id), status=status.HTTP_201_CREATED)


@router.post(
    "/portal",
    status_code=status.HTTP_201_CREATED,
    operation_id="createPortal",
    responses=problems(OrganizationNotFound, BillingUnavailable),
)
def create_portal(caller: Write, organization_id: OrganizationId = None) -> PageLink:
    """Open the page of Stripe with invoices, cards, and changes or the end of the subscription."""
    return service.portal(caller.account(organization_id), caller.user_id)


@router.get("/usage", operation_id="getUsage", responses=problems(OrganizationNotFound))
def get_usage(
    caller: Read, organization_id: OrganizationId = None, since: Since = None, until: Until = None
) -> UsageView:
    """Read what the account used, per day and per job. Without dates, the last 30 days. At most 92 days."""
    return service.usage(caller.account(organization_id), caller.user_id, since, until)


@router.get(
    "/ledger",
    response_model=Page[LedgerEntry],
    operation_id="getLedger",
    responses=problems(OrganizationNotFound, BadCursor)
    | {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def get_ledger(
    caller: Read,
    paging: Paged,
    organization_id: OrganizationId = None,
    since: Since = None,
    until: Until = None,
    format_: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Page[LedgerEntry] | Response:
    """List every change of the account's credits, newest first. With `format=csv`, all of the period in one file."""
    account_id = caller.account(organization_id)
    if format_ == "csv":
        return Response(service.ledger_csv(account_id, since, until), media_type="text/csv")
    found = service.ledger(account_id, since, until, limit=paging.limit, after=paging.after)
    return paging.page(found, LedgerEntry.model_validate)


@router.post(
    "/webhook",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="receiveStripeEvent",
    dependencies=[counted(RouteClass.WEBHOOK)],
    responses=problems(BadSignature, BillingUnavailable),
)
def receive_stripe_event(
    request: Request, stripe_signature: Annotated[str, Header(max_length=1000, pattern=r"^[ -~]*$")] = ""
) -> None:
    """Receive an event of Stripe. The signature proves its origin. The event is handled later."""
    webhook.receive(raw_body(request), stripe_signature)
