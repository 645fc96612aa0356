"""Reads and writes of slots. An account's number of waiting jobs and its slots change in the job's own transaction.

`ready` is set by each write that can make an account eligible: a submit, and the end of a job. It is removed only by a
write whose condition says that the account is not eligible. So an eligible account is always in the index.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from pynamodb.expressions.condition import Condition, size

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction, transaction
from shared.core.errors import AppError
from shared.slots.record import SlotsRecord, WaitingRecord

SHARD_SLOTS = 250  # maximum slots in one item of the deployment: 15 KB, so each write costs about 30 write units


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
    """A slot that a job has, in one of the deployment's shards."""

    account_id: str
    job_id: str
    shard: int


@dataclass(frozen=True, slots=True)
class Room:
    """The deployment's shard with the most free slots, its maximum of slots, and the slots of all FREE accounts."""

    shard: int
    most: int
    free: int


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
        more_ids: Sequence[str] = (),
    ) -> None:
        """Add the jobs to the account's waiting jobs. Fail the transaction with `otherwise` if these exceed `most`."""
        record, number = SlotsRecord, 1 + len(more_ids)
        if number > most:
            raise otherwise
        for one in (job_id, *more_ids):
            tx.put(WaitingRecord(account_id, one), otherwise=_NotHeld())
        tx.update(
            SlotsRecord(account_id),
            [
                record.waiting.add(number),
                record.plan.set(plan),
                record.lane.set(lane.value),
                record.ready.set(lane.value),
                record.turn.set(record.turn | at),
            ],
            record.waiting.does_not_exist() | (record.waiting <= most - number),
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

    def places(
        self, job_ids: Collection[str], *, account_id: str, at: datetime, account: SlotsRecord | None = None
    ) -> dict[str, QueuePlace]:
        """Return the places of those of the account's jobs that wait. `account` is its row, if the caller has read it.

        The start is None before the account's first admission that followed a wait. Positions are counted from the
        newest waiting job, because most requests name the newest jobs. The plan limits the number of waiting jobs.
        """
        account = account or self.account(account_id)
        if account is None:
            return {}
        newest = WaitingRecord.query(account_id, WaitingRecord.job_id >= min(job_ids), scan_index_forward=False)
        last, turn, interval = int(account.waiting or 0), account.turn, account.interval_seconds
        # A job that starts between the two reads is in one of them only. No position is below 1.
        positions = {str(record.job_id): max(last - newer, 1) for newer, record in enumerate(newest)}

        def start(position: int) -> datetime | None:
            if turn is None or interval is None:
                return None
            return max(turn + timedelta(seconds=position * float(interval)), at)

        return {
            job_id: QueuePlace(position, start(position)) for job_id, position in positions.items() if job_id in job_ids
        }

    def live(self, account_id: str) -> set[str]:
        """Return the ids of the account's jobs that wait or have a slot: all that have not ended, and few others.

        The plan limits their number.
        """
        waiting = {str(record.job_id) for record in WaitingRecord.query(account_id)}
        account = self.account(account_id)
        return waiting | set((account and account.running) or ())

    # --- slots

    def account(self, account_id: str) -> SlotsRecord | None:
        return self._read(account_id)

    def open_jobs(self, account_id: str) -> list[str]:
        """Return the account's open jobs: the waiting ones, newest first, then those with a slot."""
        waiting = [
            row.job_id for row in WaitingRecord.query(account_id, consistent_read=True, scan_index_forward=False)
        ]
        account = self.account(account_id)
        return [*waiting, *sorted(account.running or () if account else ())]

    def held(self) -> list[Held]:
        """Return the slots of the whole deployment."""
        found, shard = list[Held](), 0
        while row := self._read(_owner(shard)):  # `room` names a shard first when all shards before it exist
            for entry in sorted(row.running or ()):
                account_id, job_id = entry.split("#")
                found.append(Held(account_id, job_id, shard))
            shard += 1
        return found

    def room(self, most: int) -> Room | None:
        """Return where the deployment has a free slot if it has `most` slots at most, or None."""
        shards = ceil(most / SHARD_SLOTS)
        read = SlotsRecord.batch_get([_owner(shard) for shard in range(shards)], consistent_read=True)
        rows = {row.owner: row for row in read}
        held = [rows.get(_owner(shard), SlotsRecord()) for shard in range(shards)]
        parts = [most // shards + (shard < most % shards) for shard in range(shards)]
        left = [part - len(row.running or ()) for part, row in zip(parts, held, strict=True)]
        shard = left.index(max(left))
        return Room(shard, parts[shard], sum(len(row.free or ()) for row in held)) if left[shard] > 0 else None

    def held_by(self, account_id: str) -> list[Held]:
        """Return the slots of the deployment that the account has."""
        return [slot for slot in self.held() if slot.account_id == account_id]

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
        room: Room,
        last: bool,
        interval_seconds: float | None,
        at: datetime,
        tx: Transaction,
    ) -> None:
        """Give the waiting job a slot of its account (at most `most`) and of the deployment's shard with `room`.

        `last`: the account has no other waiting job, so it leaves the index. `interval_seconds` is the account's new
        mean interval; None means unknown. Fail the transaction with NotAdmitted.
        """
        record, entry = SlotsRecord, {_entry(account_id, job_id)}
        tx.delete(WaitingRecord(account_id, job_id), WaitingRecord.job_id.exists(), otherwise=NotAdmitted())
        tx.update(
            SlotsRecord(_owner(room.shard)),
            [record.running.add(entry), *([record.free.add(entry)] if lane is Lane.FREE else [])],
            _fewer_than(room.most),
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

    def release(self, slot: Held) -> None:
        """Take back the slot of an ended job. If it has none, do nothing."""
        account = self.account(slot.account_id)
        if account is None or slot.job_id not in (account.running or ()):
            return
        # An account without waiting jobs stays out of the index, which saves its writes.
        with suppress(_NotHeld):
            try:
                self._release(slot, waits=bool(account.waiting))
            except _NotHeld:  # another process was faster, or a job waits since the read
                self._release(slot, waits=True)

    @staticmethod
    def _release(slot: Held, *, waits: bool) -> None:
        record, entry = SlotsRecord, _entry(slot.account_id, slot.job_id)
        held = record.running.contains(slot.job_id)
        with transaction() as tx:
            tx.update(
                SlotsRecord(_owner(slot.shard)),
                [record.running.delete({entry}), record.free.delete({entry})],
                record.running.contains(entry),
                otherwise=_NotHeld(),
            )
            tx.update(
                SlotsRecord(slot.account_id),
                [record.running.delete({slot.job_id}), *([record.ready.set(record.lane)] if waits else [])],
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


def _owner(shard: int) -> str:
    return f"deployment#{shard}" if shard else "deployment"


def _entry(account_id: str, job_id: str) -> str:
    return f"{account_id}#{job_id}"


def _fewer_than(most: int) -> Condition:
    """Return the condition that the owner has fewer slots than `most`."""
    fewer: Condition = SlotsRecord.running.does_not_exist() | (size(SlotsRecord.running) < most)
    return fewer


slots = SlotStore()
