"""Scaling: the first worker, the alarm when no worker comes, scaling by the backlog, and the end of idle workers.

The tests evaluate the alarms and policies of the templates as CloudWatch does (`tests/support/metric_math.py`), for
several situations of queues and workers. A series that a situation does not name has no data.
"""

import json
import math
from collections.abc import Mapping, Sequence

import pytest

from infra.constructs.scaling import QUIET_MINUTES
from shared.observability import Metric
from tests.support.metric_math import Reported, alarms_on, evaluate, returned
from tools.template import Assembly, Resource

TASKS, RUNNING = Metric.WORKER_TASKS.value, Metric.RUNNING_WORKERS.value
UNSERVED, PER_INSTANCE = "HasBacklogWithoutCapacity", "ApproximateBacklogSizePerInstance"
SILENT = None

Situation = Mapping[str, Sequence[float | None]]
UNSERVED_SITUATIONS: dict[str, Situation] = {
    "one task, and no worker": {TASKS: [1], RUNNING: [0]},
    "the first worker boots": {TASKS: [1, 1, 1, 1, 1], RUNNING: [0, 0, 0, 0, 0]},
    "the last worker died with a task": {TASKS: [2], RUNNING: [0]},
}
UNSERVED_SINCE_A_MINUTE: dict[str, Situation] = {
    "the newest minute has not been reported": {TASKS: [1, SILENT], RUNNING: [0, SILENT]},
    "the last worker stopped a minute ago": {TASKS: [0, 1], RUNNING: [1, 0]},
}
SERVED_SITUATIONS: dict[str, Situation] = {
    "nothing has been measured": {},
    "no task waits": {TASKS: [0], RUNNING: [0]},
    "no task waits, and a worker polls": {TASKS: [0], RUNNING: [1]},
    "the only worker is busy": {TASKS: [3], RUNNING: [1]},
    "the task has ended since": {TASKS: [1, 0], RUNNING: [0, 1]},
}


def services(cloud: Assembly) -> set[str]:
    return set(cloud.by("ServiceName", "AWS::ECS::Service"))


def endpoints(cloud: Assembly) -> set[str]:
    return set(cloud.by("EndpointName", "AWS::SageMaker::Endpoint"))


def at(fleet: str, situation: Situation, times: int = 1) -> Reported:
    """Return a situation of a fleet, each value repeated `times` times."""
    return {
        f"{name} of {fleet}": [value for value in values for _ in range(times)] for name, values in situation.items()
    }


def alarms(cloud: Assembly) -> dict[str, Resource]:
    return cloud.by("AlarmName", "AWS::CloudWatch::Alarm")


def policies(cloud: Assembly) -> dict[str, Resource]:
    return cloud.by("PolicyName", "AWS::ApplicationAutoScaling::ScalingPolicy")


# --- the first worker


@pytest.mark.parametrize("name", UNSERVED_SITUATIONS | UNSERVED_SINCE_A_MINUTE)
def test_unserved_work_starts_a_worker(cloud: Assembly, name: str) -> None:
    situation = (UNSERVED_SITUATIONS | UNSERVED_SINCE_A_MINUTE)[name]
    for service in services(cloud):
        assert alarms_on(alarms(cloud)[f"{service}-wake"].properties, at(service, situation)), service


@pytest.mark.parametrize("name", SERVED_SITUATIONS)
def test_other_situations_start_no_worker(cloud: Assembly, name: str) -> None:
    for service in services(cloud):
        assert not alarms_on(alarms(cloud)[f"{service}-wake"].properties, at(service, SERVED_SITUATIONS[name])), service


def test_a_task_without_an_instance_starts_one(elsewhere: Assembly) -> None:
    assert endpoints(elsewhere)
    for name in endpoints(elsewhere):
        alarm = alarms(elsewhere)[f"{name}-wake"].properties
        assert alarms_on(alarm, {UNSERVED: [1]})
        assert not alarms_on(alarm, {UNSERVED: [0]})
        assert not alarms_on(alarm, {})


def test_the_wake_alarm_requests_one_worker_however_long_it_boots(cloud: Assembly) -> None:
    """The alarm acts each minute that it is on. A relative step would start three GPUs for one task."""
    woken = {f"{{{found.id}}}": found for found in policies(cloud).values()}
    targets = cloud.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    scaled = {f"{{{target.id}}}": str(target["ResourceId"]) for target in targets}
    names = {*services(cloud), *endpoints(cloud)}
    assert {name.removesuffix("-wake") for name in alarms(cloud) if name.endswith("-wake")} == names
    for name in names:
        [action] = alarms(cloud)[f"{name}-wake"]["AlarmActions"]
        step = woken[action]["StepScalingPolicyConfiguration"]
        assert step["AdjustmentType"] == "ExactCapacity"
        assert step["StepAdjustments"] == [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]
        assert step["Cooldown"] <= 60
        assert woken[action]["ScalingTargetId"] in scaled


