"""The effects of payments, refunds and disputes on the credits of an account, as arithmetic.

An account has monthly credits, which can expire at a renewal, and lasting ones: bought in packs, or granted before
the first subscription. Jobs spend monthly credits first. So `lasting` is stored when billing changes a balance, and
between such changes the lasting credits are at most the rest of the balance.

`available` is never negative. Credits that a refund takes back, and that are spent, are `owed`. They are taken from
the next credits of the account.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One change of the credits of an account, with the time at which it happened at Stripe."""

    operation_id: str
    at: datetime
    credits: int  # negative if they are taken back
    reason: str
    lasting: bool  # whether the credits are lasting ones
    keeps: int | None = None  # maximum number of unspent monthly credits that a renewal keeps; None: all


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    operation_id: str
    credits: int
    reason: str


@dataclass(frozen=True, slots=True)
class Balance:
    """The credits of an account."""

    available: int
    held: int
    lasting: int
    owed: int

    def after(self, movement: Movement) -> tuple["Balance", list[Entry]]:
        """Return the balance after the movement, and the entries that explain the change."""
        entries = []
        available, owed = self.available, self.owed
        lasting = min(self.lasting, available + self.held)
        if movement.keeps is not None:
            monthly = available + self.held - lasting
            if expired := min(available, max(0, monthly - movement.keeps)):
                available -= expired
                entries.append(Entry(f"expiry#{movement.operation_id}", -expired, "unspent monthly credits expired"))
        change = max(movement.credits, -available)
        available, owed = available + change, owed + change - movement.credits
        entries.append(Entry(movement.operation_id, change, movement.reason))
        if movement.lasting:
            lasting = max(0, lasting + movement.credits)
        if paid := min(available, owed):
            available, owed = available - paid, owed - paid
            entries.append(Entry(f"owed#{movement.operation_id}", -paid, "credits owed since a refund or a dispute"))
        return Balance(available, self.held, min(lasting, available + self.held), owed), entries
