"""Moves credits; every move is part of the caller's transaction."""

from collections.abc import Iterator
from datetime import datetime

from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, NotFound, PaymentRequired
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord

_OPEN = "open"


class NotEnoughCredits(PaymentRequired):
    code = "not_enough_credits"


class HoldEnded(Conflict):
    code = "hold_ended"


class CreditStore:
    def open_account(self, account_id: str, *, opening: int, at: datetime, tx: Transaction) -> None:
        """A new account with its opening grant."""
        exists = Conflict("This account exists already.")
        record = AccountRecord(account_id, available=opening, held=0)
        tx.put(record, AccountRecord.account_id.does_not_exist(), otherwise=exists)
        self._enter(account_id, "grant#opening", opening, "opening grant", at, tx, otherwise=exists)

    def account(self, account_id: str) -> AccountRecord:
        try:
            return AccountRecord.get(account_id, consistent_read=True)
        except AccountRecord.DoesNotExist:
            raise NotFound("There is no such account.") from None

    def hold(self, job_id: str, *, account_id: str, credits: int, paid: bool, at: datetime, tx: Transaction) -> None:
        """Set credits aside for a job, if the account has them; `paid`: whether its plan is paid for."""
        short = NotEnoughCredits(
            f"This job costs {credits} credits, more than the account has left.", creditsNeeded=credits
        )
        tx.update(
            AccountRecord(account_id),
            [AccountRecord.available.add(-credits), AccountRecord.held.add(credits)],
            AccountRecord.available >= credits,
            otherwise=short,
        )
        record = HoldRecord(
            job_id, account_id=account_id, credits=credits, paid=paid, state="HELD", open=_OPEN, created_at=at
        )
        tx.put(record, HoldRecord.job_id.does_not_exist(), otherwise=Conflict("This job has a hold already."))

    def capture(self, hold: HoldRecord, credits: int, *, at: datetime, tx: Transaction) -> None:
        """Charge `credits` (no more than are held) and give the rest back."""
        held = int(hold.credits)
        charged = min(credits, held)
        self._end(hold, "CAPTURED", charged, tx)
        self._give_back(hold, held, held - charged, tx)
        ended = HoldEnded("This hold has ended.")
        self._enter(hold.account_id, f"capture#{hold.job_id}", -charged, "job completed", at, tx, otherwise=ended)

    def release(self, hold: HoldRecord, *, tx: Transaction) -> None:
        """Give all of it back."""
        self._end(hold, "RELEASED", 0, tx)
        self._give_back(hold, int(hold.credits), int(hold.credits), tx)

    def get_hold(self, job_id: str) -> HoldRecord:
        return HoldRecord.get(job_id, consistent_read=True)

    def open_holds(self, *, before_job_id: str) -> Iterator[str]:
        """Job ids of holds not yet ended, of jobs older than the given id; eventually consistent."""
        for hold in HoldRecord.open_holds.query(_OPEN, HoldRecord.job_id < before_job_id):
            yield hold.job_id

    def ledger(self, account_id: str) -> Iterator[LedgerRecord]:
        return LedgerRecord.query(account_id)

    def _end(self, hold: HoldRecord, state: str, captured: int, tx: Transaction) -> None:
        tx.update(
            HoldRecord(hold.job_id),
            [HoldRecord.state.set(state), HoldRecord.captured.set(captured), HoldRecord.open.remove()],
            HoldRecord.state == "HELD",
            otherwise=HoldEnded("This hold has ended."),
        )

    def _give_back(self, hold: HoldRecord, held: int, available: int, tx: Transaction) -> None:
        tx.update(
            AccountRecord(hold.account_id),
            [AccountRecord.held.add(-held), AccountRecord.available.add(available)],
            AccountRecord.held >= held,
            otherwise=HoldEnded("The account holds less than this."),
        )

    def _enter(
        self,
        account_id: str,
        operation_id: str,
        credits: int,
        reason: str,
        at: datetime,
        tx: Transaction,
        *,
        otherwise: Exception,
    ) -> None:
        record = LedgerRecord(account_id, operation_id, credits=credits, reason=reason, at=at)
        tx.put(record, LedgerRecord.operation_id.does_not_exist(), otherwise=otherwise)


credits = CreditStore()