# --- no worker comes


@pytest.mark.parametrize("name", UNSERVED_SITUATIONS)
def test_work_unserved_for_15_minutes_raises_an_alarm(cloud: Assembly, name: str) -> None:
    for service in services(cloud):
        alarm = alarms(cloud)[f"workers-missing-{service}"].properties
        assert {metric["MetricStat"]["Period"] for metric in alarm["Metrics"] if "MetricStat" in metric} == {300}
        waits = at(service, UNSERVED_SITUATIONS[name], 3)
        assert alarms_on(alarm, waits), service
        assert not alarms_on(alarm, {series: values[:2] for series, values in waits.items()}), service


@pytest.mark.parametrize("name", SERVED_SITUATIONS)
def test_served_work_raises_no_alarm(cloud: Assembly, name: str) -> None:
    for service in services(cloud):
        alarm = alarms(cloud)[f"workers-missing-{service}"].properties
        assert not alarms_on(alarm, at(service, SERVED_SITUATIONS[name], 3)), service


def test_an_endpoint_without_an_instance_raises_an_alarm(elsewhere: Assembly) -> None:
    for name in endpoints(elsewhere):
        alarm = alarms(elsewhere)[f"workers-missing-{name}"].properties
        assert alarm["Period"] == 300
        assert alarms_on(alarm, {UNSERVED: [1, 1, 1]})
        assert not alarms_on(alarm, {UNSERVED: [1, 1]})
        assert not alarms_on(alarm, {UNSERVED: [1, 1, 1, 0]})


# --- more workers


def tracked(policy: Resource, reported: Reported, *, workers: int) -> int | None:
    """Return the number of workers that target tracking requests; None if the metric has no value."""
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    metrics, target = tracking["CustomizedMetricSpecification"]["Metrics"], float(tracking["TargetValue"])
    found = returned(metrics, reported, periods=1)
    return math.ceil(workers * found[0] / target) if found else None


@pytest.mark.parametrize(
    ("workers", "backlog", "running", "then"),
    [
        (1, 6, 1, 6),  # the backlog is in multiples of the target
        (3, 3, 3, 3),
        (6, 1.5, 6, 2),
        (1, 0.5, 1, 1),
        (1, 0, 1, 0),
        # The first worker boots: tracking requests no more and no fewer workers for the same tasks.
        (1, 20, 0, 1),
        (1, 0.5, 0, 1),
    ],
)
def test_the_number_of_workers_follows_the_backlog(
    cloud: Assembly, workers: int, backlog: float, running: int, then: int
) -> None:
    for service in services(cloud):
        policy = policies(cloud)[f"{service}-backlog"]
        target = policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
        reported = at(service, {TASKS: [backlog * target], RUNNING: [running]})
        assert tracked(policy, reported, workers=workers) == then, service
        assert tracked(policy, {}, workers=workers) is None


def test_short_steps_of_a_film_share_a_worker(cloud: Assembly) -> None:
    """A second worker for a few films costs more than the films: it boots, and it is quiet before it stops."""
    targets = {
        service: policies(cloud)[f"{service}-backlog"]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
        for service in services(cloud)
    }
    assert (
        targets.items() <= {"cpu-media": 8, "asset-verification": 2, "motion-transfer": 8, "video-synthesis": 2}.items()
    )


@pytest.mark.parametrize("tasks", [0, 1, 40])
def test_tracking_is_at_its_target_while_no_worker_runs(cloud: Assembly, tasks: int) -> None:
    """At the target neither of its alarms is on. A lower value would stop the worker that `dispatch` has just started.

    The alarm for fewer workers acts each minute that it is on, and the measurement of the new task comes later.
    """
    for service in services(cloud):
        tracking = policies(cloud)[f"{service}-backlog"]["TargetTrackingScalingPolicyConfiguration"]
        metrics = tracking["CustomizedMetricSpecification"]["Metrics"]
        found = returned(metrics, at(service, {TASKS: [tasks], RUNNING: [0]}), periods=1)
        assert found == {0: tracking["TargetValue"]}


# --- no more work


