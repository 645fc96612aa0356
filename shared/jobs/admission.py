"""Admission: which waiting jobs get a slot, and so an execution.

A job waits from its submit, also if a slot is free. Each submit, each end of a job and each sweep of `reconcile` call
`admit`, which gives the free slots to the jobs whose turn it is. So there is one path, and a lost call delays a job
until the next sweep at most. A slot belongs to a job. It ends with the job, and cannot be counted twice.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from shared.aws.transactions import Transaction, transaction
from shared.core.config import Config
from shared.jobs import executions
from shared.jobs.pace import pace
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import JobNotFound, jobs
from shared.jobs.views import JobView
from shared.observability import logged, logger
from shared.slots.record import SlotsRecord
from shared.slots.store import (
    Held,
    Lane,
    NotAdmitted,
    NotWaiting,
    QueuePlace,
    Room,
    TooManyWaiting,
    WaitTooLong,
    slots,
)
from shared.stages.stages import WORK_SECONDS
from shared.subscriptions.plans import PLANS, PlanTerms
from shared.subscriptions.record import PlanType

WAIT = timedelta(hours=24)  # maximum wait for a slot
WORK = timedelta(seconds=WORK_SECONDS)  # maximum time from the admission to the end
FREE_SHARE = 0.2  # the part of the deployment's slots in which FREE accounts go first
NEWEST_WEIGHT = 0.3  # of the newest interval in the mean interval between an account's admissions
MOST_TRIES = 20  # accounts that one request tries; each try admits a job, or finds an account without one


_LATER = "Submit again when some of its jobs have started."


class AdmissionConfig(Config):
    max_executions: int = 50  # slots of the deployment


def lane_of(plan: PlanType) -> Lane:
    return Lane.PAID if plan.paid else Lane.FREE


def wait(job: JobRecord, plan: PlanType, *, at: datetime, tx: Transaction, more_ids: Sequence[str] = ()) -> None:
    """Let the new job wait, and `more_ids` too. Fail the transaction with TooManyWaiting if too many jobs wait.

    Jobs that would wait longer than `WAIT` at the account's recent pace are too many, too.
    """
    most, account = PLANS[plan].waiting, slots.account(job.account_id)
    interval = float(account.interval_seconds or 0) if account else 0
    otherwise = _too_many(most, interval)
    if interval * most > WAIT.total_seconds():
        most = max(1, int(WAIT.total_seconds() / interval))
        otherwise = WaitTooLong(f"The job would wait for more than a day. {_LATER}", headers=_retry_after(interval))
    slots.wait(
        job.job_id,
        account_id=job.account_id,
        plan=plan,
        lane=lane_of(plan),
        most=most,
        otherwise=otherwise,
        at=at,
        tx=tx,
        more_ids=more_ids,
    )


def check_room(account_id: str, plan: PlanType) -> None:
    """Raise TooManyWaiting if the account has all its waiting jobs, before work that a refusal would waste."""
    most, account = PLANS[plan].waiting, slots.account(account_id)
    if account and account.waiting >= most:
        raise _too_many(most, float(account.interval_seconds or 0))


def _too_many(most: int, interval: float) -> TooManyWaiting:
    return TooManyWaiting(f"This account has {most} waiting jobs. {_LATER}", headers=_retry_after(interval))


def _retry_after(interval: float) -> dict[str, str]:
    """Return the header with the time until the account's next admission, in 1 to 60 minutes."""
    return {"Retry-After": str(int(min(max(interval, 60), 3600)))}


def admit(at: datetime, *, account_id: str | None = None, tries: int = MOST_TRIES) -> list[JobRecord]:
    """Give free slots to waiting jobs, start these jobs and return them.

    `account_id` names an account that the index may not show yet. It is considered when the index shows no other.
    """
    admitted: list[JobRecord] = []
    passed: set[str] = set()
    most = AdmissionConfig().max_executions
    for _ in range(tries):
        room = slots.room(most)
        account = _next(order_of_lanes(room.free, most), account_id, passed) if room else None
        if room is None or account is None:
            break
        limits = PLANS[PlanType(account.plan)]
        free = account.waiting and len(account.running or ()) < limits.running
        job_id = slots.oldest(account.owner) if free else None
        if job_id is None:
            if account.ready is not None:
                slots.pass_over(account.owner, most=limits.running)
            passed.add(account.owner)
        elif job := _take(job_id, account, limits, room, at):
            admitted.append(job)
            _start(job)
    return admitted


