"""The function for dead letters and failed SageMaker invocations: it ends the step, or rejects the asset."""

from contextlib import suppress
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from functions.pipeline.sagemaker import FailedInvocation
from shared.assets.store import AssetNotFound, assets
from shared.core.clock import utc_now
from shared.jobs import executions
from shared.jobs.record import JobStatus
from shared.jobs.steps import steps
from shared.jobs.store import jobs
from shared.observability import about, logged, logger, observed
from shared.stages.failures import INVOCATION_LOST, WORKER_LOST
from shared.stages.messages import AssetVerificationTask, RemoteTask, StageTask

_DEAD_LETTER: TypeAdapter[StageTask | RemoteTask | AssetVerificationTask | FailedInvocation] = TypeAdapter(
    StageTask | RemoteTask | AssetVerificationTask | FailedInvocation,
    config=ConfigDict(hide_input_in_errors=True),  # errors are logged, prompts are not
)


class StillRunning(Exception):
    """A failed invocation whose attempt still has a lease. SQS delivers the message again later."""


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle a batch of messages from the dead-letter queues. SageMaker's error topics send to their stages' queues."""
    failed = []
    for record in event["Records"]:
        with logged(message_id=record["messageId"]):
            try:
                _handle(record["body"])
            except StillRunning:
                failed.append({"itemIdentifier": record["messageId"]})
            except Exception:  # noqa: BLE001  # a bad message must not block the others; it is delivered again
                logger.exception("dead letter not handled")
                failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _handle(body: str) -> None:
    match _DEAD_LETTER.validate_json(body):
        case AssetVerificationTask(asset_id=asset_id):
            _reject_asset(asset_id)
        case FailedInvocation() as invocation:
            _fail_invocation(invocation)
        case RemoteTask(task=task):
            _report(task)
        case task:
            _report(task)


def _reject_asset(asset_id: str) -> None:
    about(asset_id=asset_id)
    logger.error("verification abandoned")
    with suppress(AssetNotFound):
        assets.reject(
            assets.get(asset_id), code="unverified", error="This file could not be verified. Upload it again."
        )


def _report(task: StageTask) -> None:
    about(job_id=task.job_id, step_id=task.step_id, stage=task.stage.value)
    token = steps.token(task.job_id, task.stage)
    if token is None:
        return
    if jobs.get(task.job_id).step(task.stage).status == JobStatus.COMPLETED:  # recorded, but not reported
        executions.succeed(token)
    else:
        logger.error("step abandoned")
        executions.fail(token, WORKER_LOST)


def _fail_invocation(invocation: FailedInvocation) -> None:
    """Report one failed invocation to the state machine, whose Retry limits the number of invocations.

    Raise StillRunning if the step's lease has not expired.
    """
    job_id, stage = invocation.step
    about(job_id=job_id, stage=stage.value)
    token = steps.token(job_id, stage)
    if token is None or not invocation.has_token(token):
        return
    job = jobs.get(job_id)
    about(step_id=job.step_id(stage))
    step = job.step(stage)
    if step.status == JobStatus.COMPLETED:
        executions.succeed(token)
    elif step.lease_until and step.lease_until > utc_now():
        raise StillRunning
    else:
        logger.warning("invocation failed", reason=invocation.reason)
        executions.fail(token, INVOCATION_LOST)
