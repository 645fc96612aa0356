"""The end of a job and of its hold, in one transaction. No other module ends a job.

The charge is the hold's amount, or less if a cheaper engine did a step. A worker can write the job item, so its
`credits` are for display only.
If two callers end a job at the same time, the first one decides its status. The other one receives the ended job.
"""

from datetime import datetime

from pynamodb.exceptions import PynamoDBException

from shared.aws import media
from shared.aws.transactions import transaction
from shared.charges.store import charges
from shared.credits.record import HoldRecord
from shared.credits.store import HoldEnded, credits
from shared.grants.store import grants, step_task
from shared.jobs import admission
from shared.jobs.keys import delivery_prefix
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import JobEnded, jobs
from shared.jobs.tickets import tickets
from shared.observability import Metric, logger, measure
from shared.projects.store import projects
from shared.slots.store import NotWaiting, slots
from shared.stages.engines import ALL_ENGINES, Runs
from shared.stages.stages import FILM, STAGES, Role, Stage

_ENDED = {
    JobStatus.COMPLETED: Metric.JOBS_COMPLETED,
    JobStatus.FAILED: Metric.JOBS_FAILED,
    JobStatus.CANCELLED: Metric.JOBS_CANCELLED,
}


def complete(job: JobRecord, *, at: datetime) -> JobRecord:
    """End the job as COMPLETED and charge its hold.

    If a step has no result, or a file of the film or still is missing, end the job as FAILED. If S3 does not answer,
    raise.
    """
    missing = [stage for stage, step in job.planned() if step.status != JobStatus.COMPLETED]
    if missing:
        return fail(job, error=f"The step {missing[0]} has no result.", at=at)
    hold = credits.get_hold(job.job_id)
    last = _last_stage(hold)
    if not _is_stored(job, last):
        logger.error("film missing")
        lost = "film" if last is FILM else "picture"
        return fail(job, error=f"The finished {lost} was lost. Nothing was charged.", at=at)
    settled = _settle(job, JobStatus.COMPLETED, None, at, hold)
    film = jobs.results(job).get(last) if settled.status == JobStatus.COMPLETED and last is FILM else None
    if film and (thumbnail := film.key(Role.THUMBNAIL)):  # the creator may have deleted the film at once
        projects.show_film(job.project_id, thumbnail=thumbnail)
    return settled


def fail(job: JobRecord, *, error: str, at: datetime) -> JobRecord:
    """End the job as FAILED and release its credits."""
    return _settle(job, JobStatus.FAILED, error, at)


def cancel(job: JobRecord, *, at: datetime) -> JobRecord:
    """End the job as CANCELLED and release its credits."""
    return _settle(job, JobStatus.CANCELLED, None, at)


def end_hold(job_id: str, job: JobRecord | None, *, at: datetime) -> bool:
    """End the hold of a job that has ended, or that is deleted (None). Return whether the hold was open.

    The index of open holds is eventually consistent, so the hold can have ended already.
    """
    hold = credits.get_hold(job_id)
    if hold.state != "HELD":
        return False
    paid = job if job and job.status == JobStatus.COMPLETED and _is_stored(job, _last_stage(hold)) else None
    try:
        with transaction() as tx:
            if paid:
                credits.capture(hold, _charge(paid, hold), at=at, tx=tx)
            else:
                credits.release(hold, tx=tx)
    except HoldEnded:  # another caller has ended it
        return False
    if paid:
        _count_captured(hold, _charge(paid, hold))
    return True


def _charge(job: JobRecord, hold: HoldRecord) -> int:
    """Return the sum of the prices of the steps, each at that of the engine that did it. It is at most the hold.

    A worker can write the name of an engine. So it can choose among the prices in the hold, and no other one.
    """
    if not hold.lower_prices:
        return int(hold.credits)
    engines = {stage.value: step.engine for stage, step in job.planned()}
    return sum(hold.price(stage, engines[stage]) or 0 for stage in hold.prices)


