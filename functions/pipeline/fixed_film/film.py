"""The steps of jobs with test keys: each gets its part of one fixed film, and no engine runs.

`python -m tools.fixed_film` has made the files beside this module. Their names are those of their roles.
"""

from datetime import datetime, timedelta
from pathlib import Path

from ulid import ULID

from shared.aws import media
from shared.core.clock import utc_now
from shared.grants.store import grants, step_task
from shared.jobs.keys import output_key
from shared.jobs.record import JobRecord
from shared.jobs.steps import steps
from shared.jobs.store import StepOutput, StepResult
from shared.stages.stages import FILM, STAGES, Role, Stage

_FOLDER = Path(__file__).parent
_LEASE = timedelta(seconds=15)
_TYPES = {
    ".jpg": "image/jpeg",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".vtt": "text/vtt",
    ".webp": "image/webp",
}
# Files with the name of another role.
_OTHERS = {Role.PICTURE: Role.POSTER, Role.CLIP: Role.VIDEO, Role.STEP_PREVIEW: Role.THUMBNAIL}


def perform(job: JobRecord, stage: Stage, *, at: datetime) -> None:
    """Complete the step as a worker does: claim it, store its files, record the result.

    Raise what `steps.claim` raises, and Fenced.
    """
    attempt, task = str(ULID()), step_task(job.job_id, stage)
    steps.claim(job.job_id, stage, attempt=attempt, lease_until=at + _LEASE, at=at)
    grants.admit(task, attempt, proof=grants.issue(task, at=at))
    roles = sorted((*STAGES[stage].produces, Role.STEP_PREVIEW))
    outputs = tuple(_store(job.job_id, stage, attempt, role) for role in roles)
    steps.record_result(job, stage, StepResult(outputs, {}), attempt=attempt, at=utc_now())


def _store(job_id: str, stage: Stage, attempt: str, role: Role) -> StepOutput:
    [path] = _FOLDER.glob(f"{_OTHERS.get(role, role)}.*")
    media_type = _TYPES[path.suffix]
    key = output_key(job_id, stage, attempt, role, f"{role}{path.suffix}")
    media.put(path.read_bytes(), key, media_type, kind="final" if stage is FILM else "work")
    return StepOutput(role, key, media_type)
