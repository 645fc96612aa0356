"""The history of a customer at Stripe: the subscription, and every movement of credits that follows from payments.

The history is read again for each event, and movements are in the order of Stripe's times. So neither the order nor
the number of events has an effect.

    invoice#in_...         a paid invoice of a subscription: monthly credits, in proportion to the amount of each line
    checkout#cs_...        a paid checkout of a pack
    refund#re_...          a refund takes back its share of the credits
    refund-failed#re_...   the bank has refused the refund: the credits return
    dispute#txn_...        Stripe has withdrawn a disputed amount, or paid it back
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache

from stripe import Charge, Invoice, Subscription
from stripe.checkout import Session

from functions.billing.payments import payments
from shared.credits.balance import Movement
from shared.observability import logger
from shared.subscriptions.plans import PLANS
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import SubscriptionState

PAGE = 100  # objects of one call, Stripe's maximum
STATUSES = {
    "active": SubscriptionStatus.ACTIVE,
    "trialing": SubscriptionStatus.TRIALING,
    "past_due": SubscriptionStatus.PAST_DUE,  # a payment failed, and Stripe requests it again
    "unpaid": SubscriptionStatus.UNPAID,  # Stripe has stopped to request it
    "incomplete": SubscriptionStatus.UNPAID,  # the first payment has not succeeded
    "paused": SubscriptionStatus.UNPAID,
    "canceled": SubscriptionStatus.CANCELLED,
    "incomplete_expired": SubscriptionStatus.CANCELLED,
}
RENEWALS = {"subscription_create", "subscription_cycle"}  # reasons of invoices that begin a period
_REFUNDED = {"succeeded", "pending", "failed"}  # a failed refund has another movement, which cancels it


@dataclass(frozen=True, slots=True)
class History:
    """The subscription and the payments of a customer. `cents` are the amounts paid, by operation."""

    state: SubscriptionState
    movements: list[Movement]
    cents: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Purchase:
    """A payment and the credits that it added."""

    credits: int
    cents: int
    lasting: bool


@dataclass(frozen=True, slots=True)
class _Loss:
    """An amount that was paid back to the customer. It is negative if it came back to us."""

    operation_id: str
    at: int
    cents: int
    reason: str


def read_history(customer_id: str, charge_id: str | None) -> History:
    """Return the history. `charge_id` is the charge of the event: a failed refund leaves no trace in its charge."""
    api = payments().v1
    subscribed = api.subscriptions.list({"customer": customer_id, "limit": PAGE, "status": "all"})
    invoices = api.invoices.list({"customer": customer_id, "limit": PAGE, "status": "paid"})
    sessions = api.checkout.sessions.list({"customer": customer_id, "limit": PAGE, "status": "complete"})
    packs = {str(found.payment_intent): found for found in sessions.auto_paging_iter() if _is_paid_pack(found)}
    charges = list(api.charges.list({"customer": customer_id, "limit": PAGE}).auto_paging_iter())

    paid_at = {str(charge.payment_intent): charge.created for charge in charges if charge.paid}
    bought: dict[str, Purchase] = {}
    movements: list[Movement] = []
    for invoice in invoices.auto_paging_iter():
        operation_id = f"invoice#{invoice.id}"
        plan, credits = _credits_of(invoice)
        if plan is not None:
            renews = invoice.billing_reason in RENEWALS
            keeps = PLANS[plan].rollover_credits if renews else None
            bought[operation_id] = Purchase(credits, invoice.amount_paid, lasting=False)
            at, reason = invoice.status_transitions.paid_at or invoice.created, f"credits of the plan {plan}"
            movements.append(_movement(operation_id, at, credits, reason, lasting=False, keeps=keeps))
    for intent, session in packs.items():
        operation_id = f"checkout#{session.id}"
        assert session.metadata is not None  # noqa: S101  # it names the pack
        credits = int(session.metadata["credits"])
        bought[operation_id] = Purchase(credits, session.amount_total or 0, lasting=True)
        at, reason = paid_at.get(intent, session.created), f"pack {session.metadata['pack']}"
        movements.append(_movement(operation_id, at, credits, reason, lasting=True))
    cents = {operation_id: purchase.cents for operation_id, purchase in bought.items()}
    for operation_id, losses in _losses(charges, charge_id, packs).items():
        if purchase := bought.get(operation_id):
            movements += _taken_back(purchase, losses)
            cents |= {loss.operation_id: -loss.cents for loss in losses}
    movements.sort(key=lambda one: (one.at, one.operation_id))
    return History(_state(list(subscribed.auto_paging_iter())), movements, cents)


def _movement(
    operation_id: str, at: int, credits: int, reason: str, *, lasting: bool, keeps: int | None = None
) -> Movement:
    return Movement(
        operation_id=operation_id, at=_time(at), credits=credits, reason=reason, lasting=lasting, keeps=keeps
    )  # fmt: skip


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _is_paid_pack(session: Session) -> bool:
    known = session.metadata is not None and "credits" in session.metadata
    return session.mode == "payment" and session.payment_status != "unpaid" and known


# --- subscriptions


def _state(found: list[Subscription]) -> SubscriptionState:
    """Return the state of the newest subscription that gives the account its plan, or of the newest one."""
    if not found:
        return SubscriptionState()
    entitling = [one for one in found if STATUSES[one.status].entitles]
    if len(entitling) > 1:
        logger.error("more than one subscription", stripe_customer_id=str(found[0].customer))
    subscription = max(entitling or found, key=lambda one: one.created)
    item = subscription["items"].data[0]  # `.items` is the method of a mapping
    return SubscriptionState(
        plan=_plan_of(item.price.id) or PlanType.FREE,
        status=STATUSES[subscription.status],
        stripe_subscription_id=subscription.id,
        stripe_price_id=item.price.id,
        current_period_start=_time(item.current_period_start),
        current_period_end=_time(item.current_period_end),
        cancel_at_period_end=subscription.cancel_at_period_end or subscription.cancel_at is not None,
    )


def _plan_of(price_id: str) -> PlanType | None:
    """Return the plan of a price, also of one that is not for sale any more. Other prices have none."""
    name = _price(price_id)[0]
    return PlanType(name) if name else None


@cache
def _price(price_id: str) -> tuple[str | None, int]:
    """Return the plan of a price and its cents. A price never changes; a new one replaces it."""
    price = payments().v1.prices.retrieve(price_id)
    plan = price.metadata["plan"] if "plan" in price.metadata else None  # noqa: SIM401  # Stripe's objects have no `get`
    return plan, price.unit_amount or 0


def _credits_of(invoice: Invoice) -> tuple[PlanType | None, int]:
    """Return the plan of the invoice's newest line and the credits of all its lines.

    A line adds the plan's credits in proportion to its amount, so a prorated line adds a part of them, and the
    unused time of an old plan, which has a negative amount, takes a part away. A discount does not change them.
    """
    plan, credits = None, Fraction()
    for line in invoice.lines.auto_paging_iter():
        details = line.pricing.price_details if line.pricing else None
        if details is None:
            continue
        name, cents = _price(str(details.price))
        if name and cents:
            if line.amount >= 0:
                plan = PlanType(name)
            credits += Fraction(PLANS[PlanType(name)].monthly_credits * line.amount, cents)
    return plan, max(0, int(credits))


# --- refunds and disputes


def _losses(
    charges: list[Charge], charge_id: str | None, packs: Mapping[str, Session]
) -> Mapping[str, list[_Loss]]:  # fmt: skip
    """Return what was paid back, by the operation of the payment."""
    losses = defaultdict[str, list[_Loss]](list)
    for charge in charges:
        if charge.amount_refunded or charge.disputed or charge.id == charge_id:
            intent = str(charge.payment_intent)
            purchase = f"checkout#{packs[intent].id}" if intent in packs else _invoice_of(intent)
            losses[purchase] += [*_refunds(charge), *_disputes(charge)]
    return losses


def _invoice_of(payment_intent_id: str) -> str:
    found = (
        payments()
        .v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": payment_intent_id}})
        .data
    )
    return f"invoice#{found[0].invoice}" if found else "none"


def _refunds(charge: Charge) -> Iterator[_Loss]:
    wanted = payments().v1.refunds.list(
        {"charge": charge.id, "limit": PAGE, "expand": ["data.failure_balance_transaction"]}
    )
    for refund in wanted.auto_paging_iter():
        if refund.status in _REFUNDED:
            yield _Loss(f"refund#{refund.id}", refund.created, refund.amount, "refund")
        failure = refund.failure_balance_transaction
        if refund.status == "failed" and failure is not None and not isinstance(failure, str):
            yield _Loss(f"refund-failed#{refund.id}", failure.created, -refund.amount, "refund that failed")


def _disputes(charge: Charge) -> Iterator[_Loss]:
    """Yield each withdrawal of a disputed amount, and each return. An inquiry moves no money."""
    for dispute in payments().v1.disputes.list({"charge": charge.id, "limit": PAGE}).auto_paging_iter():
        for moved in dispute.balance_transactions:
            withdrawn = moved.amount < 0  # in the currency of the payout, which may differ
            reason = "dispute" if withdrawn else "dispute that we won"
            cents = dispute.amount if withdrawn else -dispute.amount
            yield _Loss(f"dispute#{moved.id}", moved.created, cents, reason)


def _taken_back(purchase: Purchase, losses: list[_Loss]) -> Iterator[Movement]:
    """Yield what the losses take from the purchase's credits, each in its order. All together take at most all."""
    lost = taken = 0
    for loss in sorted(losses, key=lambda one: (one.at, one.operation_id)):
        lost += loss.cents
        owed = purchase.credits * min(lost, purchase.cents) // purchase.cents if purchase.cents else 0
        yield _movement(loss.operation_id, loss.at, taken - owed, loss.reason, lasting=purchase.lasting)
        taken = owed
