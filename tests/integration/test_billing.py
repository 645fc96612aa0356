"""Billing through the real handlers, the real Stripe library and a fake Stripe over HTTP."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from functions.billing import events
from functions.billing.history import History, read_history
from functions.billing.payments import API_KEY, WEBHOOK_SECRET
from shared.assets.record import AssetType
from shared.aws import clients
from shared.aws.secrets import secret
from shared.core.clock import utc_now
from shared.credits.balance import Balance
from shared.credits.record import AccountRecord, LedgerRecord
from shared.credits.store import balance_of, credits
from shared.jobs import settlement
from shared.subscriptions.plans import PACKS, PLANS, PackName
from shared.subscriptions.record import PlanType, SubscriptionRecord
from shared.subscriptions.store import subscriptions
from tests.support.steps import complete_steps
from tests.support.stripe import buy, charge_of, deliver, handle_all, new_events, send, session_of
from tests.support.studio import Creator, Studio

PRO, ENTERPRISE = PLANS[PlanType.PRO], PLANS[PlanType.ENTERPRISE]
SMALL = PACKS[PackName.SMALL]
OPENING = 100  # credits of a creator in these tests


@pytest.fixture
def seen(studio: Studio) -> int:
    """The number of events before the test."""
    return len(studio.stripe.books.events)


def balance(creator: Creator) -> int:
    account = credits.account(creator.user_id)
    check_books(creator.user_id)
    return int(account.available)


def check_books(account_id: str) -> None:
    account = AccountRecord.get(account_id)
    assert sum(entry.credits for entry in LedgerRecord.query(account_id)) == account.available + account.held
    assert min(account.available, account.held, account.owed or 0) >= 0


def subscription(creator: Creator) -> dict[str, Any]:
    body: dict[str, Any] = creator.get("/api/billing/subscription").body
    return body


# --- subscriptions


@pytest.mark.endpoint("GET /api/billing/subscription")
def test_an_account_without_a_subscription_is_free(ada: Creator) -> None:
    found = subscription(ada)
    assert (found["plan"], found["status"], found["stripeCustomerId"]) == ("FREE", "ACTIVE", None)
    assert (found["userId"], found["organizationId"], found["creditsAvailable"]) == (ada.user_id, None, OPENING)


@pytest.mark.endpoint("POST /api/billing/checkout", "POST /api/billing/webhook")
def test_a_bought_plan_gives_its_credits_and_its_rights(studio: Studio, ada: Creator, seen: int) -> None:
    buy(ada, plan="PRO")
    assert subscription(ada)["plan"] == "FREE", "nothing is given before Stripe reports the payment"
    deliver(studio, new_events(studio, seen))
    found = subscription(ada)
    assert (found["plan"], found["status"], found["cancelAtPeriodEnd"]) == ("PRO", "ACTIVE", False)
    assert found["currentPeriodStart"] < found["currentPeriodEnd"]
    assert found["stripeSubscriptionId"].startswith("sub_")
    assert subscriptions.plan(ada.user_id) is PlanType.PRO
    assert balance(ada) == OPENING + PRO.monthly_credits


def test_a_renewal_adds_credits_and_keeps_unspent_ones_up_to_the_rollover(
    studio: Studio, ada: Creator, seen: int
) -> None:
    buy(ada, plan="PRO")
    [made] = list(studio.stripe.books.all("subscription"))[:1]
    for _ in range(3):
        studio.stripe.books.end_period(made["id"])
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == OPENING + PRO.rollover_credits + PRO.monthly_credits
    expired = [entry for entry in LedgerRecord.query(ada.user_id) if entry.operation_id.startswith("expiry#")]
    assert [int(entry.credits) for entry in expired] == [-PRO.monthly_credits] * 2


def test_packs_do_not_expire(studio: Studio, ada: Creator, seen: int) -> None:
    buy(ada, plan="PRO")
    buy(ada, pack="SMALL")
    [made] = list(studio.stripe.books.all("subscription"))[:1]
    for _ in range(4):
        studio.stripe.books.end_period(made["id"])
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == OPENING + SMALL.credits + PRO.rollover_credits + PRO.monthly_credits


def test_an_organization_buys_with_its_own_customer(studio: Studio, ada: Creator, seen: int) -> None:
    organization = ada.organization()
    buy(ada, pack="SMALL", organizationId=organization)
    buy(ada, pack="SMALL")
    deliver(studio, new_events(studio, seen))
    found = ada.get("/api/billing/subscription", organizationId=organization).body
    assert (found["organizationId"], found["userId"]) == (organization, ada.user_id)
    assert (found["creditsAvailable"], balance(ada)) == (SMALL.credits, OPENING + SMALL.credits)
    assert found["stripeCustomerId"] != subscription(ada)["stripeCustomerId"]


def test_credits_that_are_given_to_a_subscriber_do_not_expire(studio: Studio, ada: Creator, seen: int) -> None:
    organization = ada.organization()
    buy(ada, plan="PRO", organizationId=organization)
    deliver(studio, new_events(studio, seen))
    assert ada.post(f"/api/teams/{organization}/credits", {"credits": 40}).status == 200
    [made] = list(studio.stripe.books.all("subscription"))[:1]
    seen = len(studio.stripe.books.events)
    for _ in range(3):
        studio.stripe.books.end_period(made["id"])
    deliver(studio, new_events(studio, seen))
    available = int(credits.account(organization).available)
    assert available == 40 + PRO.rollover_credits + PRO.monthly_credits


def test_a_failed_payment_follows_the_statuses_of_the_contract(studio: Studio, ada: Creator, seen: int) -> None:
    buy(ada, plan="PRO")
    books = studio.stripe.books
    [made] = list(books.all("subscription"))[:1]
    statuses = []

    def now(plan: PlanType) -> None:
        nonlocal seen
        deliver(studio, new_events(studio, seen))
        seen = len(books.events)
        statuses.append(subscription(ada)["status"])
        assert subscriptions.plan(ada.user_id) is plan

    now(PlanType.PRO)
    books.end_period(made["id"], declined=True)
    invoice = made["latest_invoice"]
    now(PlanType.PRO)
    for _ in range(3):
        books.try_again(invoice, declined=True)
    now(PlanType.FREE)
    assert balance(ada) == OPENING + PRO.monthly_credits, "an unpaid invoice gives nothing"
    books.try_again(invoice)
    now(PlanType.PRO)
    assert balance(ada) == OPENING + 2 * PRO.monthly_credits
    books.cancel(made["id"])
    now(PlanType.FREE)
    assert statuses == ["ACTIVE", "PAST_DUE", "UNPAID", "ACTIVE", "CANCELLED"]


def test_an_upgrade_is_confirmed_on_stripes_page_and_gives_a_part_of_the_credits(
    studio: Studio, ada: Creator, seen: int
) -> None:
    buy(ada, plan="PRO")
    deliver(studio, new_events(studio, seen))
    seen = len(studio.stripe.books.events)
    answer = ada.post("/api/billing/checkout", {"plan": "ENTERPRISE"})
    books = studio.stripe.books
    flow = books.get(session_of(answer.body["url"]), "billing_portal.session")["flow"]["subscription_update_confirm"]
    books.now += 15 * 86_400
    books.change_price(flow["subscription"], books.get(flow["items"][0]["price"], "price"), "always_invoice")
    deliver(studio, new_events(studio, seen))
    assert subscription(ada)["plan"] == "ENTERPRISE"
    gained = balance(ada) - OPENING - PRO.monthly_credits
    half = (ENTERPRISE.monthly_credits - PRO.monthly_credits) / 2
    assert gained == pytest.approx(half, rel=0.01)


def test_a_second_checkout_ends_the_first(studio: Studio, ada: Creator) -> None:
    pages = [session_of(ada.post("/api/billing/checkout", {"plan": "PRO"}).body["url"]) for _ in range(2)]
    assert [studio.stripe.books.get(page, "checkout.session")["status"] for page in pages] == ["expired", "open"]


@pytest.mark.endpoint("POST /api/billing/portal")
def test_an_account_has_one_customer(studio: Studio, ada: Creator) -> None:
    for path, body in (("portal", None), ("checkout", {"pack": "SMALL"}), ("portal", None)):
        assert ada.post(f"/api/billing/{path}", body).status == 201
    customers = [one for one in studio.stripe.books.all("customer") if one["metadata"]["accountId"] == ada.user_id]
    assert [one["id"] for one in customers] == [subscription(ada)["stripeCustomerId"]]


def test_a_repeated_checkout_request_gets_the_same_page(ada: Creator) -> None:
    first, again = (ada.post("/api/billing/checkout", {"pack": "SMALL"}, key="once") for _ in range(2))
    assert first.body == again.body
    assert again.headers["idempotent-replayed"] == "true"


# --- refunds and disputes


def test_a_refund_takes_back_its_share(studio: Studio, ada: Creator, seen: int) -> None:
    charge = charge_of(studio, buy(ada, pack="SMALL"))
    studio.stripe.books.refund(charge, SMALL.price.cents // 2)
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == OPENING + SMALL.credits // 2
    studio.stripe.books.refund(charge, SMALL.price.cents // 2)
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == OPENING


def test_spent_credits_of_a_refund_are_owed_and_paid_by_the_next_ones(studio: Studio, ada: Creator, seen: int) -> None:
    charge = charge_of(studio, buy(ada, pack="SMALL"))
    deliver(studio, new_events(studio, seen))
    project = ada.project()
    job = ada.job(project)["id"]  # its credits are held
    spent = int(AccountRecord.get(ada.user_id).held)
    AccountRecord(ada.user_id).update([AccountRecord.available.set(10)])
    earlier = 10 + spent - OPENING - SMALL.credits
    LedgerRecord(
        ada.user_id, "capture#job_earlier", credits=earlier, reason="job completed", at=utc_now()
    ).save()  # fmt: skip
    studio.stripe.books.refund(charge, SMALL.price.cents)
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == 0
    assert subscription(ada)["creditsOwed"] == SMALL.credits - 10
    settlement.complete(complete_steps(job), at=utc_now())  # what was held is charged as usual
    seen = len(studio.stripe.books.events)
    buy(ada, pack="MEDIUM")
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == PACKS[PackName.MEDIUM].credits - (SMALL.credits - 10)
    assert subscription(ada)["creditsOwed"] == 0


def test_a_failed_refund_returns_the_credits(studio: Studio, ada: Creator, seen: int) -> None:
    refund = studio.stripe.books.refund(charge_of(studio, buy(ada, pack="SMALL")), SMALL.price.cents)
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == OPENING
    seen = len(studio.stripe.books.events)
    studio.stripe.books.fail_refund(refund["id"])
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == OPENING + SMALL.credits


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_takes_credits_until_it_is_won(studio: Studio, ada: Creator, seen: int, won: bool) -> None:
    buy(ada, plan="PRO")
    [invoice] = list(studio.stripe.books.all("invoice"))[:1]
    [payment] = studio.stripe.books.all("invoice_payment", invoice=invoice["id"])
    [charge] = studio.stripe.books.all("charge", payment_intent=payment["payment"]["payment_intent"])
    dispute = studio.stripe.books.dispute(charge["id"])
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == OPENING
    seen = len(studio.stripe.books.events)
    studio.stripe.books.close_dispute(dispute["id"], won=won)
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == OPENING + (PRO.monthly_credits if won else 0)


def test_an_inquiry_takes_nothing(studio: Studio, ada: Creator, seen: int) -> None:
    dispute = studio.stripe.books.dispute(charge_of(studio, buy(ada, pack="SMALL"))["id"], inquiry=True)
    studio.stripe.books.close_dispute(dispute["id"], won=False)
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == OPENING + SMALL.credits


# --- the webhook


def test_a_signature_of_other_characters_is_refused(studio: Studio) -> None:
    """Stripe's library compares ASCII texts only."""
    answer = studio.call("POST", "/api/billing/webhook", raw="{}", headers={"stripe-signature": "t=1,v1=é"})
    assert (answer.status, answer.body["code"]) == (422, "invalid")


