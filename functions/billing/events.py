"""The reader of the queue of billing events: it writes what Stripe knows about the customer, and books its credits.

An event only says that something of a customer changed. All of its history is read from Stripe again. State and
credits are written in one transaction, which fails if another process wrote after the history was read. Each
movement is one operation in the ledger, and so has one effect.
"""

from typing import Any

from functions.billing.history import History, read_history
from functions.billing.payments import payments, stripe_answers
from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.credits.balance import Movement
from shared.credits.store import BalanceChanged, BookedAlready, credits
from shared.observability import Metric, about, logged, logger, measure, observed
from shared.subscriptions.messages import ACCOUNT_ERASED, StripeEvent
from shared.subscriptions.record import SubscriptionRecord
from shared.subscriptions.store import SubscriptionChanged, subscriptions

TRIES = 5  # readings of a history while jobs or other events change the account
BATCH = 25  # movements of one transaction, which has at most 100 writes


class UnknownAccount(Exception):
    """A customer of ours without an account in the index, which may be late. SQS delivers the event again."""


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle messages of the queue of billing events."""
    failed = []
    for record in event["Records"]:
        with logged(message_id=record["messageId"]):
            try:
                _handle(StripeEvent.model_validate_json(record["body"]))
            except Exception:  # noqa: BLE001  # SQS must deliver this message again after any error
                logger.exception("Stripe event not handled")
                failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _handle(event: StripeEvent) -> None:
    about(stripe_event_id=event.event_id)
    with stripe_answers():
        if event.type == ACCOUNT_ERASED and event.customer_id:
            _forget(event.customer_id)
            return
        customer_id = event.customer_id or _customer_of(event.charge_id)
        account_id = _account_of(customer_id) if customer_id else None
        if customer_id is None or account_id is None:
            logger.warning("event of an unknown customer", stripe_event_type=event.type)
            return
        about(account_id=account_id)
        for left in reversed(range(TRIES)):
            record = subscriptions.get(account_id)
            if record is None:
                raise UnknownAccount
            try:
                _write(record, read_history(customer_id, event.charge_id))
                return
            except (SubscriptionChanged, BookedAlready, BalanceChanged):
                if not left:
                    raise


def _customer_of(charge_id: str | None) -> str | None:
    customer = payments().v1.charges.retrieve(charge_id).customer if charge_id else None
    return str(customer) if customer else None


def _account_of(customer_id: str) -> str | None:
    """Return the customer's account. Return None if Kinora has not created the customer."""
    if account_id := subscriptions.account_of(customer_id):
        return account_id
    customer = payments().v1.customers.retrieve(customer_id)
    if getattr(customer, "deleted", False):  # an account that is being deleted, or was
        return None
    if customer.metadata and "accountId" in customer.metadata:
        raise UnknownAccount
    return None


def _forget(customer_id: str) -> None:
    """Delete the customer at Stripe, which ends all subscriptions at once, and the subscription here."""
    api = payments().v1
    if not getattr(api.customers.retrieve(customer_id), "deleted", False):
        api.customers.delete(customer_id)
    if account_id := subscriptions.account_of(customer_id):
        subscriptions.forget(account_id)


def _write(record: SubscriptionRecord, history: History) -> None:
    """Write the state, and book the movements that are not in the ledger."""
    booked = credits.booked(record.account_id, [one.operation_id for one in history.movements])
    new = [movement for movement in history.movements if movement.operation_id not in booked]
    if not new and subscriptions.has(record, history.state):
        return
    for movements in [new[start : start + BATCH] for start in range(0, len(new), BATCH)] or [[]]:
        with transaction() as tx:
            subscriptions.write(record, history.state, at=utc_now(), tx=tx)
            if movements:
                credits.book(record.account_id, movements, at=utc_now(), tx=tx)
        for movement in movements:
            _measure(movement, history)


def _measure(movement: Movement, history: History) -> None:
    cents = history.cents[movement.operation_id]
    measure(Metric.REVENUE_CENTS if cents > 0 else Metric.REFUNDED_CENTS, abs(cents))
    if movement.credits > 0:
        measure(Metric.CREDITS_GRANTED, movement.credits)
