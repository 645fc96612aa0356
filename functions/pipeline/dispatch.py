"""The function of the stage states: it stores the task token and sends the step to where its engine runs."""

from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from functions.pipeline import sagemaker
from functions.pipeline.fixed_film import film
from functions.pipeline.fleets import start_worker
from functions.pipeline.requests import stage_task
from shared.aws import queues
from shared.aws.clients import sqs
from shared.aws.init import prepare
from shared.aws.records import dynamodb
from shared.core.clock import utc_now
from shared.grants.store import grants, step_task
from shared.jobs import executions
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.spec import JobSpec
from shared.jobs.steps import AlreadyCompleted, Fenced, Leased, steps
from shared.jobs.store import JobEnded, jobs
from shared.jobs.tickets import tickets
from shared.observability import about, logger, observed
from shared.providers.store import states
from shared.stages.engines import Engine, Runs, engine
from shared.stages.failures import JOB_ENDED, StageFailure
from shared.stages.messages import RemoteTask, sending
from shared.stages.queues import REMOTE_QUEUE
from shared.stages.stages import Stage


def _perform_test(job: JobRecord, stage: Stage, token: str) -> None:
    """Complete the step with its part of the fixed film. Raise Unavailable while another call does it."""
    try:
        film.perform(job, stage, at=utc_now())
    except (Leased, Fenced) as error:
        raise Unavailable("another call performs the step") from error
    except JobEnded:
        executions.fail(token, JOB_ENDED)
        return
    except AlreadyCompleted:
        logger.info("step was completed already")
    executions.succeed(token)


class Unavailable(Exception):
    """A failed AWS call. The Retry of each stage state matches this class name."""


@observed
def handler(event: dict[str, Any], _context: object) -> None:
    """Dispatch the step of `{jobId, stage, planned, taskToken}`. Raise Unavailable if an AWS call fails.

    A stage that is not planned is complete at once. The execution's input, which no worker can write, says which are.

    Retry and redrive call this again, so a completed step succeeds at once. Work before a failed AWS call may be done
    twice: the worker of a second message finds the step leased or completed.
    """
    try:
        _dispatch(event)
    except (BotoCoreError, ClientError, PynamoDBException) as error:
        raise Unavailable(str(error)) from error


def _with_working_engine(job: JobRecord, spec: JobSpec, stage: Stage) -> JobRecord:
    """Return the job, whose step a fallback does if its provider is not available and was not yet asked.

    The spec names the fallbacks, because workers can write the engine of the job but not the spec.
    """
    chain = (spec.fallbacks or {}).get(stage, ())
    current, at = job.step(stage).engine, utc_now()
    if current not in chain[:-1]:
        return job
    left = [engine(stage, name) for name in chain[chain.index(current) :]]
    working = next((one for one in left if not _is_out(one, spec.settings.duration, at)), left[0])
    held = tickets.get(job.job_id, stage)
    if working is left[0] or (held is not None and held.intent):
        return job
    steps.hand_over(job.job_id, stage, working.name, before=current, at=at)
    logger.warning("step handed over", before=current, engine=working.name)
    return jobs.get(job.job_id)


def _is_out(one: Engine, seconds: float, at: datetime) -> bool:
    return one.runs is Runs.REMOTE and (one.is_past(at) or states.is_out(one.name, one.charge_cents(seconds), at=at))


def _dispatch(event: dict[str, Any]) -> None:
    job_id, stage, token = event["jobId"], Stage(event["stage"]), event["taskToken"]
    about(job_id=job_id, stage=stage.value)
    if not event.get("planned", True):  # executions of the previous release do not call it for such a stage
        executions.succeed(token)
        return
    job = jobs.get(job_id)
    about(step_id=job.step_id(stage))
    if job.ended:
        executions.fail(token, JOB_ENDED)
        return
    if job.step(stage).status == JobStatus.COMPLETED:
        executions.succeed(token)
        return
    spec = jobs.spec(job_id)
    if spec.test:  # workers can write the name of the engine, and cannot write the spec
        _perform_test(job, stage, token)
        return
    job = _with_working_engine(job, spec, stage)
    try:
        runs = engine(stage, job.step(stage).engine).runs
        asked = {**spec.settings.engines, **(spec.chosen or {})}
        if runs is Runs.REMOTE and stage not in asked:  # workers can write the name of the engine
            raise StageFailure("engine_unknown", "This job does not ask for an engine that a provider runs.")
        task = stage_task(job, spec, jobs.results(job), stage, sending=sending(token))
    except StageFailure as failure:
        executions.fail(token, failure)
        return
    at = utc_now()
    steps.store_token(job_id, stage, token, at=at)
    task = task.model_copy(update={"proof": grants.issue(step_task(job_id, stage), at=at)})
    steps.queue(job_id, stage, at=at)
    if runs is Runs.REMOTE:
        queues.send(REMOTE_QUEUE, RemoteTask(task=task), group=job.account_id)
    elif endpoint := sagemaker.endpoint_of(stage):
        sagemaker.invoke(endpoint, task, token)
    else:
        queue = stage.priority_queue if spec.paid else stage.queue
        queues.send(queue, task, group=job.account_id)
        start_worker(queue)
    logger.info("step queued", engine=task.engine)


prepare(dynamodb, sqs)
