"""Reads and writes of the switches. A process remembers them for some seconds."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.aws.transactions import Transaction
from shared.core.errors import Conflict
from shared.switches.record import EngineSwitchRecord

REMEMBERED = timedelta(seconds=10)  # a switch has its effect in all processes after this
_DISABLED = "disabled"


class SwitchStore:
    def __init__(self) -> None:
        self._known: tuple[datetime, frozenset[str]] | None = None

    def disabled(self, *, at: datetime) -> frozenset[str]:
        """Return the names of the disabled engines."""
        if self._known is None or not timedelta() <= at - self._known[0] < REMEMBERED:
            self._known = at, frozenset(row.engine for row in self.rows())
        return self._known[1]

    def rows(self) -> Sequence[EngineSwitchRecord]:
        return list(EngineSwitchRecord.query(_DISABLED, consistent_read=True))

    def disable(self, engine: str, because: str, *, user_id: str, at: datetime, tx: Transaction) -> None:
        """Add a switch to the transaction. It replaces an earlier one of the same engine."""
        row = EngineSwitchRecord(_DISABLED, engine, because=because, disabled_by=user_id, disabled_at=at)
        tx.put(row, otherwise=Conflict("The engine is not disabled."))
        tx.after_commit(self.forget)

    def enable(self, engine: str, *, tx: Transaction) -> None:
        tx.delete(EngineSwitchRecord(_DISABLED, engine), otherwise=Conflict("The engine is not enabled."))
        tx.after_commit(self.forget)

    def forget(self) -> None:
        """Forget the switches that this process knows."""
        self._known = None


switches = SwitchStore()
