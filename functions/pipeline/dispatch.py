"""Stage states call this: keep the state machine's token, and ask the engine's worker for the step."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from functions.pipeline import sagemaker
from functions.pipeline.requests import stage_task
from shared.aws import queues
from shared.core.clock import utc_now
from shared.jobs import executions
from shared.jobs.record import JobStatus
from shared.jobs.store import jobs
from shared.observability import about, logger, observed
from shared.stages.engines import Runs, engine
from shared.stages.failures import StageFailure
from shared.stages.messages import RemoteTask
from shared.stages.queues import REMOTE_QUEUE
from shared.stages.stages import Stage


class Unavailable(Exception):
    """AWS did not do what the step needs; each stage's Retry knows this name, which it is told as the error's."""


@observed
def handler(event: dict[str, Any], _context: object) -> None:
    """`{jobId, stage, taskToken}`: Retry and redrive come here too, so a finished step answers at once.

    Whatever was done before AWS failed may be done again: a second message for a step finds it leased or completed.
    """
    try:
        _dispatch(event)
    except (BotoCoreError, ClientError, PynamoDBException) as error:
        raise Unavailable(str(error)) from error


def _dispatch(event: dict[str, Any]) -> None:
    job_id, stage, token = event["jobId"], Stage(event["stage"]), event["taskToken"]
    about(job_id=job_id, stage=stage.value)
    job = jobs.get(job_id)
    about(step_id=job.step_id(stage))
    if JobStatus(job.status).ended:
        executions.answer(token, error="Stage.Final", cause="The job has ended.")
        return
    if job.step(stage).status == JobStatus.COMPLETED:
        executions.answer(token)
        return
    try:
        runs = engine(stage, job.step(stage).engine).runs
        spec = jobs.spec(job_id)
        task = stage_task(job, spec, jobs.results(job), stage)
    except StageFailure as failure:
        cause = json.dumps({"code": failure.code, "message": failure.public_message})
        executions.answer(token, error=failure.state_error, cause=cause)
        return
    at = utc_now()
    jobs.store_token(job_id, stage, token, at=at)
    jobs.queue(job_id, stage, at=at)
    if runs is Runs.REMOTE:
        queues.send(REMOTE_QUEUE, RemoteTask(task=task), group=job.account_id)
    elif endpoint := sagemaker.endpoint_of(stage):
        sagemaker.invoke(endpoint, task, token)
    else:
        queues.send(stage.priority_queue if spec.paid else stage.queue, task, group=job.account_id)
    logger.info("step queued", engine=task.engine)
