"""The function that admits and starts jobs whose submit was interrupted, and continues or ends jobs that are stuck.

A schedule calls it every minute for all open jobs. An event calls it for one job whose execution ended badly.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from zlib import crc32

from functions.pipeline.fleets import measure_fleets
from shared.core.clock import utc_now
from shared.core.config import Config
from shared.core.ids import id_from, made_at
from shared.credits.store import credits
from shared.jobs import admission, executions, settlement
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.steps import steps
from shared.jobs.store import JobNotFound, jobs
from shared.observability import Metric, about, logged, logger, measure, observed
from shared.stages.failures import UNEXPECTED

# Minimum time since the submit and since the last write before a job is reconciled. A fast clock can date that write
# later than now.
GRACE = timedelta(seconds=30)
# Minimum time since the end of a step's lease, and since its dispatch, before its message counts as lost. SQS and
# `pipeline-signal` deliver the message of an attempt that died within minutes.
LOST_AFTER = timedelta(minutes=30)
SWEEP_SECONDS = 45.0  # a sweep starts no job's work after this; the function's timeout is 55 s
MOST_ADMISSIONS = 200  # accounts that one sweep tries
BATCH = 100  # jobs that one BatchGetItem reads
# A sweep asks for the execution of an admitted job only in its turn, because DescribeExecution has a low quota. The
# jobs whose turn it is are also first, so that sweeps that are too short for all jobs reach each job within the turns.
TURNS = 10
_TOO_LONG = "The job took too long. Nothing was charged."
_TOO_LONG_WAIT = "The job waited for its turn for more than a day. Nothing was charged."


class ReconcileConfig(Config):
    """The timing of sweeps. A storm of faults shortens it."""

    lost_after_seconds: float = LOST_AFTER.total_seconds()


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Reconcile all open jobs, or the job whose execution the event names. Measure the workers once a minute.

    Return the number of jobs seen, of jobs left to the next sweep, and the number for each action.
    """
    if event.get("detail-type") == "Step Functions Execution Status Change":
        return execution_ended(event["detail"]["name"], utc_now())
    try:
        return sweep(utc_now())
    finally:
        measure_fleets()


def execution_ended(job_id: str, at: datetime) -> dict[str, int]:
    """Settle the job at once: its execution has ended, so no other function will."""
    about(job_id=job_id)
    done = _none_done()
    done["seen"] += 1
    try:
        job = jobs.get(job_id)
    except JobNotFound:
        return done
    _count(done, _release(job_id, job, at) if job.ended else _settle_orphan(job, at))
    return done


def sweep(at: datetime) -> dict[str, int]:
    """Reconcile each open hold's job at this time, those whose turn it is first."""
    done = _none_done()
    until = monotonic() + SWEEP_SECONDS
    open_jobs = list(credits.open_holds(before_job_id=id_from("job", (at - GRACE).timestamp())))
    measure(Metric.OPEN_JOBS, len(open_jobs))
    done["admitted"] = _admit(frozenset(open_jobs), at)
    turn = int(at.timestamp()) // 60
    in_order = sorted(open_jobs, key=lambda job_id: _turns_until(job_id, turn))
    if not in_order:
        measure(Metric.SWEEPS)
    waits, works = [0.0], [0.0]  # ages in seconds
    progressed = False
    for batch in (in_order[first : first + BATCH] for first in range(0, len(in_order), BATCH)):
        found = _read(batch)
        for job_id in batch:
            if monotonic() > until:
                break
            done["seen"] += 1
            job = found.get(job_id)
            if job is not None and job.waits:
                waits.append(at.timestamp() - made_at(job_id))
            else:
                works.append(at.timestamp() - (job.admitted_at.timestamp() if job else made_at(job_id)))
            with logged(job_id=job_id):
                try:
                    action = _reconcile(job_id, job, at, in_turn=_turns_until(job_id, turn) == 0)
                except Exception:  # noqa: BLE001  # one bad job must not stop the others; the next sweep tries again
                    logger.exception("job not reconciled")
                else:
                    _count(done, action)
                    if not progressed:
                        progressed = True
                        measure(Metric.SWEEPS)
    if left := len(open_jobs) - done["seen"]:
        done["left"] = left
        logger.warning("sweep is out of time", left=left)
    measure(Metric.OLDEST_OPEN_JOB_SECONDS, max(works))
    measure(Metric.WAITING_JOBS, len(waits) - 1)
    measure(Metric.OLDEST_WAITING_JOB_SECONDS, max(waits))
    return done