def test_a_webhook_with_a_wrong_signature_is_refused_and_queues_nothing(
    studio: Studio, ada: Creator, seen: int
) -> None:
    buy(ada, pack="SMALL")
    event = new_events(studio, seen)[-1]
    assert send(studio, event, late_seconds=301).status == 400
    body, signature = studio.stripe.signed(event, at=0)
    for raw, header in ((body, ""), (body, "t=1,v1=00"), (body, "x"), (body + " ", signature)):
        answer = studio.call("POST", "/api/billing/webhook", raw=raw, headers={"stripe-signature": header})
        assert (answer.status, answer.body["code"]) == (400, "bad_signature")
    assert studio.messages("billing-events") == []
    assert send(studio, event, late_seconds=-30).status == 204, "Stripe's clock may be ahead"
    assert handle_all(studio) == []
    assert balance(ada) == OPENING + SMALL.credits


def test_events_of_other_types_and_customers_change_nothing(studio: Studio, ada: Creator, seen: int) -> None:
    books = studio.stripe.books
    price = next(one for one in books.all("price") if one["lookup_key"] == PRO.price.lookup_key) if PRO.price else {}
    books.subscribe(books.add("cus", "customer", metadata={})["id"], price, {})
    before = studio.dump()
    deliver(studio, new_events(studio, seen))
    assert studio.dump() == before


