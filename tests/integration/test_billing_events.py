"""Stripe's events in any order, repeated, and in the middle of later changes: one state and one balance (I14).

The model has two pots, of monthly and of lasting credits, and does each thing when it happens at Stripe.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functions.billing import events
from functions.billing.webhook import EVENTS, _message
from shared.credits.record import AccountRecord, LedgerRecord
from shared.subscriptions.plans import PACKS, PLANS, PackName
from shared.subscriptions.record import PlanType
from shared.subscriptions.store import subscriptions
from tests.support.stripe import buy
from tests.support.studio import Creator, Studio

STEPS = 7
OPENING = 100
NUMBERS = count()
STATUSES = {"active": "ACTIVE", "past_due": "PAST_DUE", "unpaid": "UNPAID", "canceled": "CANCELLED"}


@dataclass
class Pots:
    """The credits that an account should have."""

    monthly: int = 0
    lasting: int = OPENING
    owed: int = 0

    def add(self, credits: int, *, lasting: bool, keeps: int | None = None) -> None:
        if keeps is not None:
            self.monthly = min(self.monthly, keeps)
        if lasting:
            self.lasting += credits
        else:
            self.monthly += credits
        paid = min(self.owed, self.monthly + self.lasting)
        self.owed -= paid
        self._take(paid, lasting_first=False)

    def take(self, credits: int, *, lasting: bool) -> None:
        there = min(credits, self.monthly + self.lasting)
        self.owed += credits - there
        self._take(there, lasting_first=lasting)

    def _take(self, credits: int, *, lasting_first: bool) -> None:
        first = min(credits, self.lasting if lasting_first else self.monthly)
        if lasting_first:
            self.lasting, self.monthly = self.lasting - first, self.monthly - (credits - first)
        else:
            self.monthly, self.lasting = self.monthly - first, self.lasting - (credits - first)


@dataclass
class Bought:
    """A payment in the model."""

    charge: dict[str, Any]
    credits: int
    lasting: bool
    lost: int = 0  # cents
    dispute: dict[str, Any] | None = None

    def lose(self, pots: Pots, cents: int) -> None:
        before = self.credits * self.lost // self.charge["amount"]
        self.lost += cents
        change = self.credits * self.lost // self.charge["amount"] - before
        if change > 0:
            pots.take(change, lasting=self.lasting)
        else:
            pots.add(-change, lasting=self.lasting)


@dataclass
class Customer:
    """A creator who does things at Stripe, and the model of them."""

    creator: Creator
    pots: Pots = field(default_factory=Pots)
    bought: list[Bought] = field(default_factory=list)
    plan: PlanType = PlanType.FREE

    @property
    def books(self) -> Any:
        return self.creator.studio.stripe.books

    @property
    def subscription(self) -> dict[str, Any] | None:
        record = subscriptions.get(self.creator.user_id)
        customer_id = record and record.stripe_customer_id
        return next(self.books.all("subscription", customer=customer_id), None) if customer_id else None

    def choices(self) -> dict[str, Callable[[], None]]:
        """Return what is possible now."""
        found: dict[str, Callable[[], None]] = {"buy a pack": self.buy_pack}
        made = self.subscription
        if made is None or made["status"] == "canceled":
            found["subscribe"] = self.subscribe
        else:
            invoice = self.books.get(made["latest_invoice"], "invoice")
            found["cancel"] = lambda: self.books.cancel(made["id"])
            if invoice["status"] == "open":
                found["pay"] = lambda: self.pay(made)
                found["fail"] = lambda: self.books.try_again(invoice["id"], declined=True)
            else:
                found["renew"] = lambda: self.renew(made)
                found["decline"] = lambda: self.books.end_period(made["id"], declined=True)
                if self.plan is PlanType.PRO:
                    found["upgrade"] = lambda: self.upgrade(made)
        for number, one in enumerate(self.bought):
            if one.dispute is None and one.lost < one.charge["amount"]:
                found[f"refund {number}"] = lambda one=one: self.refund(one)  # type: ignore[misc]  # binds `one` now
                found[f"dispute {number}"] = lambda one=one: self.open_dispute(one)  # type: ignore[misc]  # as above
            elif one.dispute is not None and one.dispute["status"] == "needs_response":
                found[f"win {number}"] = lambda one=one: self.win(one)  # type: ignore[misc]  # as above
        return found

    def buy_pack(self) -> None:
        session = self.books.get(buy(self.creator, pack="SMALL"), "checkout.session")
        [charge] = self.books.all("charge", payment_intent=session["payment_intent"])
        credits = PACKS[PackName.SMALL].credits
        self.bought.append(Bought(charge, credits, lasting=True))
        self.pots.add(credits, lasting=True)

    def subscribe(self) -> None:
        session_id = buy_subscription(self.creator)
        assert session_id
        self.plan = PlanType.PRO
        self.invoiced(self.subscription, PLANS[self.plan].monthly_credits, PLANS[self.plan].rollover_credits)

    def invoiced(self, made: dict[str, Any] | None, credits: int, keeps: int | None) -> None:
        assert made is not None
        [payment] = self.books.all("invoice_payment", invoice=made["latest_invoice"])
        [charge] = self.books.all("charge", payment_intent=payment["payment"]["payment_intent"])
        self.bought.append(Bought(charge, credits, lasting=False))
        self.pots.add(credits, lasting=False, keeps=keeps)

    def renew(self, made: dict[str, Any]) -> None:
        self.books.end_period(made["id"])
        self.invoiced(made, PLANS[self.plan].monthly_credits, PLANS[self.plan].rollover_credits)

    def pay(self, made: dict[str, Any]) -> None:
        self.books.try_again(made["latest_invoice"])
        self.invoiced(made, PLANS[self.plan].monthly_credits, PLANS[self.plan].rollover_credits)

    def upgrade(self, made: dict[str, Any]) -> None:
        enterprise = PLANS[PlanType.ENTERPRISE]
        assert enterprise.price is not None
        key = enterprise.price.lookup_key
        [price] = self.books.all("price", lookup_key=key)
        self.books.now += 86_400
        self.books.change_price(made["id"], price, "always_invoice")
        self.books.emit("customer.subscription.updated", made)
        less, more = (line["amount"] for line in self.books.get(made["latest_invoice"], "invoice")["lines"]["data"])
        shares = ((PlanType.PRO, less), (PlanType.ENTERPRISE, more))
        credits = sum(Fraction(PLANS[plan].monthly_credits * cents, cents_of(plan)) for plan, cents in shares)
        self.plan = PlanType.ENTERPRISE
        self.invoiced(made, int(credits), None)

    def refund(self, one: Bought) -> None:
        cents = max(1, (one.charge["amount"] - one.lost) // 2)
        self.books.refund(one.charge, cents)
        one.lose(self.pots, cents)

    def open_dispute(self, one: Bought) -> None:
        one.dispute = self.books.dispute(one.charge["id"])
        one.lose(self.pots, one.dispute["amount"])

    def win(self, one: Bought) -> None:
        assert one.dispute is not None
        self.books.close_dispute(one.dispute["id"], won=True)
        one.lose(self.pots, -one.dispute["amount"])


def cents_of(plan: PlanType) -> int:
    price = PLANS[plan].price
    assert price is not None
    return price.cents


def buy_subscription(creator: Creator) -> str:
    """Buy PRO on Stripe's page, also while our record shows an earlier subscription."""
    books = creator.studio.stripe.books
    record = subscriptions.get(creator.user_id)
    if record is None or record.stripe_subscription_id is None:
        return buy(creator, plan="PRO")
    [price] = books.all("price", lookup_key=PLANS[PlanType.PRO].price.lookup_key)  # type: ignore[union-attr]  # it has one
    made = books.subscribe(record.stripe_customer_id, price, {})
    return str(made["id"])


