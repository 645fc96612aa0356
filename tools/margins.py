"""`make margins MONTH=2026-11`: what remote engines cost and earned in a month, by engine.

A credit is worth what the cheapest pack or plan sells it for, so the margin is a lower bound. The charges are list
prices: compare them with the invoices of the providers. `ENV=dev` reads the account of your AWS credentials,
`ENDPOINT=` the laptop cloud of `make dev`.
"""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from local.environment import environment as laptop
from shared.subscriptions.plans import PACKS, PLANS
from tools.audit import variables

if TYPE_CHECKING:  # records read the environment at import
    from shared.charges.record import ProviderChargeRecord


@dataclass(frozen=True, slots=True)
class EngineMargin:
    """The sums of one engine in a month. `earned_cents` is the value of the credits that creators paid."""

    engine: str
    steps: int
    requests: int
    charged_cents: float
    credits: int
    earned_cents: float

    @property
    def margin_cents(self) -> float:
        return self.earned_cents - self.charged_cents


def main(
    month: Annotated[str, typer.Option(help="The month (UTC), such as 2026-11. Without it, this month.")] = "",
    env: Annotated[str, typer.Option(help="The environment; without one, the laptop cloud.")] = "",
    endpoint: Annotated[str, typer.Option(help="The laptop cloud's AWS endpoint.")] = "",
) -> None:
    """Print a table."""
    if bool(env) == bool(endpoint):
        raise typer.BadParameter("give ENV=, or ENDPOINT= of the laptop cloud")
    os.environ |= laptop(endpoint, "") if endpoint else variables(env)
    from shared.charges.store import charges  # noqa: PLC0415  # records read the environment at import

    table = Table("engine", "steps", "requests", "charged, $", "credits", "earned, $", "margin, $")
    for one in margins(charges.of_month(month or f"{datetime.now(UTC):%Y-%m}")):
        dollars = [f"{cents / 100:.2f}" for cents in (one.charged_cents, one.earned_cents, one.margin_cents)]
        table.add_row(one.engine, f"{one.steps}", f"{one.requests}", dollars[0], f"{one.credits}", *dollars[1:])
    Console().print(table if table.rows else "No charges.")


def cents_of_a_credit() -> float:
    """Return the lowest price of a credit, in US cents."""
    packs = [pack.price.cents / pack.credits for pack in PACKS.values()]
    return min(*packs, *(terms.price.cents / terms.monthly_credits for terms in PLANS.values() if terms.price))


def margins(rows: Iterable["ProviderChargeRecord"]) -> list[EngineMargin]:
    """Return the sums by engine, the largest charge first."""
    sums: dict[str, Counter[str]] = {}
    for row in rows:
        one = sums.setdefault(row.engine, Counter())
        one["steps"] += 1
        for name in ("requests", "cents", "credits"):
            one[name] += getattr(row, name)
    found = [
        EngineMargin(
            engine, one["steps"], int(one["requests"]), float(one["cents"]), int(one["credits"]),
            int(one["credits"]) * cents_of_a_credit(),
        )
        for engine, one in sums.items()
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.charged_cents, reverse=True)


if __name__ == "__main__":
    typer.run(main)
