"""The fake Stripe answers the real library as Stripe's documentation says."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from stripe import RequestsClient, StripeClient

from local.stripe.api import FakeStripe
from local.stripe.catalogue import add_catalogue
from local.stripe.keys import API_KEY, WEBHOOK_SECRET
from local.stripe.server import stripe_server
from shared.subscriptions.plans import PACKS, PLANS


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeStripe]:
    with stripe_server() as one:
        yield one


@pytest.fixture
def client(fake: FakeStripe) -> StripeClient:
    return client_of(fake)


def client_of(fake: FakeStripe, key: str = API_KEY) -> StripeClient:
    return StripeClient(
        key, base_addresses={"api": fake.url}, max_network_retries=0, http_client=RequestsClient(timeout=5)
    )  # fmt: skip


def of_another_type(fields: Any) -> Any:
    return fields


def test_the_same_idempotency_key_gets_the_same_answer_and_another_body_is_refused(client: StripeClient) -> None:
    first, again = (client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"}) for _ in range(2))
    assert first.id == again.id
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.customers.create({"name": "Eve"}, {"idempotency_key": "k"})
    assert refused.value.http_status == 400


def test_errors_have_stripes_bodies(fake: FakeStripe, client: StripeClient) -> None:
    with pytest.raises(stripe.AuthenticationError):
        client_of(fake, "sk_test_wrong").v1.prices.list()
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.customers.retrieve("cus_none")
    assert (missing.value.code, missing.value.http_status) == ("resource_missing", 404)
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.v1.customers.create(of_another_type({"nome": "Ada"}))
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "nome")
    with pytest.raises(stripe.InvalidRequestError) as short:
        client.v1.products.create(of_another_type({}))
    assert (short.value.code, short.value.param) == ("parameter_missing", "name")


def test_an_error_of_the_server_is_retried_by_the_library(fake: FakeStripe) -> None:
    fake.broken = 1
    retrying = StripeClient(API_KEY, base_addresses={"api": fake.url}, max_network_retries=1)
    assert retrying.v1.prices.list().data
    assert fake.broken == 0


def test_lists_are_paged_from_the_newest(client: StripeClient) -> None:
    customer = client.v1.customers.create()
    [price] = client.v1.prices.list({"lookup_keys": ["kinora-pack-small"]}).data
    made = [
        client.v1.checkout.sessions.create(
            {
                "mode": "payment",
                "customer": customer.id,
                "line_items": [{"price": price.id, "quantity": 1}],
                "success_url": "https://kinora.test",
            }
        ).id
        for _ in range(5)
    ]
    pages = client.v1.checkout.sessions.list({"customer": customer.id, "limit": 2})
    assert pages.has_more
    assert [session.id for session in pages.auto_paging_iter()] == made[::-1]


def test_the_catalogue_is_added_once_and_a_changed_price_replaces_the_old_one(
    fake: FakeStripe, client: StripeClient
) -> None:
    assert {line.rpartition(" ")[2] for line in add_catalogue(API_KEY, fake.url)} == {"exists"}
    prices = {price.lookup_key: price for price in client.v1.prices.list({"limit": 100}).data}
    for offer in (*(plan.price for plan in PLANS.values()), *(pack.price for pack in PACKS.values())):
        if offer:
            assert prices[offer.lookup_key].unit_amount == offer.cents
    old = fake.books.objects[prices["kinora-pack-small"].id]
    old["unit_amount"] = 1
    assert "kinora-pack-small: created" in add_catalogue(API_KEY, fake.url)
    assert old["lookup_key"] is None


def test_the_library_accepts_the_signature_and_refuses_a_changed_or_old_one(
    fake: FakeStripe, client: StripeClient
) -> None:
    client.v1.customers.create()
    event = fake.books.events[-1]
    body, signature = fake.signed(event, at=int(time.time()))
    assert client.construct_event(body, signature, WEBHOOK_SECRET).id == event["id"]
    for sent, header in ((body + " ", signature), fake.signed(event, at=int(time.time()) - 301)):
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(sent, header, WEBHOOK_SECRET)


def test_events_are_listed_and_read(fake: FakeStripe, client: StripeClient) -> None:
    customer = client.v1.customers.create({"name": "Ada"})
    newest = client.v1.events.list({"type": "customer.created", "limit": 1}).data[0]
    assert client.v1.events.retrieve(newest.id).data.object["id"] == customer.id
