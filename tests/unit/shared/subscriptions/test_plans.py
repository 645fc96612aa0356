"""The table of plans and packs."""

from shared.subscriptions.plans import PACKS, PLANS, PackName
from shared.subscriptions.record import PlanType


def test_every_plan_and_every_pack_has_a_row() -> None:
    assert PLANS.keys() == set(PlanType)
    assert PACKS.keys() == set(PackName)


def test_a_higher_plan_includes_more() -> None:
    free, pro, enterprise = (PLANS[plan] for plan in PlanType)
    for less, more in ((free, pro), (pro, enterprise)):
        assert less.monthly_credits < more.monthly_credits
        assert less.running < more.running
        assert less.waiting < more.waiting


def test_lookup_keys_are_unique_and_paid_plans_have_a_price() -> None:
    prices = [plan.price for plan in PLANS.values() if plan.price] + [pack.price for pack in PACKS.values()]
    assert len({price.lookup_key for price in prices}) == len(prices)
    assert {name for name, plan in PLANS.items() if plan.price} == {name for name in PlanType if name.paid}


def test_a_credit_of_a_larger_pack_costs_less() -> None:
    each = [PACKS[name].price.cents / PACKS[name].credits for name in PackName]
    assert each == sorted(each, reverse=True)
