"""The checks of the audit: pure functions from the records of one subject to what is wrong with it.

The findings name ids only. They contain no text of a creator and no address.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.access.permissions import AccountRole
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord
from shared.jobs.keys import JOBS, WORK_LIFE
from shared.jobs.record import LONGEST_LEASE, JobRecord, JobStatus
from shared.jobs.store import StepResult
from shared.organizations.record import OrganizationRecord
from shared.slots.record import SlotsRecord
from shared.stages.stages import STAGES, Stage

HEALED_WITHIN = timedelta(minutes=30)  # `reconcile` ends or continues each stuck job within this time


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One broken invariant: its number, the id of the subject, and a sentence."""

    invariant: str
    subject: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is stored about one job."""

    job: JobRecord
    hold: HoldRecord | None
    has_spec: bool
    results: Mapping[Stage, StepResult]
    stored: Collection[str]  # keys of the job's objects
    has_token: Collection[Stage]
    is_in_queue: bool  # it is one of its account's waiting jobs
    has_slot: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of the audit. `at_rest`: no job runs, and the sweep has deleted everything that no record names."""

    at: datetime
    at_rest: bool = False


def hold_findings(
    hold: HoldRecord, job: JobRecord | None, captured: LedgerRecord | None, now: Moment
) -> Iterator[Finding]:
    """Yield what is wrong with a hold. `captured` is the ledger's entry of its capture."""

    def wrong(invariant: str, sentence: str) -> Finding:
        return Finding(invariant, hold.job_id, sentence)

    if (hold.state == "HELD") != (hold.open is not None):
        yield wrong("I2", f"the hold is {hold.state}, and the index of open holds shows another state")
    if hold.state == "HELD":
        if job is None:
            yield wrong("I2", "the hold is open, and its job does not exist")
        elif JobStatus(job.status).ended:
            yield wrong("I2", f"the hold is open, and its job is {job.status}")
        elif now.at_rest:
            yield wrong("I2", "the hold is open at rest")
    elif job is not None and (hold.state == "CAPTURED") != (job.status == JobStatus.COMPLETED):
        yield wrong("I2", f"the hold is {hold.state}, and its job is {job.status}")
    if (hold.state == "CAPTURED") != (captured is not None):
        yield wrong("I2", f"the hold is {hold.state}, and the ledger has {'a' if captured else 'no'} capture")
    elif captured is not None and -captured.credits > hold.credits:
        yield wrong("I2", "the ledger charges more than the hold")


def job_findings(facts: Facts, now: Moment) -> Iterator[Finding]:
    """Yield what is wrong with a job, its steps and its files."""
    job, ended = facts.job, JobStatus(facts.job.status).ended

    def wrong(invariant: str, sentence: str) -> Finding:
        return Finding(invariant, job.job_id, sentence)

    if facts.hold is None:
        yield wrong("I2", "the job has no hold")
    if not facts.has_spec:
        yield wrong("I7", "the job has no spec")
    if ended != (job.completed_at is not None):
        yield wrong("I3", f"the job is {job.status}, and its time of the end does not fit")
    elif job.completed_at is not None:
        if job.updated_at > job.completed_at:
            yield wrong("I5", "the job was written after its end")
        latest = max(now.at, job.completed_at + LONGEST_LEASE)  # a fast clock dates a lease too late, and it expires
        if any(step.lease_until and step.lease_until > latest for _, step in job.planned()):
            yield wrong("I3", "the job has ended, and a step has a later lease")
    elif now.at > job.deadline_at + HEALED_WITHIN:
        yield wrong("I3", "the job is past its deadline and has not ended")
    elif now.at_rest:
        yield wrong("I3", f"the job is {job.status} at rest")
    if not ended and job.completed_at is None and not (facts.is_in_queue if job.waits else facts.has_slot):
        yield wrong("I21", "the job is not in the queue of its account" if job.waits else "the job has no slot")
    if _waits_for_nothing(facts, now):
        yield wrong("I3", "a step is COMPLETED, and the execution still waits")
    if job.status == JobStatus.COMPLETED and any(step.status != JobStatus.COMPLETED for _, step in job.planned()):
        yield wrong("I2", "the job is COMPLETED, and a step is not")
    yield from _step_findings(facts, now)


