"""Delivery of the fake Stripe's webhooks to a studio, and purchases on Stripe's pages."""

import time
from collections.abc import Iterable
from typing import Any

from functions.billing import events
from shared.stages.queues import BILLING_QUEUE
from tests.support.studio import Answer, Creator, Studio


def send(studio: Studio, event: dict[str, Any], *, late_seconds: int = 0) -> Answer:
    """Send the event to the webhook, with a signature that was made `late_seconds` ago."""
    body, signature = studio.stripe.signed(event, at=int(time.time()) - late_seconds)
    return studio.call("POST", "/api/billing/webhook", raw=body, headers={"stripe-signature": signature})


def deliver(studio: Studio, sent: Iterable[dict[str, Any]]) -> None:
    """Send the events in this order, and handle each one at once. Raise AssertionError if one fails."""
    for event in sent:
        assert send(studio, event).status == 204
        assert handle_all(studio) == []


def handle_all(studio: Studio) -> list[dict[str, str]]:
    """Handle the messages of the queue, as Lambda does, and return those that failed."""
    failed = []
    while delivery := studio.deliver(BILLING_QUEUE):
        record = {"messageId": f"m-{delivery.receipt}", "body": delivery.body}
        found = events.handler({"Records": [record]}, None)["batchItemFailures"]
        failed += found
        if not found:
            delivery.delete()
    return failed


def new_events(studio: Studio, seen: int = 0) -> list[dict[str, Any]]:
    """Return the events since the first `seen` ones."""
    return list(studio.stripe.books.events[seen:])


def session_of(url: str) -> str:
    return url.rpartition("/")[2]


def buy(creator: Creator, **what: str) -> str:
    """Buy a plan or a pack on Stripe's page, and return the id of the checkout session. No event is delivered."""
    answer = creator.post("/api/billing/checkout", what)
    assert answer.status == 201, answer.body
    session_id = session_of(answer.body["url"])
    creator.studio.stripe.books.pay_session(session_id)
    return session_id


def charge_of(studio: Studio, session_id: str) -> dict[str, Any]:
    """Return the charge of a paid session."""
    books = studio.stripe.books
    session = books.get(session_id, "checkout.session")
    intent = session["payment_intent"]
    if intent is None:
        [payment] = books.all("invoice_payment", invoice=session["invoice"])
        intent = payment["payment"]["payment_intent"]
    [charge] = books.all("charge", payment_intent=intent)
    return charge
