"""Workers wake when work waits and nobody serves it, somebody is told when none comes, and the backlog does the rest.

What the templates say is reckoned with here as CloudWatch does (`tests/support/metric_math.py`), in the situations that
queues and workers get into; a series that is not named has not reported for hours.
"""

import math
from collections.abc import Mapping, Sequence

import pytest

from tests.support.metric_math import Reported, evaluate, returned, rings
from tools.template import Assembly, Resource

WAIT, TAKEN, ASKED = (
    "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible", "NumberOfEmptyReceives",
)  # fmt: skip
RUNNING, UNSERVED, PER_INSTANCE = "RunningTaskCount", "HasBacklogWithoutCapacity", "ApproximateBacklogSizePerInstance"
FIRST, LAST = "{first}", "{last}"  # queues of a service, in the order in which its workers ask; one may be both
SILENT = None
ALL_ZERO = {f"{name} of {queue}": [0.0] for name in (WAIT, TAKEN, ASKED) for queue in (FIRST, LAST)}

Situation = Mapping[str, Sequence[float | None]]
UNSERVED_SITUATIONS: dict[str, Situation] = {
    "one message, and every other series at zero": ALL_ZERO | {f"{WAIT} of {LAST}": [1]},
    "idle for six hours, then one message while the twin is silent": {f"{WAIT} of {LAST}": [1]},
    "idle for six hours, then one message that goes first": {f"{WAIT} of {FIRST}": [1]},
    "the first worker boots": {f"{WAIT} of {LAST}": [1, 1, 1, 1, 1], f"{TAKEN} of {LAST}": [0, 0, 0, 0, 0]},
}
UNSERVED_SINCE_A_MINUTE: dict[str, Situation] = {
    "the newest minute has not come in": {f"{WAIT} of {LAST}": [1, SILENT]},
    "the last worker went a minute ago": {f"{WAIT} of {LAST}": [0, 1], f"{ASKED} of {FIRST}": [55, SILENT]},
}
SERVED_SITUATIONS: dict[str, Situation] = {
    "no queue has reported for hours": {},
    "nothing waits": ALL_ZERO,
    "nothing waits, and a worker asks": ALL_ZERO | {f"{ASKED} of {FIRST}": [58]},
    "a free worker is about to take it": {f"{WAIT} of {LAST}": [1], f"{ASKED} of {FIRST}": [58]},
    "a worker asks, and no gauge has come in": {f"{ASKED} of {FIRST}": [58]},
    "the only worker is at work, and does not ask": {f"{WAIT} of {LAST}": [3], f"{TAKEN} of {LAST}": [1]},
    "the only worker is at work on what went first": {f"{WAIT} of {LAST}": [3], f"{TAKEN} of {FIRST}": [1]},
    "it was taken since": {f"{WAIT} of {LAST}": [1, 0]},
}


def services(cloud: Assembly) -> dict[str, tuple[str, str]]:
    """The first and the last queue of each service."""
    queues = cloud.by("QueueName", "AWS::SQS::Queue")
    return {
        name: (f"{cloud.prefix}-{name}-priority" if f"{name}-priority" in queues else f"{cloud.prefix}-{name}",
               f"{cloud.prefix}-{name}")
        for name in cloud.by("ServiceName", "AWS::ECS::Service")
    }  # fmt: skip


def endpoints(cloud: Assembly) -> set[str]:
    return set(cloud.by("EndpointName", "AWS::SageMaker::Endpoint"))


def at(queues: tuple[str, str], situation: Situation, times: int = 1) -> Reported:
    """The situation of a service, each of its values repeated; what is said of its last queue counts if it has one."""
    first, last = queues
    return {
        series.format(first=first, last=last): [value for value in values for _ in range(times)]
        for series, values in sorted(situation.items(), key=lambda said: LAST in said[0])
    }


def alarms(cloud: Assembly) -> dict[str, Resource]:
    return cloud.by("AlarmName", "AWS::CloudWatch::Alarm")


def policies(cloud: Assembly) -> dict[str, Resource]:
    return cloud.by("PolicyName", "AWS::ApplicationAutoScaling::ScalingPolicy")


# --- the first worker


@pytest.mark.parametrize("name", UNSERVED_SITUATIONS | UNSERVED_SINCE_A_MINUTE)
def test_work_that_nobody_serves_wakes_a_service(cloud: Assembly, name: str) -> None:
    situation = (UNSERVED_SITUATIONS | UNSERVED_SINCE_A_MINUTE)[name]
    for service, queues in services(cloud).items():
        assert rings(alarms(cloud)[f"{service}-wake"].properties, at(queues, situation)), service


@pytest.mark.parametrize("name", SERVED_SITUATIONS)
def test_nothing_else_wakes_it(cloud: Assembly, name: str) -> None:
    for service, queues in services(cloud).items():
        assert not rings(alarms(cloud)[f"{service}-wake"].properties, at(queues, SERVED_SITUATIONS[name])), service


def test_a_task_without_an_instance_wakes_an_endpoint(elsewhere: Assembly) -> None:
    assert endpoints(elsewhere)
    for name in endpoints(elsewhere):
        alarm = alarms(elsewhere)[f"{name}-wake"].properties
        assert rings(alarm, {UNSERVED: [1]})
        assert not rings(alarm, {UNSERVED: [0]})
        assert not rings(alarm, {})


