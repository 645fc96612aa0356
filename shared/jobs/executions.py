"""The state machine's executions of jobs. The execution's name is the job's id, so a job has at most one execution."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from shared.aws.clients import stepfunctions
from shared.aws.traces import header
from shared.core.config import Config
from shared.stages.failures import StageFailure
from shared.stages.stages import Stage

if TYPE_CHECKING:  # the deployed bundles do not contain the stubs
    from mypy_boto3_stepfunctions import SFNClient


class ExecutionConfig(Config):
    state_machine_arn: str = ""


def execution_input(job_id: str, planned: Iterable[Stage]) -> dict[str, object]:
    """Return the input of the execution: the job's id, and for each stage whether it is planned."""
    steps = set(planned)
    return {"jobId": job_id} | {stage.key: {"planned": stage in steps} for stage in Stage}


def start(job_id: str, planned: Iterable[Stage]) -> None:
    """Start the job's execution. If it was started before, do nothing."""
    client, trace = stepfunctions(), header()
    try:
        client.start_execution(
            stateMachineArn=ExecutionConfig().state_machine_arn,
            name=job_id,
            input=json.dumps(execution_input(job_id, planned)),
            **({"traceHeader": trace} if trace else {}),
        )
    except client.exceptions.ExecutionAlreadyExists:
        return


def stop(job_id: str) -> None:
    """Stop the job's execution. If it does not run, do nothing."""
    client = stepfunctions()
    try:
        client.stop_execution(executionArn=_arn(job_id), cause="The job was cancelled.")
    except (client.exceptions.ExecutionDoesNotExist, client.exceptions.ValidationException):
        return


def running(job_id: str) -> bool | None:
    """Return whether the job's execution is running, or None if it was never started."""
    client = stepfunctions()
    try:
        return client.describe_execution(executionArn=_arn(job_id))["status"] == "RUNNING"
    except client.exceptions.ExecutionDoesNotExist:
        return None


def succeeded(*, since: float, most: int) -> list[str]:
    """Return the ids of at most `most` jobs whose executions have succeeded after `since`, in seconds since 1970.

    They are the newest ones by their start.
    """
    found = stepfunctions().list_executions(
        stateMachineArn=ExecutionConfig().state_machine_arn, statusFilter="SUCCEEDED", maxResults=most
    )
    return [one["name"] for one in found["executions"] if one["stopDate"].timestamp() > since]


def succeed(token: str) -> None:
    """Report that the step is complete."""
    with _ignoring_ended_tasks() as client:
        client.send_task_success(taskToken=token, output="{}")


def fail(token: str, failure: StageFailure) -> None:
    """Report that the step has failed."""
    with _ignoring_ended_tasks() as client:
        client.send_task_failure(taskToken=token, error=failure.state_error, cause=failure.cause)


def dispatch_again(token: str) -> None:
    """Let the state machine dispatch the step again. The step has not failed."""
    with _ignoring_ended_tasks() as client:
        client.send_task_failure(taskToken=token, error="Unavailable", cause="The step is dispatched again.")


@contextmanager
def _ignoring_ended_tasks() -> Iterator["SFNClient"]:
    """Yield the client. Ignore the errors of a token for which the state machine no longer waits."""
    client = stepfunctions()
    with suppress(client.exceptions.TaskTimedOut, client.exceptions.TaskDoesNotExist, client.exceptions.InvalidToken):
        yield client


def _arn(job_id: str) -> str:
    return ExecutionConfig().state_machine_arn.replace(":stateMachine:", ":execution:") + f":{job_id}"
