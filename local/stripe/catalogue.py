"""Kinora's products and prices at Stripe, created from `shared/subscriptions/plans.py`."""

from stripe import StripeClient
from stripe.params import PriceCreateParams

from shared.subscriptions.plans import CURRENCY, PACKS, PLANS, Price


def add_catalogue(api_key: str, url: str) -> list[str]:
    """Create the prices that Stripe does not have, and return a line about each one.

    The metadata name the plan, because a price loses its lookup key when another one replaces it.
    """
    client = StripeClient(api_key, base_addresses={"api": url})
    plans = [(f"Kinora {name}", {"plan": name.value}, plan.price) for name, plan in PLANS.items() if plan.price]
    packs = [(f"{pack.credits} Kinora credits", {"pack": name.value}, pack.price) for name, pack in PACKS.items()]
    return [_add(client, name, metadata, price) for name, metadata, price in (*plans, *packs)]


def _add(client: StripeClient, name: str, metadata: dict[str, str], price: Price) -> str:
    known = client.v1.prices.list({"lookup_keys": [price.lookup_key], "active": True}).data
    if known and known[0].unit_amount == price.cents:
        return f"{price.lookup_key}: exists"
    product = str(known[0].product) if known else client.v1.products.create({"name": name, "metadata": metadata}).id
    made: PriceCreateParams = {
        "product": product,
        "currency": CURRENCY,
        "unit_amount": price.cents,
        "lookup_key": price.lookup_key,
        "transfer_lookup_key": True,
        "metadata": metadata,
    }
    if "plan" in metadata:
        made["recurring"] = {"interval": "month"}
    client.v1.prices.create(made)
    return f"{price.lookup_key}: created"
