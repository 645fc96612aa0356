"""The function for dead letters and failed SageMaker invocations: it resends or fails a step, or rejects an asset."""

from contextlib import suppress
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from functions.pipeline.sagemaker import FailedInvocation
from shared.assets.store import AssetNotFound, assets
from shared.aws import queues
from shared.aws.clients import sqs
from shared.aws.init import prepare
from shared.aws.records import dynamodb
from shared.core.clock import utc_now
from shared.jobs import executions
from shared.jobs.record import JobStatus
from shared.jobs.steps import steps
from shared.jobs.store import JobNotFound, jobs
from shared.observability import about, logged, logger, observed
from shared.stages.failures import INVOCATION_LOST, JOB_ENDED, WORKER_LOST
from shared.stages.messages import AssetVerificationTask, RemoteTask, StageTask
from shared.stages.queues import REMOTE_QUEUE

# With five receives between two sendings, an engine that dies at once is given up after about ten minutes.
MAX_ATTEMPTS = 15
RESEND_SECONDS = 20  # delay of a message that is sent again, times one more than the attempts; SQS allows 900

_DEAD_LETTER: TypeAdapter[StageTask | RemoteTask | AssetVerificationTask | FailedInvocation] = TypeAdapter(
    StageTask | RemoteTask | AssetVerificationTask | FailedInvocation,
    config=ConfigDict(hide_input_in_errors=True),  # errors are logged, prompts are not
)


class StillRunning(Exception):
    """An attempt has a lease, so it is too early to tell. SQS delivers the dead letter again later."""


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle a batch of messages from the dead-letter queues. SageMaker's error topics send to their stages' queues."""
    failed = []
    for record in event["Records"]:
        with logged(message_id=record["messageId"]):
            try:
                _handle(record["body"], record.get("eventSourceARN", ""))
            except StillRunning:
                failed.append({"itemIdentifier": record["messageId"]})
            except Exception:  # noqa: BLE001  # a bad message must not block the others; it is delivered again
                logger.exception("dead letter not handled")
                failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _handle(body: str, source: str) -> None:
    match _DEAD_LETTER.validate_json(body):
        case AssetVerificationTask(asset_id=asset_id):
            _reject_asset(asset_id)
        case FailedInvocation() as invocation:
            _fail_invocation(invocation)
        case RemoteTask(task=task):
            _end_or_resend(task, REMOTE_QUEUE, RemoteTask(task=task))
        case task:
            paid = source.removesuffix("-dlq").endswith(task.stage.priority_queue)
            _end_or_resend(task, task.stage.priority_queue if paid else task.stage.queue, task)


def _reject_asset(asset_id: str) -> None:
    about(asset_id=asset_id)
    logger.error("verification abandoned")
    with suppress(AssetNotFound):
        assets.reject(
            assets.get(asset_id), code="unverified", error="This file could not be verified. Upload it again."
        )


def _end_or_resend(task: StageTask, queue: str, message: StageTask | RemoteTask) -> None:
    """Send the step's message again, or fail the step after `MAX_ATTEMPTS`. Raise StillRunning if its lease is alive.

    A receive is not a failure: SQS counts receives by workers that stop or cannot reach the table. An attempt that was
    handed back is not a failure either.
    """
    about(job_id=task.job_id, step_id=task.step_id, stage=task.stage.value)
    token = steps.token(task.job_id, task.stage)
    if token is None or not task.was_sent_for(token):
        return
    try:
        job = jobs.get(task.job_id)
    except JobNotFound:
        return
    step = job.step(task.stage)
    if job.ended:
        executions.fail(token, JOB_ENDED)
    elif step.status == JobStatus.COMPLETED:  # recorded, but not reported
        executions.succeed(token)
    elif step.is_leased(utc_now()):
        raise StillRunning
    elif step.lost_attempts < MAX_ATTEMPTS:
        logger.warning("step sent again", attempts=step.lost_attempts)
        delay = RESEND_SECONDS * (1 + step.lost_attempts)
        queues.send(queue, message, group=job.account_id, delay_seconds=delay)
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
    try:
        job = jobs.get(job_id)
    except JobNotFound:
        return
    about(step_id=job.step_id(stage))
    step = job.step(stage)
    if step.status == JobStatus.COMPLETED:
        executions.succeed(token)
    elif step.is_leased(utc_now()):
        raise StillRunning
    else:
        logger.warning("invocation failed", reason=invocation.reason)
        executions.fail(token, INVOCATION_LOST)


prepare(dynamodb, sqs)
