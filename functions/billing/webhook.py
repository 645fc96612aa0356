"""Reception of Stripe's webhooks: verify the raw body, and queue what changed. `events.py` reads the queue."""

import json
from typing import Any

from stripe import SignatureVerificationError, WebhookSignature

from functions.billing.payments import WEBHOOK_SECRET, billing_secret
from shared.aws import queues
from shared.core.errors import AppError
from shared.observability import logger
from shared.stages.queues import BILLING_QUEUE
from shared.subscriptions.messages import StripeEvent

TOLERANCE_SECONDS = 300  # maximum age of a signature, so that a recorded request cannot be sent much later
EVENTS = (  # the types that the endpoint at Stripe is subscribed to
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "invoice.paid",
    "invoice.payment_failed",
    "charge.refunded",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
)


class BadSignature(AppError):
    """The request was not sent by Stripe, or it is too old."""

    code, status = "bad_signature", 400


def receive(body: str, signature: str) -> None:
    """Queue the event. Raise BadSignature. An event of another type is ignored."""
    secret = billing_secret(WEBHOOK_SECRET)
    try:
        WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)
    except SignatureVerificationError:
        raise BadSignature("The signature does not fit the body.") from None
    event = json.loads(body)
    if event["type"] not in EVENTS:
        logger.info("Stripe event ignored", stripe_event_type=event["type"])
        return
    message = _message(event)
    queues.send(BILLING_QUEUE, message, group=message.customer_id or message.charge_id or message.event_id)


def _message(event: dict[str, Any]) -> StripeEvent:
    changed = event["data"]["object"]
    charge = changed["id"] if changed["object"] == "charge" else changed.get("charge")
    return StripeEvent(event_id=event["id"], type=event["type"], customer_id=changed.get("customer"), charge_id=charge)
