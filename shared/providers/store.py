"""Reads and writes of the providers' states: circuits, and the cap of a day (docs/adr/0058)."""

from datetime import datetime, timedelta

from shared.aws.records import on_refusal
from shared.core.config import Config
from shared.providers.record import ProviderStateRecord

FAILURES_TO_OPEN = 5
PROBE_PAUSE = timedelta(minutes=5)
DAY_LIFE = timedelta(days=40)


class SpendingConfig(Config):
    """The most that the requests to providers may cost, in US cents at list prices."""

    provider_job_cents: int = 500  # of one step of a job, with repeated requests
    provider_day_cents: int = 10_000  # of all jobs of the environment in one day (UTC)


class OverCap(Exception):
    """A request that would cost more than the cap of its day. Nothing was written."""


class _ProbedByAnother(Exception):
    """Another job probes the engine."""


class ProviderStates:
    def reserve(self, cents: float, *, at: datetime) -> None:
        """Add the price of a request to its day. Raise OverCap. A write that is sent twice counts twice."""
        most = SpendingConfig().provider_day_cents
        record = ProviderStateRecord
        if cents > most:
            raise OverCap
        with on_refusal(OverCap()):
            _day(at).update(
                [record.cents.set((record.cents | 0) + cents), record.expires_at.set(at + DAY_LIFE)],
                record.cents.does_not_exist() | (record.cents <= most - cents),
            )

    def give_back(self, cents: float, *, at: datetime) -> None:
        """Subtract the price of a request that the provider did not accept."""
        _day(at).update([ProviderStateRecord.cents.set((ProviderStateRecord.cents | 0) - cents)])

    def is_out(self, engine: str, cents: float, *, at: datetime) -> bool:
        """Return whether a request would not be sent now: the circuit is open, or the day's cap would be exceeded."""
        circuit, day = _read(_circuit(engine)), _read(_day(at))
        is_open = circuit is not None and circuit.probe_at is not None and at < circuit.probe_at
        spent = float((day and day.cents) or 0)
        return is_open or spent + cents > SpendingConfig().provider_day_cents

    def may_send(self, engine: str, *, at: datetime) -> bool:
        """Return whether a job may try the engine: its circuit is closed, or this job is the one that probes it."""
        circuit, record = _read(_circuit(engine)), ProviderStateRecord
        if circuit is None or circuit.probe_at is None:
            return True
        if at < circuit.probe_at:
            return False
        try:
            with on_refusal(_ProbedByAnother()):
                _circuit(engine).update([record.probe_at.set(at + PROBE_PAUSE)], record.probe_at == circuit.probe_at)
        except _ProbedByAnother:
            return False
        return True

    def failed(self, engine: str, *, at: datetime) -> None:
        """Count a failure that is the provider's fault. After some in a row the circuit opens."""
        row, record = _circuit(engine), ProviderStateRecord
        row.update([record.failures.set((record.failures | 0) + 1)])
        if int(row.failures or 0) >= FAILURES_TO_OPEN:
            row.update([record.probe_at.set(at + PROBE_PAUSE)])

    def works(self, engine: str) -> None:
        """Close the circuit."""
        circuit, record = _read(_circuit(engine)), ProviderStateRecord
        if circuit is not None and circuit.failures:
            _circuit(engine).update([record.failures.remove(), record.probe_at.remove()])


def _circuit(engine: str) -> ProviderStateRecord:
    return ProviderStateRecord(f"circuit#{engine}")


def _day(at: datetime) -> ProviderStateRecord:
    return ProviderStateRecord(f"day#{at:%Y-%m-%d}")


def _read(row: ProviderStateRecord) -> ProviderStateRecord | None:
    try:
        return ProviderStateRecord.get(row.name, consistent_read=True)
    except ProviderStateRecord.DoesNotExist:
        return None


states = ProviderStates()
