"""CloudWatch's metric math and alarms, as its user guide describes them, over series with gaps.

The guide (Using metric math, Evaluating an alarm): "Missing values in a time series are treated as 0" in arithmetic,
and in a comparison of two series if only one has a value. A data point that divides by zero is dropped. A data point of
IF is dropped if its condition is missing, or if the condition is false and the other branch is missing. The guide does
not state whether FILL fills a series without any point. Here it does not, so that alarms cannot rely on it.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Series = dict[int, float]  # by number of the period, 0 is the newest; a missing key is a missing value
Value = float | Series
Reported = Mapping[str, Sequence[float | None]]  # by metric and fleet, oldest first; None is a missing value

EXTRA_PERIODS = 3  # periods that an alarm fetches beyond the evaluated ones, in place of missing values
MATH: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def evaluate(expression: str, series: Mapping[str, Series], *, periods: int) -> Series:
    """Return the expression's series over the last `periods`; the newest period is 0."""
    python = re.sub(r"\bAND\b", "and", expression)
    found = _value(ast.parse(python, mode="eval").body, series, range(1 - periods, 1))
    assert isinstance(found, dict), f"{expression} is not a series"
    return found


def series_of(metrics: Sequence[Mapping[str, Any]], reported: Reported) -> dict[str, Series]:
    """Return the series that CloudWatch finds for the ids of the metrics of an alarm or a policy."""
    return {
        str(metric["Id"]): _points(reported.get(_named(metric["MetricStat"]["Metric"]), ()))
        for metric in metrics
        if "MetricStat" in metric
    }


def returned(metrics: Sequence[Mapping[str, Any]], reported: Reported, *, periods: int) -> Series:
    """Return the series of the only expression that returns data."""
    [expression] = [metric["Expression"] for metric in metrics if metric.get("ReturnData", True)]
    return evaluate(expression, series_of(metrics, reported), periods=periods)


def alarms_on(alarm: Mapping[str, Any], reported: Reported) -> bool:
    """Return whether the alarm is in ALARM after these values."""
    periods = int(alarm["EvaluationPeriods"])
    fetched = periods + EXTRA_PERIODS
    if "Metrics" in alarm:
        points = returned(alarm["Metrics"], reported, periods=fetched)
    else:
        points = _points(reported.get(_named(alarm), ()))
    newest = [value for at, value in sorted(points.items(), reverse=True) if at > -fetched][:periods]
    breaches, threshold = BREACHES[alarm["ComparisonOperator"]], float(alarm["Threshold"])
    breaching = sum(breaches(value, threshold) for value in newest)
    if alarm["TreatMissingData"] == "breaching":
        breaching += periods - len(newest)
    else:
        assert alarm["TreatMissingData"] == "notBreaching", alarm
    return breaching >= int(alarm.get("DatapointsToAlarm", periods))


def _points(values: Sequence[float | None]) -> Series:
    return {at: value for at, value in enumerate(values, start=1 - len(values)) if value is not None}


def _named(metric: Mapping[str, Any]) -> str:
    """Return `WorkerTasks of cpu-media`, or only the name for a metric without the dimension `fleet`."""
    fleets = [dimension["Value"] for dimension in metric["Dimensions"] if dimension["Name"] == "fleet"]
    return " of ".join([metric["MetricName"], *fleets])


def _value(node: ast.expr, series: Mapping[str, Series], fetched: range) -> Value:
    def given(*nodes: ast.expr) -> list[Value]:
        return [_value(inner, series, fetched) for inner in nodes]

    answer: Value
    match node:
        case ast.Constant(value=int() | float() as number):
            answer = float(number)
        case ast.Name(id=name):
            answer = {at: value for at, value in series[name].items() if at in fetched}
        case ast.BinOp(left=left, op=op, right=right):
            answer = _both(MATH[type(op)], *given(left, right))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            answer = _both(COMPARISONS[type(op)], *given(left, right))
        case ast.BoolOp(op=ast.And(), values=[left, right]):
            answer = _both(lambda one, other: one != 0 and other != 0, *given(left, right))
        case ast.Call(func=ast.Name(id="IF"), args=arguments):
            answer = _if(*given(*arguments))
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, filler]):
            answer = _fill(fetched, *given(filled, filler))
        case _:
            raise NotImplementedError(ast.unparse(node))
    return answer


def _both(function: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if not isinstance(left, dict) and not isinstance(right, dict):
        return float(function(left, right))
    points = {at for side in (left, right) if isinstance(side, dict) for at in side}
    answers = {}
    for at in points:
        try:
            answers[at] = float(function(_at(left, at), _at(right, at)))
        except ZeroDivisionError:
            continue
    return answers


def _if(condition: Value, then: Value, otherwise: Value) -> Value:
    assert isinstance(condition, dict)
    answers = {}
    for at, value in condition.items():
        if value:
            answers[at] = _at(then, at)
        elif not isinstance(otherwise, dict) or at in otherwise:
            answers[at] = _at(otherwise, at)
    return answers


def _fill(fetched: range, filled: Value, filler: Value) -> Value:
    assert isinstance(filled, dict)
    return {at: _at(filler, at) for at in fetched} | filled if filled else filled


def _at(value: Value, at: int) -> float:
    return value.get(at, 0) if isinstance(value, dict) else value
