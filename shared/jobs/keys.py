"""Keys of a job's objects in the media bucket: `jobs/{job_id}/{stage}/{attempt}/{name}`.

This module makes all of them, because signatures, lifecycle rules and grants apply to whole prefixes.
"""

from datetime import timedelta

from shared.stages.stages import Stage

JOBS = "jobs/"
TASKS = "tasks"  # the folder of a step's tasks, beside the folders of its attempts
WORK_LIFE = timedelta(days=7)  # a lifecycle rule deletes the results of all stages but the last after this


def job_prefix(job_id: str) -> str:
    """Return the prefix of all objects of one job."""
    return f"{JOBS}{job_id}/"


def attempt_prefix(job_id: str, stage: Stage, attempt: str) -> str:
    """Return the prefix of all objects of one attempt."""
    return f"{job_prefix(job_id)}{stage.folder}/{attempt}/"


def preview_key(job_id: str, stage: Stage, attempt: str, number: int) -> str:
    """Return the key of an attempt's preview; numbers begin at 1."""
    return f"{attempt_prefix(job_id, stage, attempt)}preview-{number}.jpg"


def task_key(job_id: str, stage: Stage, sending: str) -> str:
    """Return the key of a task that a SageMaker endpoint reads. `sending` is the id of the invocation."""
    return f"{job_prefix(job_id)}{stage.folder}/{TASKS}/{sending}.json"
