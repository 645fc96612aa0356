"""Ends what nobody will finish: tasks that their queue gave up on, and those that SageMaker could not have done."""

import json
from contextlib import suppress
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from functions.pipeline.sagemaker import FailedInvocation
from shared.assets.store import AssetNotFound, assets
from shared.core.clock import utc_now
from shared.jobs import executions
from shared.jobs.record import JobStatus
from shared.jobs.store import jobs
from shared.observability import about, logged, logger, observed
from shared.stages.messages import AssetVerificationTask, RemoteTask, StageTask

LOST = {"code": "worker_lost", "message": "This step failed several times. Nothing was charged."}

_LETTER: TypeAdapter[StageTask | RemoteTask | AssetVerificationTask | FailedInvocation] = TypeAdapter(
    StageTask | RemoteTask | AssetVerificationTask | FailedInvocation,
    config=ConfigDict(hide_input_in_errors=True),  # errors are logged, prompts are not
)


class AtWorkStill(Exception):
    """The step's attempt is alive although SageMaker has lost sight of it: how it ends is seen later."""


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A batch of messages from the dead-letter queues; SageMaker's error topics feed those of their stages."""
    failed = []
    for record in event["Records"]:
        with logged(message_id=record["messageId"]):
            try:
                _give_up(record["body"])
            except AtWorkStill:
                failed.append({"itemIdentifier": record["messageId"]})
            except Exception:  # noqa: BLE001  # one bad message must not hold back the others; it is delivered again
                logger.exception("dead letter not answered")
                failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _give_up(body: str) -> None:
    match _LETTER.validate_json(body):
        case AssetVerificationTask(asset_id=asset_id):
            _reject_asset(asset_id)
        case FailedInvocation() as invocation:
            _ask_again(invocation)
        case RemoteTask(task=task):
            _answer_token(task)
        case task:
            _answer_token(task)


def _reject_asset(asset_id: str) -> None:
    about(asset_id=asset_id)
    logger.error("verification given up")
    with suppress(AssetNotFound):
        assets.reject(
            assets.get(asset_id), code="unverified", error="This file could not be looked at. Upload it again."
        )


def _answer_token(task: StageTask) -> None:
    about(job_id=task.job_id, step_id=task.step_id, stage=task.stage.value)
    token = jobs.token(task.job_id, task.stage)
    if token is None:
        return
    if jobs.get(task.job_id).step(task.stage).status == JobStatus.COMPLETED:  # recorded, but nobody could be told
        executions.answer(token)
    else:
        logger.error("step given up")
        executions.answer(token, error="Stage.Final", cause=json.dumps(LOST))


def _ask_again(invocation: FailedInvocation) -> None:
    """One sending came to nothing; the state machine knows how many there may be."""
    job_id, stage = invocation.step
    about(job_id=job_id, stage=stage.value)
    token = jobs.token(job_id, stage)
    if token is None or not invocation.is_of(token):
        return
    job = jobs.get(job_id)
    about(step_id=job.step_id(stage))
    step = job.step(stage)
    if step.status == JobStatus.COMPLETED:
        executions.answer(token)
    elif step.lease_until and step.lease_until > utc_now():
        raise AtWorkStill
    else:
        logger.warning("invocation failed", reason=invocation.reason)
        executions.answer(token, error="Stage.Retryable", cause=json.dumps(LOST))
