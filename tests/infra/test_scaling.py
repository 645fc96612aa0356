"""Scaling: the first worker, the alarm when no worker comes, and scaling by the backlog.

The tests evaluate the alarms and policies of the templates as CloudWatch does (`tests/support/metric_math.py`), for
several situations of queues and workers. A series that a situation does not name has not reported for hours.
"""

import math
from collections.abc import Mapping, Sequence

import pytest

from tests.support.metric_math import Reported, alarms_on, evaluate, returned
from tools.template import Assembly, Resource

WAITING, IN_FLIGHT, POLLS = (
    "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible", "NumberOfEmptyReceives",
)  # fmt: skip
RUNNING, UNSERVED, PER_INSTANCE = "RunningTaskCount", "HasBacklogWithoutCapacity", "ApproximateBacklogSizePerInstance"
FIRST, LAST = "{first}", "{last}"  # queues of a service, in the order in which its workers poll; one queue may be both
SILENT = None
ALL_ZERO = {f"{name} of {queue}": [0.0] for name in (WAITING, IN_FLIGHT, POLLS) for queue in (FIRST, LAST)}

Situation = Mapping[str, Sequence[float | None]]
UNSERVED_SITUATIONS: dict[str, Situation] = {
    "one message, and every other series at zero": ALL_ZERO | {f"{WAITING} of {LAST}": [1]},
    "idle for six hours, then one message while the other queue has not reported": {f"{WAITING} of {LAST}": [1]},
    "idle for six hours, then one priority message": {f"{WAITING} of {FIRST}": [1]},
    "the first worker boots": {f"{WAITING} of {LAST}": [1, 1, 1, 1, 1], f"{IN_FLIGHT} of {LAST}": [0, 0, 0, 0, 0]},
}
UNSERVED_SINCE_A_MINUTE: dict[str, Situation] = {
    "the newest minute has not been reported": {f"{WAITING} of {LAST}": [1, SILENT]},
    "the last worker stopped a minute ago": {f"{WAITING} of {LAST}": [0, 1], f"{POLLS} of {FIRST}": [55, SILENT]},
}
SERVED_SITUATIONS: dict[str, Situation] = {
    "no queue has reported for hours": {},
    "no message waits": ALL_ZERO,
    "no message waits, and a worker polls": ALL_ZERO | {f"{POLLS} of {FIRST}": [58]},
    "a free worker is about to receive the message": {f"{WAITING} of {LAST}": [1], f"{POLLS} of {FIRST}": [58]},
    "a worker polls, and no gauge has been reported": {f"{POLLS} of {FIRST}": [58]},
    "the only worker is busy and does not poll": {f"{WAITING} of {LAST}": [3], f"{IN_FLIGHT} of {LAST}": [1]},
    "the only worker is busy with a priority message": {f"{WAITING} of {LAST}": [3], f"{IN_FLIGHT} of {FIRST}": [1]},
    "the message was received since": {f"{WAITING} of {LAST}": [1, 0]},
}


def services(cloud: Assembly) -> dict[str, tuple[str, str]]:
    """Return the first and the last queue of each service."""
    queues = cloud.by("QueueName", "AWS::SQS::Queue")
    return {
        name: (f"{cloud.prefix}-{name}-priority" if f"{name}-priority" in queues else f"{cloud.prefix}-{name}",
               f"{cloud.prefix}-{name}")
        for name in cloud.by("ServiceName", "AWS::ECS::Service")
    }  # fmt: skip


def endpoints(cloud: Assembly) -> set[str]:
    return set(cloud.by("EndpointName", "AWS::SageMaker::Endpoint"))


def at(queues: tuple[str, str], situation: Situation, times: int = 1) -> Reported:
    """Return a situation of a service, each value repeated `times` times.

    If one queue is both first and last, the values of the last one count.
    """
    first, last = queues
    return {
        series.format(first=first, last=last): [value for value in values for _ in range(times)]
        for series, values in sorted(situation.items(), key=lambda item: LAST in item[0])
    }


def alarms(cloud: Assembly) -> dict[str, Resource]:
    return cloud.by("AlarmName", "AWS::CloudWatch::Alarm")