def test_an_event_that_arrives_during_an_outage_of_stripe_is_handled_later(
    studio: Studio, ada: Creator, seen: int
) -> None:
    buy(ada, pack="SMALL")
    assert send(studio, new_events(studio, seen)[-1]).status == 204
    studio.stripe.broken = 3  # the call and its two retries
    assert len(handle_all(studio)) == 1
    for one in studio.in_flight("billing-events"):
        one.hide(0)
    assert handle_all(studio) == []
    assert balance(ada) == OPENING + SMALL.credits


def test_a_lost_answer_of_the_booking_books_once(studio: Studio, ada: Creator, seen: int) -> None:
    buy(ada, pack="SMALL")
    sent = new_events(studio, seen)
    studio.cloud.loses_once("TransactWriteItems")
    for event in sent:
        send(studio, event)
    assert handle_all(studio) == []
    deliver(studio, sent)
    assert balance(ada) == OPENING + SMALL.credits


def test_a_job_that_spends_during_the_booking_loses_nothing(
    studio: Studio, ada: Creator, seen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy(ada, pack="SMALL")
    project, spent = ada.project(), list[int]()

    def then_spend(account: AccountRecord) -> Balance:
        if not spent:
            spent.append(ada.job(project)["credits"])
        return balance_of(account)

    monkeypatch.setattr("shared.credits.store.balance_of", then_spend)
    deliver(studio, new_events(studio, seen))
    assert balance(ada) == OPENING + SMALL.credits - spent[0]


def test_an_older_reading_of_stripe_does_not_replace_a_newer_one(
    studio: Studio, ada: Creator, seen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy(ada, plan="PRO")
    [made] = list(studio.stripe.books.all("subscription"))[:1]
    readings = list[History]()

    def slow_read(customer_id: str, charge_id: str | None) -> History:
        history = read_history(customer_id, charge_id)
        readings.append(history)
        if len(readings) == 1:  # meanwhile another process reads and writes a newer state
            studio.stripe.books.cancel(made["id"])
            events.handler({"Records": [{"messageId": "m-2", "body": messages[0]}]}, None)
        return history

    send(studio, new_events(studio, seen)[-1])
    messages = [json.dumps(message) for message in studio.messages("billing-events")]
    monkeypatch.setattr(events, "read_history", slow_read)
    assert handle_all(studio) == []
    assert subscription(ada)["status"] == "CANCELLED"
    assert [one.state.status for one in readings] == ["ACTIVE", "CANCELLED", "CANCELLED"]


@pytest.fixture
def no_keys(studio: Studio) -> Iterator[None]:
    """Take the secrets' values away, as before the operator has stored them."""
    names = {f"kinora/test/{name}": secret(name) for name in (API_KEY, WEBHOOK_SECRET)}
    for name in names:
        clients.secretsmanager().delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    secret.cache_clear()
    yield
    for name, value in names.items():
        clients.secretsmanager().create_secret(Name=name, SecretString=value)


def test_billing_without_keys_is_unavailable(studio: Studio, ada: Creator, no_keys: None) -> None:
    for answer in (ada.post("/api/billing/portal"), send(studio, {"type": "invoice.paid"})):
        assert (answer.status, answer.body["code"]) == (503, "billing_unavailable")
    assert ada.get("/api/billing/subscription").status == 200


# --- reports


@pytest.mark.endpoint("GET /api/billing/usage")
def test_usage_counts_jobs_credits_and_bytes_per_day_and_per_job(ada: Creator) -> None:
    project = ada.project()
    done = ada.job(project)
    ada.job(project)
    ada.asset(AssetType.IMAGE)
    settlement.complete(complete_steps(done["id"]), at=utc_now())
    ada.delete(f"/api/jobs/{done['id']}")
    found = ada.get("/api/billing/usage").body
    assert len(found["days"]) == 30
    today = found["days"][-1]
    assert today["date"] == utc_now().date().isoformat()
    assert (today["jobsCreated"], today["creditsUsed"], today["storageUsed"]) == (2, done["credits"], 1)
    assert [(job["jobId"], job["credits"]) for job in found["jobs"]] == [(done["id"], done["credits"])]
    assert found["days"][0]["jobsCreated"] == 0


@pytest.mark.parametrize(
    "query",
    [
        {"since": "2026-01-01", "until": "2026-12-31"},
        {"since": "2099-01-01"},
        {"until": "0001-01-01"},
        {"until": "9999-12-31"},
        {"since": "yesterday"},
    ],
)
def test_a_period_that_is_too_long_or_empty_is_refused(ada: Creator, query: dict[str, str]) -> None:
    assert ada.get("/api/billing/usage", **query).status == 422
    if "2026-01-01" not in query.values():  # the ledger's period can be longer
        assert ada.get("/api/billing/ledger", **query).status == 422


@pytest.mark.endpoint("GET /api/billing/ledger")
def test_the_ledger_is_paged_and_explains_the_balance(studio: Studio, ada: Creator, seen: int) -> None:
    for _ in range(4):
        buy(ada, pack="SMALL")
    deliver(studio, new_events(studio, seen))
    pages, query = [], {"limit": "2"}
    while True:
        page = ada.get("/api/billing/ledger", **query).body
        pages.append(page["data"])
        if not page["hasMore"]:
            break
        query["cursor"] = page["nextCursor"]
    entries = [entry for data in pages for entry in data]
    assert sum(entry["credits"] for entry in entries) == balance(ada)
    assert len({entry["id"] for entry in entries}) == len(entries) == 5
    assert [entry["at"] for entry in entries] == sorted((entry["at"] for entry in entries), reverse=True)
    text = ada.get("/api/billing/ledger", format="csv").body
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["id"], int(row["credits"])) for row in rows] == [(one["id"], one["credits"]) for one in entries]


def test_the_ledger_of_a_future_period_is_empty(ada: Creator) -> None:
    later = (utc_now() + timedelta(days=5)).date().isoformat()
    assert ada.get("/api/billing/ledger", since=later, until=later).body["data"] == []


def test_the_record_of_a_subscription_counts_its_changes(studio: Studio, ada: Creator, seen: int) -> None:
    buy(ada, plan="PRO")
    deliver(studio, new_events(studio, seen))
    assert SubscriptionRecord.get(ada.user_id).revision == 1, "one change for all events of one purchase"