def test_workers_stop_after_some_quiet_minutes(cloud: Assembly) -> None:
    stopped = {f"{{{found.id}}}": found for found in policies(cloud).values()}
    for service in services(cloud):
        alarm = alarms(cloud)[f"{service}-rest"]
        quiet = at(service, {TASKS: [0], RUNNING: [1]}, QUIET_MINUTES)
        assert alarms_on(alarm.properties, quiet)
        assert not alarms_on(alarm.properties, {name: values[1:] for name, values in quiet.items()})
        [action] = alarm["AlarmActions"]
        step = stopped[action]["StepScalingPolicyConfiguration"]
        assert (step["AdjustmentType"], step["StepAdjustments"]) == (
            "ExactCapacity", [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 0}],
        )  # fmt: skip
        assert step["Cooldown"] == 60 * QUIET_MINUTES, "the alarm ends later than the next film may begin"


@pytest.mark.parametrize(
    "situation",
    [
        {},
        {TASKS: [0] * QUIET_MINUTES, RUNNING: [0] * QUIET_MINUTES},
        {TASKS: [1] * QUIET_MINUTES, RUNNING: [1] * QUIET_MINUTES},
        {TASKS: [0, 0, 1, 0, 0], RUNNING: [1] * QUIET_MINUTES},
        {TASKS: [0] * QUIET_MINUTES, RUNNING: [*([1] * (QUIET_MINUTES - 1)), 0]},
    ],
    ids=["not measured", "no worker", "a task", "a task between", "workers have stopped"],
)
def test_other_situations_stop_no_worker(cloud: Assembly, situation: Situation) -> None:
    for service in services(cloud):
        assert not alarms_on(alarms(cloud)[f"{service}-rest"].properties, at(service, situation))


# --- what scaling reads


def test_scaling_of_services_reads_only_what_reconcile_measures_for_them(cloud: Assembly) -> None:
    """A metric of SQS or ECS is absent when a queue was not used for hours, or when no task runs."""
    variables = cloud.functions()["pipeline-reconcile"]["Environment"]["Variables"]
    measured = json.loads(variables["KINORA_WORKER_FLEETS"])
    assert set(measured) == services(cloud)
    for service in services(cloud):
        own = [alarms(cloud)[f"{service}-{kind}"]["Metrics"] for kind in ("wake", "rest")]
        own.append(alarms(cloud)[f"workers-missing-{service}"]["Metrics"])
        tracking = policies(cloud)[f"{service}-backlog"]["TargetTrackingScalingPolicyConfiguration"]
        own.append(tracking["CustomizedMetricSpecification"]["Metrics"])
        for metrics in own:
            read = [one["MetricStat"]["Metric"] for one in metrics if "MetricStat" in one]
            assert {one["Namespace"] for one in read} == {"Kinora"}
            assert {d["Value"] for one in read for d in one["Dimensions"] if d["Name"] == "fleet"} == {service}


@pytest.mark.parametrize(
    ("instances", "situation", "then"),
    [
        (1, {PER_INSTANCE: [12], UNSERVED: [0]}, 6),
        (1, {PER_INSTANCE: [12]}, 6),
        (2, {PER_INSTANCE: [0.5], UNSERVED: [0]}, 1),
        (1, {PER_INSTANCE: [0], UNSERVED: [0]}, 0),
        (1, {PER_INSTANCE: [40], UNSERVED: [1]}, 1),
        (1, {UNSERVED: [1]}, 1),
        (1, {}, None),
    ],
)
def test_the_number_of_instances_follows_the_backlog(
    elsewhere: Assembly, instances: int, situation: Situation, then: int | None
) -> None:
    for name in endpoints(elsewhere):
        assert tracked(policies(elsewhere)[f"{name}-backlog"], situation, workers=instances) == then


# --- metric math


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("a < b", {-3: 0, -2: 0, -1: 1, 0: 0}),
        ("a >= 30", {-3: 1, -2: 0, -1: 0, 0: 0}),
        ("a > 15 AND b > 15", {-3: 1, -2: 0, -1: 0, 0: 0}),
        ("a + b", {-3: 50, -2: 20, -1: 20, 0: 0}),
        ("a / b", {-3: 1.5, -1: 0}),
        ("FILL(b, 7)", {-3: 20, -2: 7, -1: 20, 0: 7}),
        ("FILL(none, 7)", {}),
        ("IF(a > 15, 1, b)", {-3: 1, -2: 1, -1: 20}),
        ("IF(b > 15, a, 0)", {-3: 30, -1: 0}),
        ("none + none", {}),
        ("a + none", {-3: 30, -2: 20, -1: 0, 0: 0}),
    ],
)
def test_series_with_gaps_are_evaluated_as_in_the_guide(expression: str, answer: dict[int, float]) -> None:
    """The two series of the guide's example: [30, 20, 0, 0] and [20, -, 20, -]."""
    series = {"a": {-3: 30.0, -2: 20.0, -1: 0.0, 0: 0.0}, "b": {-3: 20.0, -1: 20.0}, "none": dict[int, float]()}
    assert evaluate(expression, series, periods=4) == answer
