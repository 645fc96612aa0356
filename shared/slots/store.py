"""Reads and writes of slots. An account's number of waiting jobs and its slots change in the job's own transaction.

`ready` is set by each write that can make an account eligible: a submit, and the end of a job. It is removed only by a
write whose condition says that the account is not eligible. So an eligible account is always in the index.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pynamodb.expressions.condition import Condition, size

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction, transaction
from shared.core.errors import AppError
from shared.slots.record import SlotsRecord, WaitingRecord

_DEPLOYMENT = "deployment"


class Lane(StrEnum):
    """The accounts that take turns with each other."""

    FREE = "FREE"
    PAID = "PAID"


class TooManyWaiting(AppError):
    code, status = "too_many_waiting_jobs", 429


class WaitTooLong(TooManyWaiting):
    code = "wait_too_long"


class NotAdmitted(Exception):
    """The job does not wait, or its account or the deployment has no free slot. Nothing was written."""


class NotWaiting(Exception):
    """The job does not wait for a slot. Nothing was written."""


class _NotHeld(Exception):
    """The job has no slot. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Held:
    """A slot that a job has."""

    account_id: str
    job_id: str


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """A waiting job's position among the account's waiting jobs, from 1, and the estimated time of its start."""

    position: int
    start_at: datetime | None


