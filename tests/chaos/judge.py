"""The judgement of a storm: what is lost, stuck, charged twice or wrongly failed, from all that is stored."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import boto3

from functions.pipeline.requests import stage_task
from functions.upkeep.audit import findings
from functions.upkeep.sweep import sweep
from local.environment import ACCOUNT, MEDIA_BUCKET, PREFIX, REGION, STATE_MACHINE
from shared.aws.clients import s3, sqs
from shared.aws.media import address
from shared.aws.queues import queue_url
from shared.core.clock import utc_now
from shared.jobs.record import JobRecord, JobStatus, StepTicketRecord
from shared.jobs.store import jobs
from shared.stages.engines import Runs, engine
from shared.stages.queues import QUEUES
from shared.stages.stages import Role, Stage
from tests.chaos.film import content
from tests.chaos.users import Story
from tests.support.fal import CLIP
from workers.runtime.attempt import PLACEHOLDER

UNCONFIRMED = "The engine's provider did not confirm this step."
MISSING_INPUT = "A file that this step needs no longer exists."


KINDS = ("lost", "stuck", "charged twice", "wrongly failed", "events", "orphans", "submissions", "requests")

AUDITED = {  # the kind of each invariant that the audit checks
    "I1": "charged twice",
    "I2": "charged twice",
    "I3": "stuck",
    "I4": "lost",
    "I5": "events",
    "I6": "submissions",
    "I7": "requests",
    "I12": "orphans",
    "I13": "requests",
    "I21": "stuck",
}


@dataclass
class Judgement:
    """The violations by kind, and the jobs by their end."""

    violations: defaultdict[str, list[str]] = field(
        default_factory=lambda: defaultdict(list, {kind: [] for kind in KINDS})
    )
    ends: Counter[str] = field(default_factory=Counter)
    end_of: dict[str, str] = field(default_factory=dict)  # of each job, by id
    waited: int = 0  # jobs that a user saw waiting for a slot
    swept: int = 0  # objects and rows that the sweep deleted

    def add(self, kind: str, subject: str, sentence: str) -> None:
        self.violations[kind].append(f"{subject}: {sentence}")


def judge(stories: Sequence[Story], doomed: set[str], submitted: Iterable[Mapping[str, Any]]) -> Judgement:
    """Return the judgement. `doomed` jobs lost an input; `submitted` are the requests that the provider accepted."""
    verdict = Judgement()
    stored = {job.job_id: job for job in JobRecord.scan()}
    bought = Counter(request["prompt"].partition(". Camera")[0] for request in submitted)
    for story in stories:
        _judge_story(story, stored.get(story.job_id), doomed, verdict)
        if story.remote and story.job_id:
            _judge_submissions(story, bought[story.body["prompt"]], verdict)
    _judge_stored(verdict)
    for job_id in stored.keys() - {job_id for story in stories for job_id in story.job_ids}:
        verdict.add("requests", job_id, "no request asked for this job")
    for job_id, sentence in _stream():
        verdict.add("events", job_id, sentence)
    return verdict


def _judge_story(story: Story, job: JobRecord | None, doomed: set[str], verdict: Judgement) -> None:
    job_id = story.job_id
    verdict.waited += story.waited
    for fault in story.faults:
        verdict.add("events" if "event" in fault else "requests", job_id, fault)
    if len(story.job_ids) != 1:
        verdict.add("requests", story.key, f"one Idempotency-Key made {len(story.job_ids)} jobs")
        return
    if job is None:
        verdict.ends["deleted"] += 1
        verdict.end_of[job_id] = "deleted"
        if not story.deleted:
            verdict.add("lost", job_id, "the job is gone")
        return
    verdict.ends[str(job.status)] += 1
    verdict.end_of[job_id] = str(job.status)
    if story.deleted:
        verdict.add("requests", job_id, "the job was deleted, and exists")
    if not JobStatus(job.status).ended:
        verdict.add("stuck", job_id, _state(job))
    if job.status == JobStatus.COMPLETED and (wrong := wrong_files(job)):
        verdict.add("lost", job_id, f"missing or wrong: {', '.join(wrong)}")
    if job.status == JobStatus.FAILED:
        verdict.ends[f"FAILED: {job.error}"] += 1
        error = str(job.error)
        inevitable = (error.startswith(MISSING_INPUT) and job_id in doomed) or (
            error.startswith(UNCONFIRMED) and story.remote
        )
        if not inevitable:
            verdict.add("wrongly failed", job_id, str(job.error))


def _state(job: JobRecord) -> str:
    """Return all that explains why a job does not end."""
    states: Any = boto3.client("stepfunctions")
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{STATE_MACHINE}:{job.job_id}"
    try:
        history = states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        execution = f"{states.describe_execution(executionArn=arn)['status']}, {[one['type'] for one in history][-4:]}"
    except states.exceptions.ExecutionDoesNotExist:
        execution = "not started"
    steps = [
        f"{stage} {step.status} attempts {step.attempts} leased until {step.lease_until}"
        for stage, step in job.planned()
    ]
    queues = {name: number for name, number in waiting().items() if number}
    return f"{job.status} at {job.updated_at}; {'; '.join(steps)}; execution {execution}; queues {queues}"


def wrong_files(job: JobRecord) -> list[str]:
    """Return the outputs of the job that are missing, or that differ from a calculation from its spec alone."""
    spec, results, wrong = jobs.spec(job.job_id), jobs.results(job), []
    right: dict[str, bytes] = {}

    def read(url: str) -> bytes:
        return right[url] if url in right else _object(url) or b""

    for stage, step in job.planned():
        request = stage_task(job, spec, results, stage).request
        remote = engine(stage, step.engine).runs is Runs.REMOTE
        for output in results[stage].outputs:
            expected = CLIP if remote else content(stage, output.role, request, read)
            if output.role is Role.STEP_PREVIEW:  # scripted outputs are no pictures
                expected = PLACEHOLDER.path.read_bytes()
            right[address(output.key)] = expected
            if _object(address(output.key)) != expected:
                wrong.append(f"{stage} {output.role}")
    return wrong


def _object(url: str) -> bytes | None:
    client = s3()
    try:
        body: bytes = client.get_object(Bucket=MEDIA_BUCKET, Key=url.removeprefix(address("")))["Body"].read()
    except client.exceptions.NoSuchKey:
        return None
    return body


def _judge_submissions(story: Story, bought: int, verdict: Judgement) -> None:
    """Compare the submissions that the provider accepted with the record and with the attempts."""
    ticket = next(iter(StepTicketRecord.query(story.job_id)), None)
    step = next((step for step in story.last.get("steps", ()) if step["stepType"] == Stage.VIDEO_SYNTHESIS), None)
    if step and bought > step["attempts"]:
        verdict.add("submissions", story.job_id, f"{bought} submissions in {step['attempts']} attempts")
    if not story.deleted and bought > (ticket.submissions if ticket else 0):
        verdict.add("submissions", story.job_id, f"{bought} submissions, and fewer on record")


def _judge_stored(verdict: Judgement) -> None:
    """Sweep as if it were a day later, then audit everything that is stored."""
    at = utc_now() + timedelta(hours=25)
    complete = False
    while not complete:
        swept = sweep(at)
        complete = swept["complete"]
        verdict.swept += swept["found"]
    for finding in findings(at, at_rest=True):
        verdict.add(AUDITED[finding.invariant], finding.subject, finding.sentence)


def waiting() -> dict[str, int]:
    """Return the number of messages in each queue, visible or not."""
    names: Any = [f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")]
    found = {}
    for full in (full for queue in QUEUES for full in (queue.name, f"{queue.name}-dlq")):
        answer = sqs().get_queue_attributes(QueueUrl=queue_url(full), AttributeNames=names)["Attributes"]
        found[full] = sum(map(int, answer.values()))
    return found


def _stream() -> Iterator[tuple[str, str]]:
    """Yield jobs whose writes are not numbered in sequence, or that were written after their end."""
    streams: Any = boto3.client("dynamodbstreams")
    arn = boto3.client("dynamodb").describe_table(TableName=f"{PREFIX}-jobs")["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    following = iterator["ShardIterator"]
    while page := streams.get_records(ShardIterator=following, Limit=1000):
        for record in page["Records"]:
            old, new = (record["dynamodb"].get(name) for name in ("OldImage", "NewImage"))
            if not old or not new:
                continue
            job_id = new["job_id"]["S"]
            if int(new["seq"]["N"]) != int(old["seq"]["N"]) + 1:
                yield job_id, f"seq {old['seq']['N']} was followed by {new['seq']['N']}"
            if JobStatus(old["status"]["S"]).ended:
                yield job_id, f"a write followed the end at seq {old['seq']['N']}"
        if not page["Records"]:
            return
        following = page["NextShardIterator"]