def handle(event: dict[str, Any]) -> None:
    record = {"messageId": event["id"], "body": _message(event).encoded()}
    assert events.handler({"Records": [record]}, None) == {"batchItemFailures": []}


def check(studio: Studio, data: Any) -> None:
    creator = studio.arrive(f"customer-{next(NUMBERS)}@example.com", credits=OPENING)
    customer, first = Customer(creator), len(studio.stripe.books.events)

    def happened() -> list[dict[str, Any]]:
        return [event for event in studio.stripe.books.events[first:] if event["type"] in EVENTS]

    for _ in range(data.draw(st.integers(2, STEPS), label="steps")):
        choices = customer.choices()
        choices[data.draw(st.sampled_from(sorted(choices)), label="step")]()
        if (so_far := happened()) and data.draw(st.booleans(), label="deliver"):
            handle(data.draw(st.sampled_from(so_far), label="event"))
    for event in data.draw(st.permutations(happened()), label="order"):
        for _ in range(data.draw(st.integers(1, 2), label="times")):
            handle(event)

    account = AccountRecord.get(creator.user_id)
    pots = customer.pots
    assert (account.available, account.owed or 0) == (pots.monthly + pots.lasting, pots.owed)
    assert account.lasting is None or account.lasting == pots.lasting
    assert sum(entry.credits for entry in LedgerRecord.query(creator.user_id)) == account.available
    made = customer.subscription
    record = subscriptions.get(creator.user_id)
    assert record is not None
    assert (record.status, record.plan) == (STATUSES[made["status"]] if made else "ACTIVE", customer.plan)


quick = settings(
    max_examples=6,
    phases=[Phase.generate],  # a history is not shrunk: its ids and times are new in each run
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
exhaustive = settings(quick, max_examples=30)


@quick
@given(st.data())
def test_events_in_any_order_end_in_one_state_and_one_balance(studio: Studio, data: Any) -> None:
    check(studio, data)


@pytest.mark.slow
@exhaustive
@given(st.data())
def test_events_in_any_order_end_in_one_state_and_one_balance_for_many_histories(studio: Studio, data: Any) -> None:
    check(studio, data)
