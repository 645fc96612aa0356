"""Alarms: each has actions, and each that notifies the operator has a page in the runbook."""

import re

from local.environment import ROOT
from tools.elsewhere import ACCOUNTS_MONITOR
from tools.template import Assembly

RUNBOOK = ROOT / "docs" / "runbook.md"
PROBED = {"prod", "elsewhere"}  # environments with a probe from outside
COSTS_WATCHED = {"elsewhere"}  # the monitor belongs to the account, so the operator names it
PAGE = re.compile(r"/docs/runbook\.md#([\w-]+)")


def anchors() -> set[str]:
    """Return the anchors that GitHub makes from the runbook's headings."""
    headings = re.findall(r"^#+ (.+)$", RUNBOOK.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_alarm_has_actions_or_ends_a_release(cloud: Assembly) -> None:
    groups = cloud.resources("AWS::CodeDeploy::DeploymentGroup")
    ending = {alarm["Name"] for group in groups for alarm in group["AlarmConfiguration"]["Alarms"]}
    alarms = cloud.resources("AWS::CloudWatch::Alarm")
    assert len(alarms) > 30
    for alarm in alarms:
        assert bool(alarm.properties.get("AlarmActions")) is (f"{{{alarm.id}}}" not in ending), alarm


def test_every_alarm_that_notifies_names_a_page_of_the_runbook(cloud: Assembly) -> None:
    pages = set()
    for alarm in cloud.resources("AWS::CloudWatch::Alarm"):
        if any(":sns:" in action for action in alarm.properties.get("AlarmActions", ())):
            named = PAGE.search(alarm["AlarmDescription"])
            assert named, alarm
            pages.add(named[1])
            assert alarm["OKActions"], alarm
    assert pages
    assert pages <= anchors()


def test_every_page_of_the_runbook_belongs_to_a_notification(cloud: Assembly) -> None:
    texts = " ".join(
        [*(str(a.properties.get("AlarmDescription")) for a in cloud.resources("AWS::CloudWatch::Alarm")),
         *(str(template.get("Metadata")) for template in cloud.stacks.values())]
    )  # fmt: skip
    pages = re.findall(r"^## (.+)$", RUNBOOK.read_text(), re.MULTILINE)
    assert pages
    assert ("runbook.md#cost-anomaly" in texts) is (cloud.name in COSTS_WATCHED)
    assert ("runbook.md#probe" in texts) is (cloud.name in PROBED)
    assert ("runbook.md#release" in texts) is bool(cloud.resources("AWS::CodeDeploy::DeploymentGroup"))
    assert ("runbook.md#workers-missing" in texts) is bool(cloud.resources("AWS::ECS::Service"))
    for page in set(pages) - {"cost-anomaly", "probe", "release", "workers-missing"}:
        assert f"runbook.md#{page}" in texts, page


def test_an_alarm_starts_if_the_canary_does_not_run(cloud: Assembly) -> None:
    [alarm] = [
        alarm for alarm in cloud.resources("AWS::CloudWatch::Alarm") if alarm["AlarmName"].endswith("-canary-silent")
    ]
    [runs] = [part["MetricStat"] for part in alarm["Metrics"] if "MetricStat" in part]
    [rule] = [rule for rule in cloud.resources("AWS::Events::Rule") if rule["Name"].endswith("-canary")]
    assert runs["Metric"]["MetricName"] == "Invocations"
    every = {"rate(1 day)": 24, "rate(6 hours)": 6}[rule["ScheduleExpression"]]
    assert runs["Period"] == every * 3600
    assert (alarm["TreatMissingData"], alarm["EvaluationPeriods"]) == ("breaching", 2)


def test_every_dead_letter_queue_has_its_alarm(cloud: Assembly) -> None:
    watched = str([alarm.properties for alarm in cloud.resources("AWS::CloudWatch::Alarm")])
    for queue in cloud.resources("AWS::SQS::Queue"):
        if queue["QueueName"].endswith("-dlq"):
            assert f"'{queue['QueueName']}'" in watched, queue


def test_an_alarm_watches_the_errors_of_each_function(cloud: Assembly) -> None:
    """By name, or all functions of the account together."""
    found = [
        part["MetricStat"]["Metric"] if "MetricStat" in part else part
        for alarm in cloud.resources("AWS::CloudWatch::Alarm") if "-function-errors" in alarm["AlarmName"]
        for part in alarm.properties.get("Metrics", [alarm.properties]) if "MetricStat" in part or "MetricName" in part
    ]  # fmt: skip
    assert {metric["MetricName"] for metric in found} == {"Errors"}
    named = [dimension["Value"] for metric in found for dimension in metric.get("Dimensions", ())]
    if cloud.name == "dev":
        assert (len(found), named) == (1, [])
    else:
        assert (
            len(found) == len(named) >= len(cloud.functions()) - 2
        )  # the canary and the keys have alarms of their own


def test_the_budget_notifies_the_encrypted_topic_of_alarms(cloud: Assembly) -> None:
    topic = cloud.by("TopicName", "AWS::SNS::Topic")["alarms"]
    assert topic["KmsMasterKeyId"]
    [budget] = cloud.resources("AWS::Budgets::Budget")
    addresses = {
        subscriber["Address"]
        for notice in budget["NotificationsWithSubscribers"]
        for subscriber in notice["Subscribers"]
    }
    assert addresses == {f"arn:aws:sns:us-east-1:123456789012:{topic['TopicName']}"}


def test_unusual_costs_are_reported_in_environments_with_a_monitor(cloud: Assembly) -> None:
    """The monitor is of services, which every account can have. A monitor of a tag needs the paying account."""
    monitors = cloud.resources("AWS::CE::AnomalyMonitor")
    subscriptions = cloud.resources("AWS::CE::AnomalySubscription")
    assert bool(subscriptions) is (cloud.name in COSTS_WATCHED)
    for monitor in monitors:
        assert (monitor["MonitorType"], monitor["MonitorDimension"]) == ("DIMENSIONAL", "SERVICE")
        assert "MonitorSpecification" not in monitor.properties
    topic = cloud.by("TopicName", "AWS::SNS::Topic")["alarms"]
    for subscription in subscriptions:
        made = [f"{{{monitor.id}.MonitorArn}}" for monitor in monitors]
        assert subscription["MonitorArnList"] == (made or [ACCOUNTS_MONITOR])
        [subscriber] = subscription["Subscribers"]
        assert subscriber["Address"].endswith(f":{topic['TopicName']}")


def test_dashboards_are_json_and_show_every_queue(shown: Assembly) -> None:
    boards = " ".join(str(board["DashboardBody"]) for board in shown.resources("AWS::CloudWatch::Dashboard"))
    for name in shown.by("QueueName", "AWS::SQS::Queue"):
        assert name in boards, name
