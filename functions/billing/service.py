"""The requests of billing: the subscription, purchases, usage and the ledger."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO

from functions.billing.payments import payments, stripe_answers
from functions.billing.schemas import (
    Checkout,
    JobCharge,
    PageLink,
    SubscriptionView,
    UsageDay,
    UsageView,
)
from shared.assets.store import assets
from shared.core.clock import utc_now
from shared.core.config import Config
from shared.core.errors import Invalid
from shared.core.ids import id_from, made_at, organization_of
from shared.core.slices import Slice
from shared.credits.record import LedgerRecord
from shared.credits.store import credits
from shared.jobs.store import jobs
from shared.subscriptions.plans import PACKS, PLANS, PackName, Price
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import SubscriptionChanged, subscriptions

MOST_DAYS = 92  # of a report
MOST_ROWS = 20_000  # of an export; Lambda's answer has at most 6 MB
_CAPTURE = "capture#"


class BillingPages(Config):
    web_origin: str = ""


def subscription(account_id: str, user_id: str) -> SubscriptionView:
    account, record = credits.account(account_id), subscriptions.get(account_id)
    plan = PlanType(record.plan) if record else PlanType.FREE
    return SubscriptionView(
        id=account_id,
        user_id=(record.user_id if record else None) or user_id,
        organization_id=organization_of(account_id),
        stripe_customer_id=record.stripe_customer_id if record else None,
        stripe_subscription_id=record.stripe_subscription_id if record else None,
        stripe_price_id=record.stripe_price_id if record else None,
        status=SubscriptionStatus(record.status) if record else SubscriptionStatus.ACTIVE,
        plan=plan,
        current_period_start=record.current_period_start if record else None,
        current_period_end=record.current_period_end if record else None,
        cancel_at_period_end=bool(record and record.cancel_at_period_end),
        created_at=record.created_at if record else None,
        updated_at=record.updated_at if record else None,
        monthly_credits=PLANS[plan].monthly_credits,
        credits_available=int(account.available),
        credits_held=int(account.held),
        credits_owed=int(account.owed or 0),
    )


# --- purchases


def checkout(body: Checkout, account_id: str, user_id: str) -> PageLink:
    """Return the page on which the user buys for the account. A subscriber confirms the change of the plan there."""
    with stripe_answers():
        customer_id = _customer(account_id, user_id)
        if body.pack is not None:
            return PageLink(url=_buy_pack(body.pack, account_id, customer_id))
        assert body.plan is not None  # noqa: S101  # the model checks that one of them is named
        price_id = _price_id(PLANS[body.plan].price)
        current = subscriptions.get(account_id)
        if current and current.stripe_subscription_id and SubscriptionStatus(current.status).entitles:
            return PageLink(url=_change_plan(current.stripe_subscription_id, price_id, customer_id))
        return PageLink(url=_subscribe(account_id, customer_id, price_id))


def portal(account_id: str, user_id: str) -> PageLink:
    """Return the page on which the user changes cards, reads invoices, and changes or ends the subscription."""
    with stripe_answers():
        session = payments().v1.billing_portal.sessions.create(
            {"customer": _customer(account_id, user_id), "return_url": _page("portal")}
        )
    return PageLink(url=session.url)


def _customer(account_id: str, user_id: str) -> str:
    """Return the account's customer. Create it at the first purchase.

    Simultaneous requests create one customer, because the idempotency key is the account.
    """
    record = subscriptions.get(account_id)
    if record and record.stripe_customer_id:
        return str(record.stripe_customer_id)
    customer = payments().v1.customers.create(
        {"metadata": {"accountId": account_id}}, {"idempotency_key": f"customer-{account_id}"}
    )
    try:
        subscriptions.add_customer(account_id, customer.id, user_id=user_id, at=utc_now())
    except SubscriptionChanged:  # a request more than a day ago was slower than another one
        record = subscriptions.get(account_id)
        assert record is not None  # noqa: S101  # it has refused the write
        return str(record.stripe_customer_id)
    return customer.id


def _price_id(price: Price | None) -> str:
    if price is None:
        raise Invalid("This plan is not for sale.")
    found = payments().v1.prices.list({"lookup_keys": [price.lookup_key], "active": True, "limit": 1})
    if not found.data:
        raise Invalid("This is not for sale here.")
    return found.data[0].id


def _buy_pack(name: PackName, account_id: str, customer_id: str) -> str:
    pack = PACKS[name]
    session = payments().v1.checkout.sessions.create(
        {
            "mode": "payment",
            "customer": customer_id,
            "line_items": [{"price": _price_id(pack.price), "quantity": 1}],
            # The credits that were offered: the table of packs may change before the payment.
            "metadata": {"accountId": account_id, "pack": name.value, "credits": str(pack.credits)},
            "success_url": _page("bought"),
            "cancel_url": _page("cancelled"),
        }
    )
    return str(session.url)


def _subscribe(account_id: str, customer_id: str, price_id: str) -> str:
    """Return the page of a new subscription. Earlier pages end, so that an account gets one subscription."""
    sessions = payments().v1.checkout.sessions
    for earlier in sessions.list({"customer": customer_id, "status": "open"}).auto_paging_iter():
        if earlier.mode == "subscription":
            sessions.expire(earlier.id)
    session = sessions.create(
        {
            "mode": "subscription",
            "customer": customer_id,
            "line_items": [{"price": price_id, "quantity": 1}],
            "subscription_data": {"metadata": {"accountId": account_id}},
            "success_url": _page("subscribed"),
            "cancel_url": _page("cancelled"),
        }
    )
    return str(session.url)


def _change_plan(subscription_id: str, price_id: str, customer_id: str) -> str:
    """Return the page that shows the price of the rest of the period and changes the plan."""
    [item] = payments().v1.subscriptions.retrieve(subscription_id)["items"].data
    session = payments().v1.billing_portal.sessions.create(
        {
            "customer": customer_id,
            "return_url": _page("portal"),
            "flow_data": {
                "type": "subscription_update_confirm",
                "subscription_update_confirm": {
                    "subscription": subscription_id,
                    "items": [{"id": item.id, "price": price_id, "quantity": 1}],
                },
            },
        }
    )
    return session.url


def _page(outcome: str) -> str:
    return f"{BillingPages().web_origin}/billing?{outcome}"


# --- reports


def usage(account_id: str, user_id: str, since: date | None, until: date | None) -> UsageView:
    first, last = _period(since, until)
    begin, end = _midnight(first), _midnight(last + timedelta(days=1))
    charges = [
        JobCharge(job_id=entry.operation_id.removeprefix(_CAPTURE), credits=-int(entry.credits), at=entry.at)
        for entry in credits.page(account_id, since=begin, until=end).items
        if entry.operation_id.startswith(_CAPTURE)
    ]
    used = Counter[date]()
    for charge in charges:
        used[charge.at.date()] += charge.credits
    created = _jobs_created(account_id, begin, end, {charge.job_id for charge in charges})
    stored = [(asset.created_at.date(), int(asset.size)) for asset in assets.stored(account_id=account_id)]
    days = [
        UsageDay(
            id=f"{account_id}-{day}",
            user_id=user_id,
            date=day,
            jobs_created=created[day],
            credits_used=used[day],
            storage_used=sum(size for made, size in stored if made <= day),
        )
        for day in (first + timedelta(days=number) for number in range((last - first).days + 1))
    ]
    return UsageView(days=days, jobs=charges)


def _jobs_created(account_id: str, begin: datetime, end: datetime, charged: set[str]) -> Counter[date]:
    """Return the number of jobs of each day: those that exist, and those that were charged and deleted."""
    bounds = {"since_id": id_from("job", begin.timestamp()), "until_id": id_from("job", end.timestamp())}
    found = {*jobs.created(account_id=account_id, **bounds), *charged}
    return Counter(datetime.fromtimestamp(made_at(job_id), UTC).date() for job_id in found)


def ledger(
    account_id: str, since: date | None, until: date | None, *, limit: int, after: str | None
) -> Slice[LedgerRecord]:
    """Return a part of the ledger of a period, newest first."""
    begin, end = _bounds(since, until)
    return credits.page(account_id, since=begin, until=end, limit=limit, after=after)


def ledger_csv(account_id: str, since: date | None, until: date | None) -> str:
    """Return the ledger of a period as CSV (RFC 4180), newest first."""
    begin, end = _bounds(since, until)
    found = credits.page(account_id, since=begin, until=end, limit=MOST_ROWS)
    if found.position:
        raise Invalid(f"There are more than {MOST_ROWS} entries. Choose a shorter period with since and until.")
    text = StringIO()
    rows = csv.writer(text)
    rows.writerow(("at", "id", "credits", "reason"))
    rows.writerows(_rows(found.items))
    return text.getvalue()


def _rows(entries: Iterable[LedgerRecord]) -> Iterator[tuple[str, str, int, str]]:
    for record in entries:
        yield record.at.isoformat(), record.operation_id, int(record.credits), record.reason


def _period(since: date | None, until: date | None) -> tuple[date, date]:
    """Return the first and the last day. Without dates they are the last 30 days."""
    last = until or utc_now().date()
    first = since or last - timedelta(days=29)
    if not 0 <= (last - first).days < MOST_DAYS:
        raise Invalid(f"The period must have 1 to {MOST_DAYS} days.")
    return first, last


def _bounds(since: date | None, until: date | None) -> tuple[datetime, datetime]:
    first, last = since or date(2000, 1, 1), until or utc_now().date()
    if first > last:
        raise Invalid("The period ends before it begins.")
    return _midnight(first), _midnight(last) + timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