def test_waking_asks_for_one_worker_however_long_it_boots(cloud: Assembly) -> None:
    """The alarm acts each minute that it is on: one more each time would be three GPUs for one task."""
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


# --- nobody comes


@pytest.mark.parametrize("name", UNSERVED_SITUATIONS)
def test_somebody_is_told_when_nobody_serves_for_a_quarter_of_an_hour(cloud: Assembly, name: str) -> None:
    for service, queues in services(cloud).items():
        alarm = alarms(cloud)[f"workers-missing-{service}"].properties
        assert {metric["MetricStat"]["Period"] for metric in alarm["Metrics"] if "MetricStat" in metric} == {300}
        waits = at(queues, UNSERVED_SITUATIONS[name], 3)
        assert rings(alarm, waits), service
        assert not rings(alarm, {series: values[:2] for series, values in waits.items()}), service


@pytest.mark.parametrize("name", SERVED_SITUATIONS)
def test_nobody_is_told_while_somebody_serves(cloud: Assembly, name: str) -> None:
    for service, queues in services(cloud).items():
        alarm = alarms(cloud)[f"workers-missing-{service}"].properties
        assert not rings(alarm, at(queues, SERVED_SITUATIONS[name], 3)), service


def test_somebody_is_told_of_an_endpoint_that_gets_no_instance(elsewhere: Assembly) -> None:
    for name in endpoints(elsewhere):
        alarm = alarms(elsewhere)[f"workers-missing-{name}"].properties
        assert alarm["Period"] == 300
        assert rings(alarm, {UNSERVED: [1, 1, 1]})
        assert not rings(alarm, {UNSERVED: [1, 1]})
        assert not rings(alarm, {UNSERVED: [1, 1, 1, 0]})


# --- the others


def wanted(policy: Resource, reported: Reported, *, workers: int) -> int | None:
    """How many workers tracking wants where there are some; None when it has nothing to go by."""
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    metrics, target = tracking["CustomizedMetricSpecification"]["Metrics"], float(tracking["TargetValue"])
    found = returned(metrics, reported, periods=1)
    return math.ceil(workers * found[0] / target) if found else None


@pytest.mark.parametrize(
    ("workers", "situation", "then"),
    [
        (1, {f"{WAIT} of {LAST}": [12], RUNNING: [1]}, 6),
        (1, {f"{WAIT} of {LAST}": [11], f"{TAKEN} of {LAST}": [1], RUNNING: [1]}, 6),
        (3, {f"{WAIT} of {LAST}": [2], f"{TAKEN} of {LAST}": [4], RUNNING: [3]}, 3),
        (6, ALL_ZERO | {f"{TAKEN} of {LAST}": [3], RUNNING: [6]}, 2),
        (1, {f"{TAKEN} of {FIRST}": [1], RUNNING: [1]}, 1),
        (1, ALL_ZERO | {RUNNING: [1]}, 0),
        (1, {RUNNING: [1]}, 0),
        (1, ALL_ZERO, 0),
        (1, {}, None),
        # The first one boots: no more for the same tasks, and no fewer.
        (1, {f"{WAIT} of {LAST}": [40]}, 1),
        (1, ALL_ZERO | {f"{WAIT} of {LAST}": [40], RUNNING: [0]}, 1),
        (1, {f"{WAIT} of {LAST}": [1]}, 1),
    ],
)
def test_there_are_as_many_workers_as_the_backlog_asks_for(
    cloud: Assembly, workers: int, situation: Situation, then: int | None
) -> None:
    for service, queues in services(cloud).items():
        policy = policies(cloud)[f"{service}-backlog"]
        assert wanted(policy, at(queues, situation), workers=workers) == then, service


@pytest.mark.parametrize("waiting", [1, 40])
def test_tracking_is_content_while_waking_decides(cloud: Assembly, waiting: int) -> None:
    """At its target neither of its alarms is on; a little below it would take away who has just been woken."""
    for service, queues in services(cloud).items():
        tracking = policies(cloud)[f"{service}-backlog"]["TargetTrackingScalingPolicyConfiguration"]
        metrics = tracking["CustomizedMetricSpecification"]["Metrics"]
        found = returned(metrics, at(queues, {f"{WAIT} of {LAST}": [waiting]}), periods=1)
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
def test_there_are_as_many_instances_as_the_backlog_asks_for(
    elsewhere: Assembly, instances: int, situation: Situation, then: int | None
) -> None:
    for name in endpoints(elsewhere):
        assert wanted(policies(elsewhere)[f"{name}-backlog"], situation, workers=instances) == then


# --- the reckoning itself


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
def test_series_with_gaps_are_reckoned_with_as_the_guide_says(expression: str, answer: dict[int, float]) -> None:
    """The two series of its example: [30, 20, 0, 0] and [20, -, 20, -]."""
    series = {"a": {-3: 30.0, -2: 20.0, -1: 0.0, 0: 0.0}, "b": {-3: 20.0, -1: 20.0}, "none": dict[int, float]()}
    assert evaluate(expression, series, periods=4) == answer
