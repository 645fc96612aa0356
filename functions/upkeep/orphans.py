"""The objects and rows that no record names. The sweep deletes them, and the audit reports those that stay.

The callers list first and read the records afterwards, consistently. An attempt that is not the current one never
becomes it again, and ids are used once. So an unnamed object or row stays unnamed.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from shared.assets.record import ASSETS, QUARANTINE, AssetRecord, AssetStatus
from shared.assets.store import assets
from shared.aws.media import Version
from shared.core.ids import made_at
from shared.jobs.keys import GIVEN, JOBS, PREVIEWS, TASKS, WORK, preview_key
from shared.jobs.record import JobRecord, JobSpecRecord, JobStatus, StepResultRecord, StepTicketRecord, StepTokenRecord
from shared.jobs.store import JobNotFound, StepResult, jobs
from shared.observability import logger
from shared.stages.stages import Stage

PREFIXES = (JOBS, WORK, ASSETS, QUARANTINE)  # of keys in the media bucket; answers of SageMaker expire after a day
_OF_JOBS = (JOBS, WORK)
_STAGES = {stage.folder: stage for stage in Stage}
_UNDECIDED = {AssetStatus.PENDING, AssetStatus.VERIFYING}


def unnamed_objects(found: Sequence[Version], modified_before: datetime) -> list[Version]:
    """Return the versions whose key no record names, and that were stored before this time."""
    old = [version for version in found if version.modified < modified_before]
    of_jobs = {_owner(version.key) for version in old if version.key.startswith(_OF_JOBS)}
    of_assets = {_owner(version.key) for version in old if not version.key.startswith(_OF_JOBS)}
    jobs_found = find_jobs(of_jobs)
    results = jobs.results_of(job for job in jobs_found.values() if job is not None)
    assets_found = {asset.asset_id: asset for asset in assets.several(of_assets)}

    def named(key: str) -> bool:
        owner = _owner(key)
        if owner in of_assets:
            return asset_names(assets_found.get(owner), key)
        return owner not in jobs_found or job_names(jobs_found[owner], results.get(owner, {}), key)

    return [version for version in old if not named(version.key)]


def job_names(job: JobRecord | None, results: dict[Stage, StepResult], key: str) -> bool:
    """Return whether the job or one of its results names the object.

    A job names its given pictures. A live job names everything of a step's current attempt, which may be uploading. A
    completed step names its outputs and its newest preview. If its result is missing, it names everything of its
    attempt, so that nothing more is lost.
    """
    folders = [folder for folder in key.split("/", 5)[2:] if folder != PREVIEWS]
    folder, attempt, name = (*folders, "", "", "")[:3]
    if job is None or folder == GIVEN:
        return job is not None
    stage = _STAGES.get(folder)
    if stage is None or not name:
        return False
    live, step = not job.ended, getattr(job.steps, folder)
    if step is None or step.attempt != attempt:
        return live and attempt == TASKS
    if step.preview is not None and key == preview_key(job.job_id, stage, attempt, int(step.preview)):
        return True
    if step.status != JobStatus.COMPLETED:
        return live
    return stage not in results or key in {output.key for output in results[stage].outputs}


def asset_names(asset: AssetRecord | None, key: str) -> bool:
    """Return whether the asset names the object: clean file and previews, or all until it is READY or REJECTED."""
    return asset is not None and (asset.status in _UNDECIDED or key in asset.keys)


def find_jobs(job_ids: Collection[str]) -> dict[str, JobRecord | None]:
    """Return the jobs by id, and None for a job that does not exist. A job that cannot be read is absent."""
    found: dict[str, JobRecord | None] = {}
    try:
        existing = {job.job_id: job for job in jobs.several(job_ids)}
        return {job_id: existing.get(job_id) for job_id in job_ids}
    except Exception:  # noqa: BLE001  # one bad job must not stop the pass: each job is read by itself
        logger.exception("batch of jobs not read")
    for job_id in job_ids:
        try:
            found[job_id] = jobs.get(job_id)
        except JobNotFound:
            found[job_id] = None
        except Exception:  # noqa: BLE001  # as above
            logger.exception("job not read", job_id=job_id)
    return found


def unnamed_rows(rows: Sequence[Any], made_before: datetime) -> list[Any]:
    """Return the rows of jobs, all of one table, that the job does not name, and that are older than this time."""
    old = [row for row in rows if made_at(row.job_id) < made_before.timestamp()]
    found = find_jobs({row.job_id for row in old})
    return [row for row in old if row.job_id in found and not _NAMES[type(row)](found[row.job_id], row, made_before)]


def _names_always(job: JobRecord | None, _row: object, _before: datetime) -> bool:
    return job is not None


def _names_token(job: JobRecord | None, _row: StepTokenRecord, before: datetime) -> bool:
    """Return whether a step may still use its token."""
    return job is not None and (job.completed_at is None or job.completed_at >= before)


def _names_result(job: JobRecord | None, row: StepResultRecord, before: datetime) -> bool:
    """Return whether the result is a step's, or may become it: it is written before the job item names it."""
    if job is None:
        return False
    name, _, attempt = row.stage_attempt.partition("#")
    step = getattr(job.steps, Stage(name).folder)
    if made_at(attempt) >= before.timestamp():
        return True
    current = step is not None and step.attempt == attempt
    return current and (step.status == JobStatus.COMPLETED or not job.ended)


_NAMES: dict[type, Callable[[JobRecord | None, Any, datetime], bool]] = {
    StepResultRecord: _names_result,
    StepTokenRecord: _names_token,
    StepTicketRecord: _names_always,
    JobSpecRecord: _names_always,
}
ROWS_OF_JOBS = tuple(_NAMES)


def _owner(key: str) -> str:
    """Return the id of the job or asset that the key belongs to."""
    return key.split("/")[1]
