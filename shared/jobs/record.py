"""The jobs table, and the tables of specs, tokens, tickets and results.

All data that changes while a job runs is in one item under 1 KB: a progress write then costs one write unit, and the
stream has the changes in order. Attribute names in steps are short for the same reason.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
)
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from shared.aws.records import DecodedItem, EpochAttribute, OnDemand, Record, table
from shared.stages.stages import WORK_SECONDS, Stage


class JobStatus(StrEnum):
    """The status of a job or of a step."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        return self in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}


ERROR_CHARACTERS = 150  # maximum length of the error of a step and of a job, to keep the item under 1 KB

LONGEST_LEASE = timedelta(minutes=30)  # a remote engine's lease includes its provider's pause

_LIVE = (JobStatus.PENDING, JobStatus.QUEUED, JobStatus.RUNNING)


class StepMap(DecodedItem, MapAttribute[str, object]):
    """One step: a job's run of a stage. An attempt is one worker's claim on it, and is alive until `lease_until`."""

    engine = UnicodeAttribute(attr_name="e")
    status = UnicodeAttribute(attr_name="s", default=JobStatus.PENDING.value)
    progress = NumberAttribute(attr_name="p", default=0)
    attempt = UnicodeAttribute(attr_name="a", null=True)
    attempts = NumberAttribute(attr_name="n", default=0)
    handed_back = NumberAttribute(attr_name="h", null=True)  # attempts that ended without a fault of theirs
    preview = NumberAttribute(attr_name="v", null=True)  # number of the newest preview
    missed = NumberAttribute(attr_name="x", null=True)  # motion score of the clip that missed its move
    missed_by = UnicodeAttribute(attr_name="y", null=True)  # the engine of that clip
    lease_until = EpochAttribute(attr_name="l", null=True)
    error = UnicodeAttribute(attr_name="m", null=True)
    started_at = EpochAttribute(attr_name="b", null=True)
    completed_at = EpochAttribute(attr_name="t", null=True)

    @property
    def is_reused(self) -> bool:
        """Return whether the step's result is a copy of an older job's. No attempt of this job has made it."""
        return self.status == JobStatus.COMPLETED and not self.attempts

    @property
    def lost_attempts(self) -> int:
        """Return the number of attempts that were not handed back."""
        return int(self.attempts) - int(self.handed_back or 0)

    def is_leased(self, at: datetime) -> bool:
        """Return whether an attempt has the step and is alive. A longer lease was written by a fast clock."""
        return self.lease_until is not None and at < self.lease_until <= at + LONGEST_LEASE


class StepsMap(DecodedItem, MapAttribute[str, StepMap]):
    """The planned steps. The attribute of a stage that the job skips is None."""

    # One attribute for each stage. Its stored name is the stage's first letter, to keep the item small.
    vars().update({stage.folder: StepMap(attr_name=stage.folder[0], null=True) for stage in Stage})


class _JobsByAccount(GlobalSecondaryIndex["JobRecord"]):
    class Meta:
        index_name = "by_account"
        projection = KeysOnlyProjection()

    account_id = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)


class _ByProject(GlobalSecondaryIndex["JobRecord"]):
    class Meta:
        index_name = "by_project"
        projection = KeysOnlyProjection()

    project_id = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)


