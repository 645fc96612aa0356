"""The state machine's executions of jobs: one for each, named by its id, so that starting twice is starting once."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from shared.aws.clients import stepfunctions
from shared.aws.traces import header
from shared.core.config import Config
from shared.stages.failures import StageFailure
from shared.stages.stages import STAGES, Stage

if TYPE_CHECKING:  # the stubs are no dependency of what is deployed
    from mypy_boto3_stepfunctions import SFNClient


class ExecutionConfig(Config):
    state_machine_arn: str = ""


def execution_input(job_id: str, planned: Iterable[Stage]) -> dict[str, object]:
    """What the state machine starts with: the id, and for each stage whether it runs and its backstop timers."""
    steps = set(planned)
    return {"jobId": job_id} | {
        stage.key: {
            "planned": stage in steps,
            "timeoutSeconds": spec.timeout_seconds,
            "heartbeatSeconds": spec.heartbeat_seconds,
        }
        for stage, spec in STAGES.items()
    }


def start(job_id: str, planned: Iterable[Stage]) -> None:
    """Start the job's execution; no error if it has been started."""
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
    """Stop the job's execution, if it runs."""
    client = stepfunctions()
    try:
        client.stop_execution(executionArn=_arn(job_id), cause="The job was cancelled.")
    except (client.exceptions.ExecutionDoesNotExist, client.exceptions.ValidationException):
        return


def running(job_id: str) -> bool | None:
    """Whether the job's execution goes on; None when it was never started."""
    client = stepfunctions()
    try:
        return client.describe_execution(executionArn=_arn(job_id))["status"] == "RUNNING"
    except client.exceptions.ExecutionDoesNotExist:
        return None


def succeed(token: str) -> None:
    """Report that the step is complete."""
    with _while_waited_for() as client:
        client.send_task_success(taskToken=token, output="{}")


def fail(token: str, failure: StageFailure) -> None:
    """Report that the step has failed."""
    with _while_waited_for() as client:
        client.send_task_failure(taskToken=token, error=failure.state_error, cause=failure.cause)


def heartbeat(token: str) -> None:
    """Report that the step is alive."""
    with _while_waited_for() as client:
        client.send_task_heartbeat(taskToken=token)


@contextmanager
def _while_waited_for() -> Iterator["SFNClient"]:
    """Yield the client. A token that the state machine no longer waits for is no error."""
    client = stepfunctions()
    with suppress(client.exceptions.TaskTimedOut, client.exceptions.TaskDoesNotExist, client.exceptions.InvalidToken):
        yield client


def _arn(job_id: str) -> str:
    return ExecutionConfig().state_machine_arn.replace(":stateMachine:", ":execution:") + f":{job_id}"
