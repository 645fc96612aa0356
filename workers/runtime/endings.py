"""How an attempt ends, wherever its engine ran: recorded first, then told to the state machine."""

import json

from shared.aws import media
from shared.core.clock import utc_now
from shared.jobs import executions
from shared.jobs.record import JobRecord, attempt_prefix
from shared.jobs.steps import Fenced, steps
from shared.jobs.store import StepOutput, StepResult
from shared.observability import logger
from shared.stages.failures import StageFailure
from shared.stages.messages import StageTask
from shared.stages.stages import Stage
from workers.engines.contract import StageResult


def record(task: StageTask, job: JobRecord, attempt: str, made: StageResult) -> None:
    """Upload what the attempt made, and write that it did. Raises Fenced."""
    kind = "final" if task.stage is Stage.POST_PROCESSING else "work"
    outputs = []
    for output in made.outputs:
        key = attempt_prefix(task.job_id, task.stage, attempt) + output.path.name
        media.upload(output.path, key, output.media_type, kind=kind)
        outputs.append(StepOutput(output.role, key, output.media_type))
    steps.record_result(job, task.stage, StepResult(tuple(outputs), made.metrics), attempt=attempt, at=utc_now())
    logger.info("attempt completed")


def failed(task: StageTask, attempt: str, failure: StageFailure) -> bool:
    """Write why, and tell it; False when the attempt is fenced, and its failure nobody's business."""
    logger.warning("attempt failed", code=failure.code)
    try:
        steps.record_failure(
            task.job_id,
            task.stage,
            attempt=attempt,
            code=failure.code,
            message=failure.public_message,
            retryable=failure.retryable,
            at=utc_now(),
        )
    except Fenced:
        return False
    answer(task, failure)
    return True


def answer(task: StageTask, failure: StageFailure | None = None) -> None:
    """Tell the state machine how the step ended, if it waits for that."""
    token = steps.token(task.job_id, task.stage)
    if token is None:
        return
    if failure is None:
        executions.answer(token)
    else:
        cause = json.dumps({"code": failure.code, "message": failure.public_message})
        executions.answer(token, error=failure.state_error, cause=cause)


def take_back(task: StageTask, attempt: str) -> None:
    """Delete what a stopped attempt uploaded: it does not count."""
    media.delete_below(attempt_prefix(task.job_id, task.stage, attempt))