def _count_captured(hold: HoldRecord, charged: int) -> None:
    measure(Metric.CREDITS_CAPTURED, charged)
    if hold.paid:
        measure(Metric.PAID_CREDITS_CAPTURED, charged)


def _book_charges(job: JobRecord, hold: HoldRecord) -> None:
    """Book what providers charge for the steps of the ended job, also of one that failed. An error is only logged.

    The list price decides: a provider does not report its charge with a result.
    """
    remote = {one.name: one for one in ALL_ENGINES if one.runs is Runs.REMOTE}
    replaced = hold.lower_prices or {}  # then the job names another engine than the one that the provider charges for
    asked = [
        (stage, step.engine)
        for stage, step in job.planned()
        if step.attempts and (step.engine in remote or stage.value in replaced)
    ]
    if not asked:
        return
    try:
        seconds = jobs.spec(job.job_id).settings.duration
        for stage, engine in asked:
            ticket = tickets.get(job.job_id, stage)
            used = remote.get((ticket and ticket.engine) or engine)
            if ticket is None or used is None or not ticket.submissions:
                continue
            requests = int(ticket.submissions)
            cents = requests * used.charge_cents(seconds)
            paid = (hold.price(stage.value, engine) or 0) if job.captured else 0
            charges.book(
                job.job_id, stage, engine=used.name, requests=requests, cents=cents, credits=paid,
                at=job.completed_at or job.updated_at,
            )  # fmt: skip
            measure(Metric.PROVIDER_CENTS, cents)
    except PynamoDBException:  # the job has ended, and its creator waits for the answer
        logger.exception("charge of a provider not booked")


def _last_stage(hold: HoldRecord) -> Stage:
    """Return the last stage for which the hold pays. A worker can write the steps of a job, but not its hold."""
    return max(map(Stage, hold.prices), key=list(Stage).index) if hold.prices else FILM


def _is_stored(job: JobRecord, last: Stage) -> bool:
    """Return whether S3 has all that the stage delivers, uploaded by the attempt that the job names.

    A worker can write the steps of every job. So the attempt must be one that had access to the step's media.
    """
    made = jobs.results(job).get(last)
    if made is None or not STAGES[last].required <= {output.role for output in made.outputs}:
        return False
    attempt = str(job.step(last).attempt)
    if not grants.has_admitted(step_task(job.job_id, last), attempt):
        logger.error("film of an unknown attempt")
        return False
    stored = set(media.keys(f"{delivery_prefix(job.job_id, last)}{attempt}/"))
    return all(output.key in stored for output in made.outputs if output.role in STAGES[last].delivers)


def _settle(
    job: JobRecord, status: JobStatus, error: str | None, at: datetime, hold: HoldRecord | None = None
) -> JobRecord:
    hold = hold or credits.get_hold(job.job_id)

    def end(*, waits: bool) -> None:
        with transaction() as tx:
            charged = _charge(job, hold) if status is JobStatus.COMPLETED else None
            jobs.finish(job.job_id, status, error=error, at=at, tx=tx, credits=charged)
            if waits:
                slots.leave(job.job_id, account_id=job.account_id, tx=tx)
            if charged is not None:
                credits.capture(hold, charged, at=at, tx=tx)
            else:
                credits.release(hold, tx=tx)

    try:
        try:
            end(waits=bool(job.waits))
        except NotWaiting:  # it was admitted or has ended since it was read
            end(waits=False)
    except (JobEnded, HoldEnded):  # another caller has settled it
        settled = jobs.get(job.job_id)
        if not settled.ended:
            raise
        admission.job_ended(settled, at=at)  # the other caller may have stopped before it
        return settled
    measure(_ENDED[status])
    if status is JobStatus.COMPLETED:
        _count_captured(hold, _charge(job, hold))
    settled = jobs.get(job.job_id)
    admission.job_ended(settled, at=at)
    _book_charges(settled, hold)
    return settled
