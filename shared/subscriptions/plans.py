"""The plans and the credit packs, as data. This is the only table of what a plan includes and what is for sale."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.subscriptions.record import PlanType

CURRENCY = "usd"


@dataclass(frozen=True, slots=True)
class Price:
    """An amount that is paid at once, or each month. `lookup_key` finds the newest price at Stripe."""

    lookup_key: str
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTerms:
    """The credits, the limits and the price of a plan."""

    monthly_credits: int
    rollover_credits: int  # maximum number of unspent monthly credits that a renewal leaves on the account
    running: int  # maximum number of the account's jobs that run
    waiting: int  # maximum number of the account's jobs that wait
    price: Price | None  # of a month; None: it is not for sale


@dataclass(frozen=True, slots=True)
class Pack:
    """Credits that are bought once. They do not expire."""

    credits: int
    price: Price


class PackName(StrEnum):
    SMALL = "SMALL"
    MEDIUM = "MEDIUM"
    LARGE = "LARGE"


PLANS: Mapping[PlanType, PlanTerms] = {
    PlanType.FREE: PlanTerms(monthly_credits=0, rollover_credits=0, running=2, waiting=20, price=None),
    PlanType.PRO: PlanTerms(
        monthly_credits=3_000,
        rollover_credits=3_000,
        running=8,
        waiting=200,
        price=Price("kinora-pro-monthly", 2_900),
    ),
    PlanType.ENTERPRISE: PlanTerms(
        monthly_credits=35_000,
        rollover_credits=70_000,
        running=30,
        waiting=1000,
        price=Price("kinora-enterprise-monthly", 29_900),
    ),
}
PACKS: Mapping[PackName, Pack] = {
    PackName.SMALL: Pack(500, Price("kinora-pack-small", 600)),
    PackName.MEDIUM: Pack(2_500, Price("kinora-pack-medium", 2_700)),
    PackName.LARGE: Pack(10_000, Price("kinora-pack-large", 9_900)),
}