class JobRecord(Record):
    """The current state of a job."""

    class Meta(OnDemand):
        table_name = table("jobs")
        stream_view_type = "NEW_AND_OLD_IMAGES"

    job_id = UnicodeAttribute(hash_key=True)
    project_id = UnicodeAttribute()
    account_id = UnicodeAttribute()
    owner_id = UnicodeAttribute()  # the user who created it; permissions depend on the account only
    status = UnicodeAttribute()
    progress = NumberAttribute(default=0)
    current_step = UnicodeAttribute(null=True)
    error = UnicodeAttribute(null=True)
    credits = NumberAttribute()  # for display; the charge is the hold's amount
    seq = NumberAttribute(default=1)
    steps = StepsMap()
    created_at = EpochAttribute()
    updated_at = EpochAttribute()
    completed_at = EpochAttribute(null=True)
    deadline_at = EpochAttribute()  # of the wait for a slot; from the admission on, of the work
    waits = BooleanAttribute(null=True)  # True until the admission
    slot_shard = NumberAttribute(null=True)  # the deployment's shard with the job's slot; None: the first one

    by_account = _JobsByAccount()
    by_project = _ByProject()

    @property
    def ended(self) -> bool:
        """Return whether settlement has ended the job. A worker can write the status, but not this time."""
        return self.completed_at is not None

    @property
    def admitted_at(self) -> datetime:
        """Return the time of the admission of a job that no longer waits."""
        return self.deadline_at - timedelta(seconds=WORK_SECONDS)

    @property
    def is_dispatched(self) -> bool:
        """Return whether a step that this job makes itself was sent to its engine."""
        return any(step.status != JobStatus.PENDING for _, step in self.planned() if not step.is_reused)

    @property
    def last_stage(self) -> Stage:
        """Return the stage of the last step. A worker can write the steps, so settlement reads it from the hold."""
        return self.planned()[-1][0]

    @property
    def captured(self) -> bool:
        """Return whether settlement has captured the job's credits."""
        return self.ended and self.status == JobStatus.COMPLETED

    def planned(self) -> list[tuple[Stage, StepMap]]:
        """Return the job's steps, in order."""
        steps = self.steps  # each read of an attribute costs a microsecond, and lists show many jobs
        found = [(stage, getattr(steps, stage.folder)) for stage in Stage]
        return [(stage, step) for stage, step in found if step is not None]

    def step(self, stage: Stage) -> StepMap:
        step: StepMap | None = getattr(self.steps, stage.folder)
        if step is None:
            raise LookupError(f"{self.job_id} has no step {stage}")
        return step

    def step_id(self, stage: Stage) -> str:
        """Return the id of the stage's step. It is derived from the job's id and is not stored."""
        return f"stp_{self.job_id.removeprefix('job_')}_{list(Stage).index(stage) + 1}"

    def overall(self, stage: Stage, step_progress: int) -> int:
        """Return the job's progress (0..100) when `stage` is at `step_progress` (0..100). All steps weigh the same."""
        order = [planned for planned, _ in self.planned()]
        return (100 * order.index(stage) + step_progress) // len(order)

    def progress_at(self, stage: Stage, percent: int) -> tuple[int, int]:
        """Return the progress of the step and of the job, in percent, when the step is at `percent`."""
        return percent, self.overall(stage, percent)


class JobSpecRecord(Record):
    """The spec of a job: a `JobSpec` as JSON."""

    class Meta(OnDemand):
        table_name = table("job-specs")

    job_id = UnicodeAttribute(hash_key=True)
    document = UnicodeAttribute()


class StepTokenRecord(Record):
    """The state machine's task token of a running step. It is a secret, so it has its own table."""

    class Meta(OnDemand):
        table_name = table("step-tokens")

    job_id = UnicodeAttribute(hash_key=True)
    stage = UnicodeAttribute(range_key=True)
    token = UnicodeAttribute()
    expires_at = TTLAttribute()


class StepTicketRecord(Record):
    """A step's submission to a provider, its ticket, and the number of the newest poll."""

    class Meta(OnDemand):
        table_name = table("step-tickets")

    job_id = UnicodeAttribute(hash_key=True)
    stage = UnicodeAttribute(range_key=True)
    attempt = UnicodeAttribute()  # the attempt that polls
    intent = UnicodeAttribute(null=True)  # the attempt that submits; written before the submission
    ticket = UnicodeAttribute(null=True)  # the provider's handle for the submission
    intents = NumberAttribute(null=True)  # number of all intents, also of those that were withdrawn
    poll_no = NumberAttribute(default=0)
    poll_call = UnicodeAttribute(null=True)  # id of the call that claimed the newest poll
    fetched = UnicodeAttribute(null=True)  # of files that wait for a worker: their MoveCheck or Fetched, as JSON
    repeat = UnicodeAttribute(null=True)  # of a clip that missed its move: ASKED once more, or FAILED
    engine = UnicodeAttribute(null=True)  # of the newest intent; another engine can do the step later
    submissions = NumberAttribute(default=0)  # requests that the provider may charge for; for operators, not for code
    expires_at = TTLAttribute()


class OutputMap(MapAttribute[str, str]):
    """One stored object. `name` is the last part of its key, to keep most results under 1 KB."""

    role = UnicodeAttribute()
    name = UnicodeAttribute()
    media_type = UnicodeAttribute()


class StepResultRecord(Record):
    """The result of one attempt. It is valid when the job's step is COMPLETED with that attempt."""

    class Meta(OnDemand):
        table_name = table("step-results")

    job_id = UnicodeAttribute(hash_key=True)
    stage_attempt = UnicodeAttribute(range_key=True)  # "POST_PROCESSING#<attempt>"
    outputs: ListAttribute[OutputMap] = ListAttribute(of=OutputMap)
    metrics = UnicodeAttribute()  # JSON


def live() -> Condition:
    """Return the condition of a worker's write: that the job has not ended.

    IAM names the attributes of conditions and of writes in one list, and a worker must not write `completed_at`.
    """
    return JobRecord.status.is_in(*(status.value for status in _LIVE))


def stamp(at: datetime) -> list[Action]:
    """Return the actions of every write to the job item: number it and date it."""
    return [JobRecord.seq.set(JobRecord.seq + 1), JobRecord.updated_at.set(at)]
