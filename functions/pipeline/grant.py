"""The function that gives a worker access to the media of one task, as temporary credentials with a session policy.

No other permission opens media to a worker. The credentials read the task's inputs, and write its outputs.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from functions.pipeline.requests import stage_task
from shared.assets.record import ASSETS, AssetStatus
from shared.assets.store import AssetNotFound, assets
from shared.aws import media
from shared.aws.clients import sts
from shared.core.config import Config
from shared.grants.store import WrongProof, grants, step_task
from shared.jobs.keys import attempt_prefixes, job_prefixes, step_prefix
from shared.jobs.record import JobStatus
from shared.jobs.spec import JobSpec
from shared.jobs.store import JobNotFound, is_attempt, jobs
from shared.observability import about, logger, observed
from shared.stages.engines import completer_of
from shared.stages.failures import StageFailure
from shared.stages.messages import MediaCredentials, MediaRequest
from shared.stages.requests import StageRequest

SECONDS = 3600  # maximum of AWS for a role that assumes another role; the worker's client renews the credentials

Policy = dict[str, Any]


class LenderConfig(Config):
    media_role_arn: str = ""  # the role whose permissions the session policies narrow


class AccessRefused(Exception):
    """The request is not for the current attempt of a task's newest message."""


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Return the MediaCredentials of a MediaRequest, or `{refused: reason}`."""
    request = MediaRequest.model_validate(event)
    try:
        policy, session = _of_asset(request) if request.asset_id else _of_step(request)
    except AccessRefused as refused:
        logger.warning("access to media refused", why=str(refused))
        return {"refused": str(refused)}
    made = sts().assume_role(
        RoleArn=LenderConfig().media_role_arn,
        RoleSessionName=session,
        Policy=json.dumps(policy, separators=(",", ":")),
        DurationSeconds=SECONDS,
    )["Credentials"]
    credentials = MediaCredentials(
        access_key=made["AccessKeyId"],
        secret_key=made["SecretAccessKey"],
        token=made["SessionToken"],
        expires_at=made["Expiration"].isoformat(),
    )
    return credentials.model_dump(by_alias=True)


def _of_step(request: MediaRequest) -> tuple[Policy, str]:
    """Return the session policy of an attempt and the name of the session.

    The inputs come from the job's spec and its recorded results. What the worker says selects only the step.
    """
    job_id, stage, attempt = request.job_id, request.stage, request.attempt
    if job_id is None or stage is None or attempt is None or not is_attempt(attempt):
        raise AccessRefused("the request names no attempt")
    about(job_id=job_id, stage=stage.value, attempt=attempt)
    try:
        job, spec = jobs.get(job_id), jobs.spec(job_id)
        step = job.step(stage)
        task = stage_task(job, spec, jobs.results(job), stage)
    except (JobNotFound, LookupError, StageFailure) as error:
        raise AccessRefused("the step has no such task") from error
    if job.ended or (step.attempt, step.status) != (attempt, JobStatus.RUNNING):
        raise AccessRefused("the attempt is not current")
    _admit(step_task(job_id, stage), attempt, request.proof)
    reads = _inputs(task.request, job_id, spec)
    if stage in (spec.cameras or {}) or completer_of(stage, step.engine):  # files that another attempt has fetched
        reads += _below([step_prefix(job_id, stage)])
    return session_policy(reads=reads, writes=_below(attempt_prefixes(job_id, stage, attempt))), attempt


def _of_asset(request: MediaRequest) -> tuple[Policy, str]:
    """Return the session policy of a verification: the upload in, the clean file out. It can delete these two."""
    asset_id = str(request.asset_id)
    about(asset_id=asset_id)
    try:
        asset = assets.get(asset_id)
    except AssetNotFound:
        raise AccessRefused("there is no such asset") from None
    if asset.status != AssetStatus.VERIFYING:
        raise AccessRefused("the asset is not waiting for its verification")
    if request.proof or grants.has_proof(asset_id):
        _admit(asset_id, asset_id, request.proof)
    upload, clean = asset.quarantine_key, f"{asset.prefix}*"
    return session_policy(reads=[upload], writes=[clean], deletes=[upload, clean]), asset_id


def _admit(task: str, attempt: str, proof: str) -> None:
    try:
        grants.admit(task, attempt, proof=proof)
    except WrongProof:
        raise AccessRefused("the proof is not that of the newest message") from None


def session_policy(*, reads: Iterable[str], writes: Iterable[str], deletes: Iterable[str] = ()) -> Policy:
    """Return the policy that narrows the media role to these keys. A key may end with `*`."""
    partition = LenderConfig().media_role_arn.split(":")[1]
    bucket = f"arn:{partition}:s3:::{media.config().media_bucket}"
    statements = [
        {"Effect": "Allow", "Action": actions, "Resource": resources}
        for actions, keys in (
            (["s3:GetObject"], reads),
            (["s3:PutObject", "s3:PutObjectTagging"], writes),
            (["s3:DeleteObject"], deletes),
        )
        if (resources := [f"{bucket}/{key}" for key in keys])
    ]
    through_s3 = {"StringLike": {"kms:ViaService": "s3.*"}}  # S3 decrypts and encrypts objects for its caller
    keys = {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [*statements, keys | {"Condition": through_s3}]}


def _inputs(request: StageRequest, job_id: str, spec: JobSpec) -> list[str]:
    """Return the keys of the request's inputs: files of this job, and of the assets that its spec names.

    A prompt can contain the address of any object, and a worker can write attempts into the job item. So every other
    address is left out.
    """
    own = (*job_prefixes(job_id), *(f"{ASSETS}{given.asset_id}/" for given in spec.inputs))
    keys = (text.removeprefix(media.address("")) for text in _texts(request.model_dump()))
    return sorted({key for key in keys if key.startswith(own) and not set(key) & set("*?$")})


def _below(prefixes: Iterable[str]) -> list[str]:
    return [f"{prefix}*" for prefix in prefixes]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