def job_ended(job: JobRecord, *, at: datetime) -> None:
    """Release the slot of the ended job and admit the next one. If AWS does not answer, the sweep does this later."""
    if job.waits:  # it had no slot
        return
    try:
        slots.release(Held(job.account_id, job.job_id, int(job.slot_shard or 0)))
        admit(at, account_id=job.account_id)
    except Exception:  # noqa: BLE001  # the job has ended: its caller must see that
        logger.exception("slot not released; reconcile will")


def vacate_ended(is_open: Callable[[str], bool]) -> int:
    """Take back the slots of jobs that have ended, and return their number. `is_open` spares reads of other jobs."""
    unsure = {slot.job_id: slot for slot in slots.held() if not is_open(slot.job_id)}
    live = {job.job_id for job in jobs.several(unsure) if not job.ended} if unsure else set()
    for job_id in unsure.keys() - live:
        slots.release(unsure[job_id])
    return len(unsure) - len(live)


def _next(lanes: Sequence[Lane], account_id: str | None, passed: set[str]) -> SlotsRecord | None:
    """Return the account whose turn it is, or None if there is none."""
    for lane in lanes:
        owner = slots.next_account(lane, passed)
        if owner is not None:
            return slots.account(owner)
    return slots.account(account_id) if account_id is not None and account_id not in passed else None


def order_of_lanes(free: int, most: int) -> tuple[Lane, Lane]:
    """Return which lane goes first if FREE accounts have `free` of the deployment's `most` slots.

    FREE accounts go first until they have their share. A lane without waiting jobs leaves its slots to the other one.
    """
    guaranteed = max(1, int(most * FREE_SHARE))
    return (Lane.FREE, Lane.PAID) if free < guaranteed else (Lane.PAID, Lane.FREE)


def _take(job_id: str, account: SlotsRecord, limits: PlanTerms, room: Room, at: datetime) -> JobRecord | None:
    """Give the job a slot and return it. Return None if it has ended, or if another process was faster."""
    try:
        job = jobs.get(job_id)
    except JobNotFound:
        job = None
    if job is None or job.ended:
        with suppress(NotWaiting), transaction() as tx:
            slots.leave(job_id, account_id=account.owner, tx=tx)
        return None
    try:
        with transaction() as tx:
            slots.take(
                job_id,
                account_id=account.owner,
                lane=Lane(account.lane),
                most=limits.running,
                room=room,
                last=account.waiting == 1,
                interval_seconds=_interval_seconds(job, account, at),
                at=at,
                tx=tx,
            )
            jobs.admit(job_id, deadline_at=at + WORK, slot_shard=room.shard, at=at, tx=tx, otherwise=NotAdmitted())
    except NotAdmitted:
        return None
    return job


def _interval_seconds(job: JobRecord, account: SlotsRecord, at: datetime) -> float | None:
    """Return the account's mean interval between admissions, with this one. Return None if the job did not wait.

    Then the interval is unknown: a slow day must not refuse the jobs of the next one.
    """
    if job.status != JobStatus.QUEUED:
        return None
    newest = (at - max(account.turn or job.created_at, job.created_at)).total_seconds()
    before = newest if account.interval_seconds is None else float(account.interval_seconds)
    return round(before + NEWEST_WEIGHT * (newest - before), 3)


def with_place(view: JobView, job: JobRecord, at: datetime) -> JobView:
    """Return the view of the job with its place in the queue, if it waits, and with its estimated end."""
    return with_places([(view, job)], at)[0]


def with_places(shown: Sequence[tuple[JobView, JobRecord]], at: datetime) -> list[JobView]:
    """Return the views of jobs of one account with their places. Nothing is read if all of them have ended."""
    waiting = {job.job_id: job.account_id for _, job in shown if job.waits and not job.ended}
    places = slots.places(waiting.keys(), account_id=next(iter(waiting.values())), at=at) if waiting else {}
    return [_with_place(view, job, places.get(job.job_id), at) for view, job in shown]


def _with_place(view: JobView, job: JobRecord, place: QueuePlace | None, at: datetime) -> JobView:
    if job.ended:
        return view
    start_at = (place and place.start_at) if job.waits else job.admitted_at
    end_at = pace.at(at).end_of(job, view.settings, start=start_at, at=at) if start_at else None
    found: dict[str, object] = {"estimated_end_at": end_at}
    if place is not None:
        found |= {"queue_position": place.position, "estimated_start_at": place.start_at}
    return view.model_copy(update=found)


def _start(job: JobRecord) -> None:
    with logged(job_id=job.job_id):
        try:
            executions.start(job.job_id, [stage for stage, _ in job.planned()])
        except (ClientError, BotoCoreError) as error:
            logger.warning("job admitted but not started; reconcile will", error=str(error))