def _admit(open_jobs: frozenset[str], at: datetime) -> int:
    """Take back the slots of ended jobs, give the free slots to waiting jobs, and return the number of these."""
    try:
        vacated = admission.vacate_ended(open_jobs.__contains__)
        if vacated:
            logger.warning("slots of ended jobs taken back", slots=vacated)
        return len(admission.admit(at, tries=MOST_ADMISSIONS))
    except Exception:  # noqa: BLE001  # the jobs that run must be reconciled too; the next sweep tries again
        logger.exception("jobs not admitted")
        return 0


def _none_done() -> dict[str, int]:
    actions = ("started", "completed", "failed", "answered", "dispatched", "released")
    return dict.fromkeys(("seen", "left", "admitted", *actions), 0)


def _count(done: dict[str, int], action: str | None) -> None:
    if action:
        done[action] += 1
        measure(Metric.JOBS_RECONCILED)
        logger.warning("job reconciled", action=action)


def _turns_until(job_id: str, turn: int) -> int:
    return (crc32(job_id.encode()) - turn) % TURNS


def _read(job_ids: Sequence[str]) -> dict[str, JobRecord]:
    """Return the jobs by id. Return none if one of them cannot be decoded: then each job is read by itself."""
    try:
        return {job.job_id: job for job in jobs.several(job_ids)}
    except Exception:  # noqa: BLE001  # one bad job must not stop the others
        logger.exception("batch of jobs not read")
        return {}


def _reconcile(job_id: str, found: JobRecord | None, at: datetime, *, in_turn: bool) -> str | None:
    """Do what the job needs, and return the action."""
    try:
        job = found or jobs.get(job_id)
    except JobNotFound:
        return _release(job_id, None, at)
    if job.ended:
        return _release(job_id, job, at)
    if at > job.deadline_at:  # also if it beats: the worker of an engine that hangs still beats
        settlement.fail(job, error=_TOO_LONG_WAIT if job.waits else _TOO_LONG, at=at)
        executions.stop(job.job_id)
        return "failed"
    if job.waits and job.status == JobStatus.PENDING:  # its submit was interrupted
        jobs.hold_back(job_id, at=at)
    if job.waits or abs(at - job.updated_at) < GRACE or not (in_turn or _is_suspect(job)):
        return None
    running = executions.running(job.job_id)
    if running is None:
        executions.start(job.job_id, [stage for stage, _ in job.planned()])
        return "started"
    return (_answer_again(job) or _dispatch_again(job, at)) if running else _settle_orphan(job, at)


def _is_suspect(job: JobRecord) -> bool:
    """Return whether the job waits for nothing: it was not dispatched, or all its steps are complete."""
    return not job.is_dispatched or _all_completed(job)


def _all_completed(job: JobRecord) -> bool:
    return all(step.status == JobStatus.COMPLETED for _, step in job.planned())


def _answer_again(job: JobRecord) -> str | None:
    """Report the last completed step again if the next step was not dispatched, because the report may be lost."""
    completed = [stage for stage, step in job.planned() if step.status == JobStatus.COMPLETED]
    after = [stage for stage, step in job.planned() if step.status != JobStatus.COMPLETED]
    if not completed or (after and steps.token(job.job_id, after[0]) is not None):
        return None
    token = steps.token(job.job_id, completed[-1])
    if token is None:
        return None
    executions.succeed(token)
    return "answered"


def _dispatch_again(job: JobRecord, at: datetime) -> str | None:
    """Let the state machine dispatch a step again that no attempt has claimed since the lease of the last one.

    A claim that the network carries out late can fence an attempt. Then nobody has the step, or a message for it.
    """
    before = at - timedelta(seconds=ReconcileConfig().lost_after_seconds)
    for stage, step in job.planned():
        if step.status == JobStatus.RUNNING and step.lease_until is not None and step.lease_until < before:
            token = steps.token(job.job_id, stage, stored_before=before)
            if token is not None:
                executions.dispatch_again(token)
                return "dispatched"
    return None


def _settle_orphan(job: JobRecord, at: datetime) -> str:
    """Settle a job whose execution has ended, and return the action.

    The execution was aborted or exceeded a limit, or its Settle state failed.
    """
    if _all_completed(job):
        settlement.complete(job, at=at)
        return "completed"
    settlement.fail(job, error=UNEXPECTED.public_message, at=at)
    return "failed"


def _release(job_id: str, job: JobRecord | None, at: datetime) -> str | None:
    return "released" if settlement.end_hold(job_id, job, at=at) else None
