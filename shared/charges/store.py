"""Reads and writes of the charges of providers."""

from collections.abc import Iterable
from datetime import datetime

from shared.charges.record import ProviderChargeRecord


class ChargeStore:
    def book(
        self, job_id: str, stage: str, *, engine: str, requests: int, cents: float, credits: int, at: datetime
    ) -> None:
        """Write the charge of a step. A repeated call writes the same row."""
        ProviderChargeRecord(
            f"{at:%Y-%m}", f"{job_id}#{stage}", engine=engine, requests=requests, cents=cents, credits=credits, at=at
        ).save()

    def of_month(self, month: str) -> Iterable[ProviderChargeRecord]:
        """Yield the charges of a month, such as 2026-11. Eventually consistent."""
        return ProviderChargeRecord.query(month)


charges = ChargeStore()
