"""The read of one job, with all that its view needs."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.aws.records import ItemKey, Record, read_together
from shared.jobs.record import JobRecord, StepResultRecord
from shared.jobs.spec import JobSpec
from shared.jobs.store import JobNotFound, StepResult, jobs, results_in
from shared.members.actor import Actor
from shared.members.record import MemberRecord
from shared.slots.record import SlotsRecord
from shared.stages.stages import Stage


class ReadJob(NamedTuple):
    """A job with its spec and results. `slots` are those of its account, while the job waits for one."""

    job: JobRecord
    spec: JobSpec
    results: dict[Stage, StepResult]
    slots: SlotsRecord | None


def read(job_id: str, caller: Actor) -> ReadJob:
    """Return the job if the caller may act on its account. Raise JobNotFound.

    The job names its account and its results. So one call reads the job and its spec, and one more call all the rest.
    """
    found = jobs.with_specs([job_id], consistent=True)
    if not found:
        raise JobNotFound
    [(job, spec)] = found
    membership = caller.unread(job.account_id)
    waiting = [str(job.account_id)] if job.waits and not job.ended else []
    keys: dict[type[Record], Sequence[ItemKey]] = {
        MemberRecord: membership,
        StepResultRecord: jobs.result_keys(job),
        SlotsRecord: waiting,
    }
    rest = read_together(keys, consistent=True)
    caller.remember(membership, rest[MemberRecord])
    jobs.check(job, accounts=caller)
    return ReadJob(job, spec, results_in(rest[StepResultRecord]), next(iter(rest[SlotsRecord]), None))
