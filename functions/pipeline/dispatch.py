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
from shared.jobs.record import JobRecord, JobStatus, StepTicketRecord
from shared.jobs.spec import JobSpec
from shared.jobs.steps import AlreadyCompleted, Fenced, Leased, steps
from shared.jobs.store import JobEnded, jobs
from shared.jobs.tickets import FAILED, tickets
from shared.observability import about, logger, observed
from shared.providers.store import SpendingConfig, states
from shared.stages.engines import Engine, Runs, completer_of, engine
from shared.stages.failures import JOB_ENDED, StageFailure
from shared.stages.messages import Fetched, MoveCheck, RemoteTask, sending
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


def _asked(spec: JobSpec, stage: Stage) -> set[str | None]:
    """Return the engines that may do the step. Workers can write the engine of the job, but not the spec."""
    return {spec.settings.engines.get(stage), (spec.chosen or {}).get(stage), *(spec.fallbacks or {}).get(stage, ())}


def _is_out(one: Engine, seconds: float, at: datetime) -> bool:
    return one.runs is Runs.REMOTE and (one.is_past(at) or states.is_out(one.name, one.charge_cents(seconds), at=at))


def _next(job: JobRecord, spec: JobSpec, stage: Stage, at: datetime) -> tuple[JobRecord, MoveCheck | None, bool]:
    """Return the job, the check of the step's clip, and whether the clip is made once more (docs/adr/0069).

    The creator's setting decides what follows a clip that misses its move. The 2.5D camera also does the step if the
    repetition is impossible or has failed.
    """
    step, camera = job.step(stage), (spec.cameras or {}).get(stage)
    if camera is None or step.engine == camera:
        return job, None, False
    held = tickets.get(job.job_id, stage)
    if step.missed is None:
        return job, _check(held), False
    if spec.settings.on_missed_move == "repeat" and _may_repeat(engine(stage, step.engine), held, spec, at):
        repeated = held is None or held.repeat is not None
        return job, (_check(held) if repeated else MoveCheck()).model_copy(update={"last": True}), True
    steps.hand_over(job.job_id, stage, camera, before=step.engine, at=at)
    logger.warning("move missed: step handed over", before=step.engine, engine=camera, score=float(step.missed))
    return jobs.get(job.job_id), None, False


def _check(held: StepTicketRecord | None) -> MoveCheck:
    """Return the check of the clip that the function of remote engines has stored, or of one that is not made yet."""
    return MoveCheck.model_validate_json(held.fetched) if held and held.fetched else MoveCheck()


def _fetched(job: JobRecord, stage: Stage) -> Fetched | None:
    """Return the files of the provider with which a worker completes the step, or None if there are none yet."""
    held = tickets.get(job.job_id, stage) if completer_of(stage, job.step(stage).engine) else None
    return Fetched.model_validate_json(held.fetched) if held and held.fetched else None


def _may_repeat(one: Engine, held: StepTicketRecord | None, spec: JobSpec, at: datetime) -> bool:
    """Return whether the step can be made once more, or is being made once more. A provider may cost too much."""
    if held is None or held.repeat is not None:
        return held is None or held.repeat != FAILED
    cents = one.charge_cents(spec.settings.duration)
    within = (int(held.submissions) + 1) * cents <= SpendingConfig().provider_job_cents
    return within and not _is_out(one, spec.settings.duration, at)


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
    job, check, again = _next(_with_working_engine(job, spec, stage), spec, stage, utc_now())
    try:
        runs = engine(stage, job.step(stage).engine).runs
        if runs is Runs.REMOTE and job.step(stage).engine not in _asked(spec, stage):
            raise StageFailure("engine_unknown", "This job does not ask for this engine, which a provider runs.")
        fetched = _fetched(job, stage)
        task = stage_task(
            job, spec, jobs.results(job), stage,
            sending=sending(token), check=check, fetched=fetched, again=again,
        )  # fmt: skip
    except StageFailure as failure:
        executions.fail(token, failure)
        return
    at = utc_now()
    steps.store_token(job_id, stage, token, at=at)
    task = task.model_copy(update={"proof": grants.issue(step_task(job_id, stage), at=at)})
    steps.queue(job_id, stage, at=at)
    if runs is Runs.REMOTE and not (check and check.clip_url) and not fetched:
        queues.send(REMOTE_QUEUE, RemoteTask(task=task), group=job.account_id)
    elif endpoint := sagemaker.endpoint_of(stage):
        sagemaker.invoke(endpoint, task, token)
    else:
        queue = stage.priority_queue if spec.paid else stage.queue
        queues.send(queue, task, group=job.account_id)
        start_worker(queue)
    logger.info("step queued", engine=task.engine)


prepare(dynamodb, sqs)
