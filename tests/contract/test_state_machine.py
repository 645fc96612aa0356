"""The definition of the state machine is valid and matches STAGES. moto accepts definitions that AWS refuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.pipeline.dispatch import Unavailable
from shared.jobs.executions import execution_input
from shared.stages.failures import StageFailure
from shared.stages.stages import WORK_SECONDS, Stage

FILE = Path(__file__).parents[2] / "stepfunctions" / "generate_video.asl.json"
MACHINE: dict[str, Any] = json.loads(FILE.read_text())
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
FIELDS = {
    "Task": {"Resource", "Parameters", "TimeoutSeconds", "ResultPath", "OutputPath",
             "Retry", "Catch", "Next", "End"},
}  # fmt: skip
# Error names of Step Functions for Lambda calls that can succeed when they are retried.
LAMBDA_ERRORS = {
    "Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException", "Lambda.TooManyRequestsException", "Lambda.Unknown", "Sandbox.Timedout",
}  # fmt: skip
INPUT = execution_input("job_01K0000000000000000000000A", Stage)
SWEEP_EVERY_SECONDS = 120  # time in which reconcile fails a job that is late
STATE_BYTES = 256 * 1024  # Maximum size of a state's input.


def nexts(state: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the states that may follow."""
    if "Next" in state:
        yield state["Next"]
    for branch in state.get("Catch", []):
        yield branch["Next"]


def paths(value: Any) -> Iterator[str]:
    """Yield every reference to the state's input."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str) and name.endswith((".$", "Path")):
                if inner.startswith("$.") and name != "ResultPath":
                    yield inner
            else:
                yield from paths(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner)


def found(path: str) -> Any:
    at: Any = INPUT
    for name in path.removeprefix("$.").split("."):
        at = at[name]
    return at


# --- validity


def test_every_named_state_exists_and_every_state_is_reachable() -> None:
    named = {MACHINE["StartAt"]} | {name for state in STATES.values() for name in nexts(state)}
    assert named == set(STATES)


@pytest.mark.parametrize("name", STATES)
def test_a_state_has_only_the_fields_of_its_type(name: str) -> None:
    state = STATES[name]
    assert set(state) - {"Type", "Comment"} <= FIELDS[state["Type"]]
    if state["Type"] == "Task":
        assert ("Next" in state) != ("End" in state)


def test_no_state_can_follow_itself() -> None:
    """Without loops, an execution visits each state at most once."""

    def visit(name: str, before: tuple[str, ...]) -> None:
        assert name not in before
        for after in nexts(STATES[name]):
            visit(after, (*before, name))

    visit(MACHINE["StartAt"], ())


def test_every_path_is_in_the_execution_input() -> None:
    used = set(paths(STATES))
    assert used
    for path in used:
        found(path)


def test_the_state_carries_ids_and_numbers_only_and_stays_small() -> None:
    """The only addition to the state is the error of a stage's Catch."""
    for state in STATES.values():
        if state["Type"] == "Task":
            assert state["ResultPath"] is None
        for catch in state.get("Catch", []):
            assert catch["ResultPath"] == "$.error"
    largest = INPUT | {"error": {"Error": "x" * 256, "Cause": "x" * 32768}}
    assert len(json.dumps(largest)) < STATE_BYTES
    assert set(INPUT) == {"jobId"} | {stage.key for stage in Stage}


def test_catch_comes_last_and_catches_all() -> None:
    for name, state in STATES.items():
        for catch in state.get("Catch", []):
            assert (catch["ErrorEquals"], catch["Next"]) == (["States.ALL"], "Settle"), name


# --- agreement with STAGES


@pytest.mark.parametrize("stage", Stage)
def test_the_state_of_a_stage_invokes_dispatch_and_waits(stage: Stage) -> None:
    state = STATES[stage.state]
    assert state["Resource"] == "arn:aws:states:::lambda:invoke.waitForTaskToken"
    assert state["Parameters"]["FunctionName"] == "${DispatchFunctionArn}"
    assert state["Parameters"]["Payload"] == {
        "jobId.$": "$.jobId", "stage": stage.value, "planned.$": f"$.{stage.key}.planned",
        "taskToken.$": "$$.Task.Token",
    }  # fmt: skip


@pytest.mark.parametrize("stage", Stage)
def test_no_timer_of_a_stage_ends_a_job_before_its_deadline(stage: Stage) -> None:
    """A timer of the state machine includes the wait in a queue. Only leases measure liveness."""
    state = STATES[stage.state]
    timers = {name: seconds for name, seconds in state.items() if "Seconds" in name}
    assert set(timers) == {"TimeoutSeconds"}
    assert timers["TimeoutSeconds"] >= WORK_SECONDS + SWEEP_EVERY_SECONDS, "reconcile must end a late job first"


@pytest.mark.parametrize("stage", Stage)
def test_a_stage_retries_only_retryable_errors(stage: Stage) -> None:
    retried = {name for rule in STATES[stage.state]["Retry"] for name in rule["ErrorEquals"]}
    assert StageFailure("x", "x", retryable=True).state_error in retried
    assert StageFailure("x", "x").state_error not in retried
    assert "States.ALL" not in retried
    assert "States.TaskFailed" not in retried
    assert retried >= {Unavailable.__name__, *LAMBDA_ERRORS}, "a short AWS outage would fail the job"
    assert LookupError.__name__ in retried, "dispatch of the previous release raises it for a stage that is not planned"


def test_the_stages_run_in_order() -> None:
    """Dispatch skips those that are not planned (tests/integration/test_dispatch.py)."""
    visited, name = [], MACHINE["StartAt"]
    while name != "Settle":
        visited.append(name)
        name = STATES[name]["Next"]
    assert visited == [stage.state for stage in Stage]


def test_every_path_settles_the_job() -> None:
    for stage in Stage:
        assert STATES[stage.state]["Catch"]
    settle = STATES["Settle"]
    assert settle["End"] is True
    assert settle["Parameters"] == {"FunctionName": "${SettleFunctionArn}", "Payload.$": "$"}
    assert [rule["ErrorEquals"] for rule in settle["Retry"]] == [["States.ALL"]]
