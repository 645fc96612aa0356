"""The plans and the credit packs, as data. This is the only table of what a plan includes and what is for sale."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.subscriptions.record import PlanType

CURRENCY = "usd"
_GB = 1000**3  # bytes


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
    # Parallel requests may exceed these by their number (docs/adr/0033).
    projects: int
    assets: int  # maximum number of uploads that have a file, or can get one
    stored_bytes: int  # of these uploads
    sockets: int  # maximum number of open connections
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
    PlanType.FREE: PlanTerms(
        monthly_credits=0,
        rollover_credits=0,
        running=2,
        waiting=20,
        projects=50,
        assets=200,
        stored_bytes=5 * _GB,
        sockets=100,
        price=None,
    ),
    PlanType.PRO: PlanTerms(
        monthly_credits=3_000,
        rollover_credits=3_000,
        running=8,
        waiting=200,
        projects=500,
        assets=2000,
        stored_bytes=100 * _GB,
        sockets=500,
        price=Price("kinora-pro-monthly", 2_900),
    ),
    PlanType.ENTERPRISE: PlanTerms(
        monthly_credits=35_000,
        rollover_credits=70_000,
        running=30,
        waiting=1000,
        projects=2000,
        assets=10_000,
        stored_bytes=1000 * _GB,
        sockets=2000,
        price=Price("kinora-enterprise-monthly", 29_900),
    ),
}
PACKS: Mapping[PackName, Pack] = {
    PackName.SMALL: Pack(500, Price("kinora-pack-small", 600)),
    PackName.MEDIUM: Pack(2_500, Price("kinora-pack-medium", 2_700)),
    PackName.LARGE: Pack(10_000, Price("kinora-pack-large", 9_900)),
}
