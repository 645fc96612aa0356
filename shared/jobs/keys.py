"""Keys of a job's objects in the media bucket. This module makes all of them.

A key is `{place}{stage}/{attempt}/{name}`. A place is a prefix with one kind of reader, because signatures, bucket
policies and grants apply to whole prefixes:

- `work/{job_id}/`: only workers. Nothing signs it, and CloudFront cannot read it.
- `jobs/{job_id}/previews/`: the creator, at any time.
- `jobs/{job_id}/`: the creator, one stage at a time, after the credits are captured.
"""

from datetime import timedelta

from shared.stages.stages import STAGES, Role, Stage

JOBS, WORK = "jobs/", "work/"
PREVIEWS = "previews"  # the folder of a job's previews, beside the folders of its stages
TASKS = "tasks"  # the folder of a step's tasks, beside the folders of its attempts
POLLS = "polls"  # the folder, among the objects of an attempt, of the message of its next poll
GIVEN = "given"  # the folder of pictures from an older job, beside the folders of a job's stages
WORK_LIFE = timedelta(days=7)  # a lifecycle rule deletes the results of all stages but the last after this


def job_prefixes(job_id: str) -> tuple[str, str]:
    """Return the two prefixes of all objects of one job: what a creator may read, and what only workers read."""
    return f"{JOBS}{job_id}/", f"{WORK}{job_id}/"


def previews_prefix(job_id: str) -> str:
    """Return the prefix of a job's previews."""
    return f"{JOBS}{job_id}/{PREVIEWS}/"


def delivery_prefix(job_id: str, stage: Stage) -> str:
    """Return the prefix of what one stage delivers to the creator."""
    return f"{JOBS}{job_id}/{stage.folder}/"


def step_prefix(job_id: str, stage: Stage) -> str:
    """Return the prefix of what the attempts of a step write for workers."""
    return f"{WORK}{job_id}/{stage.folder}/"


def attempt_prefixes(job_id: str, stage: Stage, attempt: str) -> tuple[str, ...]:
    """Return the prefixes below which an attempt writes."""
    step = f"{stage.folder}/{attempt}/"
    return f"{WORK}{job_id}/{step}", f"{previews_prefix(job_id)}{step}", f"{JOBS}{job_id}/{step}"


def output_key(job_id: str, stage: Stage, attempt: str, role: Role, name: str) -> str:
    """Return the key of an output of an attempt."""
    work, previews, delivery = attempt_prefixes(job_id, stage, attempt)
    if role is Role.STEP_PREVIEW:
        return previews + name
    return (delivery if role in STAGES[stage].delivers else work) + name


def poll_key(job_id: str, stage: Stage, attempt: str) -> str:
    """Return the key of the message with which a provider's webhook starts the attempt's next poll."""
    return f"{attempt_prefixes(job_id, stage, attempt)[0]}{POLLS}/next.json"


def given_key(job_id: str, name: str) -> str:
    """Return the key of a picture that the job received from an older job."""
    return f"{WORK}{job_id}/{GIVEN}/{name}"


def preview_key(job_id: str, stage: Stage, attempt: str, number: int) -> str:
    """Return the key of a preview of an attempt's progress; numbers begin at 1."""
    return output_key(job_id, stage, attempt, Role.STEP_PREVIEW, f"preview-{number}.jpg")


def task_key(job_id: str, stage: Stage, sending: str) -> str:
    """Return the key of a task that a SageMaker endpoint reads. `sending` is the id of the invocation."""
    return f"{WORK}{job_id}/{stage.folder}/{TASKS}/{sending}.json"
