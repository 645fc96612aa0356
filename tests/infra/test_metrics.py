"""Metrics: dashboards and alarms use exactly the metrics that the code reports."""

import re
from pathlib import Path

import pytest

from local.environment import ROOT
from shared.observability import NAMESPACE, Metric, Panel
from tools.template import Assembly

SHOWN = re.compile(rf'"{NAMESPACE}","(\w+)"')
SOURCES: tuple[Path, ...] = tuple(
    path for folder in ("shared", "functions", "workers") for path in sorted((ROOT / folder).rglob("*.py"))
)


def on_dashboards(cloud: Assembly) -> set[str]:
    boards = " ".join(str(board["DashboardBody"]) for board in cloud.resources("AWS::CloudWatch::Dashboard"))
    return set(SHOWN.findall(boards))


def watched(cloud: Assembly) -> set[str]:
    """Return the metrics that alarms watch."""
    found = set[str]()
    for alarm in cloud.resources("AWS::CloudWatch::Alarm"):
        inner = [part["MetricStat"]["Metric"] for part in alarm.properties.get("Metrics", ()) if "MetricStat" in part]
        for metric in (alarm.properties, *inner):
            if metric.get("Namespace") == NAMESPACE:
                found.add(metric["MetricName"])
    return found


def test_dashboards_show_exactly_our_metrics(shown: Assembly) -> None:
    of_services = {metric for metric in Metric if metric.panel is Panel.WORKERS}
    unused = set() if shown.resources("AWS::ECS::Service") else of_services
    assert sorted(set(Metric) - on_dashboards(shown) - unused) == [], "no dashboard shows them"
    assert sorted(on_dashboards(shown) - set(Metric)) == [], "no code measures them"


def test_an_environment_without_dashboards_pays_for_none(dev: Assembly) -> None:
    assert dev.resources("AWS::CloudWatch::Dashboard") == []


@pytest.mark.parametrize("panel", Panel)
def test_each_panel_is_on_a_dashboard_and_shows_a_metric(panel: Panel) -> None:
    assert panel.board in {"operations", "business"}, f"no dashboard draws the panel {panel.name}"
    assert [metric for metric in Metric if metric.panel is panel], f"the panel {panel.name} shows nothing"


def test_alarms_watch_metrics_that_are_reported(cloud: Assembly) -> None:
    assert watched(cloud)
    assert watched(cloud) <= set(Metric)


@pytest.mark.parametrize("metric", Metric)
def test_each_metric_is_reported_by_code(metric: Metric) -> None:
    users = [path for path in SOURCES if f"Metric.{metric.name}" in path.read_text()]
    assert users, f"no code measures {metric}"


def test_code_reports_metrics_by_their_enum_names() -> None:
    measured = [call for path in SOURCES for call in re.findall(r"\bmeasure\((\S+?)[,)]", path.read_text())]
    ours = [call for call in measured if call.startswith(("Metric.", "_ENDED["))]
    assert len(ours) > 8
    assert [call for call in measured if call.startswith(('"', 'f"'))] == []
    named = {name for path in SOURCES for name in re.findall(r"\bMetric\.([A-Z_]+)", path.read_text())}
    assert sorted(named - Metric.__members__.keys()) == [], "Metric has no such entries"