class SlotStore:
    # --- waiting

    def wait(
        self,
        job_id: str,
        *,
        account_id: str,
        plan: str,
        lane: Lane,
        most: int,
        otherwise: TooManyWaiting,
        at: datetime,
        tx: Transaction,
    ) -> None:
        """Add the job to the account's waiting jobs. Fail the transaction with `otherwise` if there are `most`."""
        record = SlotsRecord
        tx.put(WaitingRecord(account_id, job_id), otherwise=_NotHeld())
        tx.update(
            SlotsRecord(account_id),
            [
                record.waiting.add(1),
                record.plan.set(plan),
                record.lane.set(lane.value),
                record.ready.set(lane.value),
                record.turn.set(record.turn | at),
            ],
            record.waiting.does_not_exist() | (record.waiting < most),
            otherwise=otherwise,
        )

    def leave(self, job_id: str, *, account_id: str, tx: Transaction) -> None:
        """Remove the job from the waiting jobs. Fail the transaction with NotWaiting."""
        tx.delete(WaitingRecord(account_id, job_id), WaitingRecord.job_id.exists(), otherwise=NotWaiting())
        tx.update(
            SlotsRecord(account_id), [SlotsRecord.waiting.add(-1)], SlotsRecord.waiting > 0, otherwise=NotWaiting()
        )

    def oldest(self, account_id: str) -> str | None:
        """Return the account's oldest waiting job."""
        found = WaitingRecord.query(account_id, limit=1, page_size=1, consistent_read=True)
        return next((record.job_id for record in found), None)

    def place(self, job_id: str, *, account_id: str, at: datetime) -> QueuePlace:
        """Return the waiting job's place. The start is None before the account's first admission that followed a wait.

        The cost is limited by the plan's maximum of waiting jobs.
        """
        position = WaitingRecord.count(account_id, WaitingRecord.job_id <= job_id)
        account = self.account(account_id)
        if account is None or account.turn is None or account.interval_seconds is None:
            return QueuePlace(position, None)
        start_at = account.turn + timedelta(seconds=position * float(account.interval_seconds))
        return QueuePlace(position, max(start_at, at))

    # --- slots

    def account(self, account_id: str) -> SlotsRecord | None:
        return self._read(account_id)

    def held(self) -> tuple[list[Held], int]:
        """Return the slots of the whole deployment, and how many of them FREE accounts have."""
        row = self._read(_DEPLOYMENT)
        entries = sorted(row.running or ()) if row else []
        return [Held(*entry.split("#")) for entry in entries], len(row.free or ()) if row else 0

    def held_by(self, account_id: str) -> list[Held]:
        """Return the slots of the deployment that the account has."""
        return [slot for slot in self.held()[0] if slot.account_id == account_id]

    def next_account(self, lane: Lane, skipped: Collection[str]) -> str | None:
        """Return the account whose turn it is, without those `skipped`. Eventually consistent."""
        most = len(skipped) + 1
        found = SlotsRecord.by_turn.query(lane.value, limit=most, page_size=most)
        return next((record.owner for record in found if record.owner not in skipped), None)

    def take(
        self,
        job_id: str,
        *,
        account_id: str,
        lane: Lane,
        most: int,
        most_in_all: int,
        last: bool,
        interval_seconds: float | None,
        at: datetime,
        tx: Transaction,
    ) -> None:
        """Give the waiting job a slot of its account (at most `most`) and of the deployment (at most `most_in_all`).

        `last`: the account has no other waiting job, so it leaves the index. `interval_seconds` is the account's new
        mean interval; None means unknown. Fail the transaction with NotAdmitted.
        """
        record, entry = SlotsRecord, {_entry(account_id, job_id)}
        tx.delete(WaitingRecord(account_id, job_id), WaitingRecord.job_id.exists(), otherwise=NotAdmitted())
        tx.update(
            SlotsRecord(_DEPLOYMENT),
            [record.running.add(entry), *([record.free.add(entry)] if lane is Lane.FREE else [])],
            _fewer_than(most_in_all),
            otherwise=NotAdmitted(),
        )
        tx.update(
            SlotsRecord(account_id),
            [
                record.running.add({job_id}),
                record.waiting.add(-1),
                record.turn.set(at),
                record.interval_seconds.remove()
                if interval_seconds is None
                else record.interval_seconds.set(interval_seconds),
                *([record.ready.remove()] if last else []),
            ],
            _fewer_than(most) & ((record.waiting == 1) if last else (record.waiting > 0)),
            otherwise=NotAdmitted(),
        )

    def release(self, job_id: str, *, account_id: str) -> None:
        """Take back the slot of an ended job. If it has none, do nothing."""
        account = self.account(account_id)
        if account is None or job_id not in (account.running or ()):
            return
        # An account without waiting jobs stays out of the index, which saves its writes.
        with suppress(_NotHeld):
            try:
                self._release(job_id, account_id, waits=bool(account.waiting))
            except _NotHeld:  # another process was faster, or a job waits since the read
                self._release(job_id, account_id, waits=True)

    @staticmethod
    def _release(job_id: str, account_id: str, *, waits: bool) -> None:
        record, entry = SlotsRecord, _entry(account_id, job_id)
        held = record.running.contains(job_id)
        with transaction() as tx:
            tx.update(
                SlotsRecord(_DEPLOYMENT),
                [record.running.delete({entry}), record.free.delete({entry})],
                record.running.contains(entry),
                otherwise=_NotHeld(),
            )
            tx.update(
                SlotsRecord(account_id),
                [record.running.delete({job_id}), *([record.ready.set(record.lane)] if waits else [])],
                held if waits else held & (record.waiting == 0),
                otherwise=_NotHeld(),
            )

    def pass_over(self, account_id: str, *, most: int) -> None:
        """Remove the account from the index if no job waits, or if it has all of its `most` slots."""
        record = SlotsRecord
        with suppress(_NotHeld), on_refusal(_NotHeld()):
            SlotsRecord(account_id).update(
                [record.ready.remove()], (record.waiting == 0) | (size(record.running) >= most)
            )

    @staticmethod
    def _read(owner: str) -> SlotsRecord | None:
        try:
            return SlotsRecord.get(owner, consistent_read=True)
        except SlotsRecord.DoesNotExist:
            return None


def _entry(account_id: str, job_id: str) -> str:
    return f"{account_id}#{job_id}"


def _fewer_than(most: int) -> Condition:
    """Return the condition that the owner has fewer slots than `most`."""
    fewer: Condition = SlotsRecord.running.does_not_exist() | (size(SlotsRecord.running) < most)
    return fewer


slots = SlotStore()