def policies(cloud: Assembly) -> dict[str, Resource]:
    return cloud.by("PolicyName", "AWS::ApplicationAutoScaling::ScalingPolicy")


# --- the first worker


@pytest.mark.parametrize("name", UNSERVED_SITUATIONS | UNSERVED_SINCE_A_MINUTE)
def test_unserved_work_starts_a_worker(cloud: Assembly, name: str) -> None:
    situation = (UNSERVED_SITUATIONS | UNSERVED_SINCE_A_MINUTE)[name]
    for service, queues in services(cloud).items():
        assert alarms_on(alarms(cloud)[f"{service}-wake"].properties, at(queues, situation)), service


@pytest.mark.parametrize("name", SERVED_SITUATIONS)
def test_other_situations_start_no_worker(cloud: Assembly, name: str) -> None:
    for service, queues in services(cloud).items():
        assert not alarms_on(alarms(cloud)[f"{service}-wake"].properties, at(queues, SERVED_SITUATIONS[name])), service


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
    for service, queues in services(cloud).items():
        alarm = alarms(cloud)[f"workers-missing-{service}"].properties
        assert {metric["MetricStat"]["Period"] for metric in alarm["Metrics"] if "MetricStat" in metric} == {300}
        waits = at(queues, UNSERVED_SITUATIONS[name], 3)
        assert alarms_on(alarm, waits), service
        assert not alarms_on(alarm, {series: values[:2] for series, values in waits.items()}), service


@pytest.mark.parametrize("name", SERVED_SITUATIONS)
def test_served_work_raises_no_alarm(cloud: Assembly, name: str) -> None:
    for service, queues in services(cloud).items():
        alarm = alarms(cloud)[f"workers-missing-{service}"].properties
        assert not alarms_on(alarm, at(queues, SERVED_SITUATIONS[name], 3)), service


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
    ("workers", "situation", "then"),
    [
        (1, {f"{WAITING} of {LAST}": [12], RUNNING: [1]}, 6),
        (1, {f"{WAITING} of {LAST}": [11], f"{IN_FLIGHT} of {LAST}": [1], RUNNING: [1]}, 6),
        (3, {f"{WAITING} of {LAST}": [2], f"{IN_FLIGHT} of {LAST}": [4], RUNNING: [3]}, 3),
        (6, ALL_ZERO | {f"{IN_FLIGHT} of {LAST}": [3], RUNNING: [6]}, 2),
        (1, {f"{IN_FLIGHT} of {FIRST}": [1], RUNNING: [1]}, 1),
        (1, ALL_ZERO | {RUNNING: [1]}, 0),
        (1, {RUNNING: [1]}, 0),
        (1, ALL_ZERO, 0),
        (1, {}, None),
        # The first worker boots: tracking requests no more and no fewer workers for the same tasks.
        (1, {f"{WAITING} of {LAST}": [40]}, 1),
        (1, ALL_ZERO | {f"{WAITING} of {LAST}": [40], RUNNING: [0]}, 1),
        (1, {f"{WAITING} of {LAST}": [1]}, 1),
    ],
)
def test_the_number_of_workers_follows_the_backlog(
    cloud: Assembly, workers: int, situation: Situation, then: int | None
) -> None:
    for service, queues in services(cloud).items():
        policy = policies(cloud)[f"{service}-backlog"]
        assert tracked(policy, at(queues, situation), workers=workers) == then, service


@pytest.mark.parametrize("waiting", [1, 40])
def test_tracking_is_at_its_target_while_the_first_worker_boots(cloud: Assembly, waiting: int) -> None:
    """At the target value neither of its alarms is on. A lower value would remove the worker that was just started."""
    for service, queues in services(cloud).items():
        tracking = policies(cloud)[f"{service}-backlog"]["TargetTrackingScalingPolicyConfiguration"]
        metrics = tracking["CustomizedMetricSpecification"]["Metrics"]
        found = returned(metrics, at(queues, {f"{WAITING} of {LAST}": [waiting]}), periods=1)
        assert found == {0: tracking["TargetValue"]}


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