def _step_findings(facts: Facts, now: Moment) -> Iterator[Finding]:
    job = facts.job
    for stage, step in job.planned():
        if step.status != JobStatus.COMPLETED:
            continue
        result, step_id = facts.results.get(stage), job.step_id(stage)
        if result is None:
            yield Finding("I4", step_id, "the step is COMPLETED and has no result")
            continue
        old = now.at > (step.completed_at or job.updated_at) + WORK_LIFE  # then only files below JOBS are listed
        keys = {output.key for output in result.outputs if not old or output.key.startswith(JOBS)}
        expired = stage is not job.last_stage and old
        if not expired and (lost := keys - set(facts.stored)):
            yield Finding("I4", step_id, f"{len(lost)} of {len(keys)} files of the result do not exist")
        if not STAGES[stage].produces <= {output.role for output in result.outputs}:
            yield Finding("I4", step_id, "the result has not all outputs of its stage")


def _waits_for_nothing(facts: Facts, now: Moment) -> bool:
    """Return whether all dispatched steps are complete, and the next one was not dispatched for a long time."""
    job = facts.job
    if JobStatus(job.status).ended or abs(now.at - job.updated_at) < HEALED_WITHIN:
        return False
    after = [stage for stage, step in job.planned() if step.status != JobStatus.COMPLETED]
    made = any(step.status == JobStatus.COMPLETED and not step.is_reused for _, step in job.planned())
    return made and (not after or after[0] not in facts.has_token)


def slot_findings(
    account: SlotsRecord, held: Collection[str], waiting: int, found: Mapping[str, JobRecord | None], now: Moment
) -> Iterator[Finding]:
    """Yield what is wrong with an account's slots.

    `held` are the jobs of the account that have a slot of the deployment. `waiting` is the length of its queue.
    """
    running = account.running or set()
    for job_id in sorted(running ^ set(held)):
        yield Finding("I21", job_id, "only one of the account and the deployment has a slot of this job")
    if account.waiting != waiting:
        yield Finding("I21", account.owner, f"the account counts {account.waiting} waiting jobs, and has {waiting}")
    if account.waiting and account.ready is None and not running:
        yield Finding("I21", account.owner, "jobs of the account wait, and it gets no turn")
    for job_id in sorted(running | set(held)):
        job = found.get(job_id)
        if job is None or (job.completed_at is not None and (now.at_rest or now.at > job.completed_at + HEALED_WITHIN)):
            yield Finding("I21", job_id, "the job has ended, and has a slot")


def account_findings(account: AccountRecord, ledger_sum: int, now: Moment) -> Iterator[Finding]:
    """Yield what is wrong with an account. The balance and the ledger must be of the same moment."""
    available, held = int(account.available), int(account.held)
    if available < 0 or held < 0:
        yield Finding("I1", account.account_id, f"the account has {available} available and {held} held credits")
    if available + held != ledger_sum:
        yield Finding("I1", account.account_id, f"the balance is {available + held}, the ledger's sum {ledger_sum}")
    if now.at_rest and held:
        yield Finding("I1", account.account_id, f"{held} credits are held at rest")


def organization_findings(organization: OrganizationRecord, roles: Sequence[str]) -> Iterator[Finding]:
    """Yield what is wrong with the numbers of an organization whose members have these roles."""
    counted, found = (organization.members, organization.owners), (len(roles), roles.count(AccountRole.OWNER))
    if counted != found:
        sentence = f"the organization counts {counted} members and owners, and has {found}"
        yield Finding("I9", organization.organization_id, sentence)
    elif not found[1]:
        yield Finding("I9", organization.organization_id, "the organization has no owner")
