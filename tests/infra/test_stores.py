"""Stores: each table, bucket, queue and log group of the templates is in a graph, and each store is in an alarm."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from cfnlint.data import AdditionalSpecs  # type: ignore[import-untyped]  # it ships no types
from cfnlint.helpers import load_resource  # type: ignore[import-untyped]  # as above

from infra.constructs.rest_api import DISTRIBUTION_KEY
from infra.secrets import PAYMENT_SECRETS, PROVENANCE_SECRETS, PROVIDER_KEYS, ROTATED_SECRETS, VERIFICATION_KEYS
from infra.stores import OUR_CALLS, STORES
from infra.tables import RECORDS
from tools.template import Assembly, Resource

STATEFUL: frozenset[str] = frozenset(load_resource(AdditionalSpecs, "StatefulResources.json")["ResourceTypes"])
DEAD_LETTERS = "dead-letters"  # the alarm of the queues that no reader empties
Dimension = tuple[str, str]  # name and value


def test_each_kind_of_store_has_a_row(cloud: Assembly) -> None:
    """The linter's list has the types whose deletion loses data."""
    assert {store.type for store in cloud.resources(*STATEFUL)} == {kind.type for kind in STORES}


def graphed(cloud: Assembly) -> set[Dimension]:
    """Return the dimensions of all metrics in dashboards."""
    found = set[Dimension]()
    for board in cloud.resources("AWS::CloudWatch::Dashboard"):
        for widget in json.loads(board["DashboardBody"])["widgets"]:
            for metric in widget["properties"].get("metrics", ()):
                names = [part for part in metric[2:] if isinstance(part, str)]  # after the namespace and the metric
                found.update(zip(names[::2], names[1::2], strict=True))
    return found


def watched(cloud: Assembly) -> dict[str, set[Dimension]]:
    """Return the dimensions of the metrics of alarms, by the section of the runbook."""
    found: dict[str, set[Dimension]] = {}
    for alarm in cloud.resources("AWS::CloudWatch::Alarm"):
        parts = [part["MetricStat"]["Metric"] for part in alarm.properties.get("Metrics", ()) if "MetricStat" in part]
        page = alarm.properties.get("AlarmDescription", "").rpartition("#")[2]
        for metric in parts or [alarm.properties]:
            found.setdefault(page, set()).update((one["Name"], one["Value"]) for one in metric.get("Dimensions", ()))
    return found


def called(cloud: Assembly) -> set[str]:
    """Return the names of the tables and secrets that our code reaches through the clients that count failures.

    Only CloudFormation reads the key of the distribution, and a failure ends the deployment.
    """
    tables = {str(record.Meta.table_name).removeprefix("kinora-test-") for record in RECORDS}
    secrets = {
        *ROTATED_SECRETS,
        VERIFICATION_KEYS,
        *PROVENANCE_SECRETS,
        *PROVIDER_KEYS,
        *PAYMENT_SECRETS,
        DISTRIBUTION_KEY,
    }
    return {f"{cloud.prefix}-{name}" for name in tables} | {f"kinora/{cloud.name}/{name}" for name in secrets}


def missing(cloud: Assembly, stores: Iterable[Resource]) -> Iterator[str]:
    """Yield each of the stores that no graph or no alarm shows."""
    in_graphs, in_alarms, ours = graphed(cloud), watched(cloud), called(cloud)
    kinds = {kind.type: kind for kind in STORES}
    for store in stores:
        kind = kinds[store.type]
        named = (kind.dimension, store.properties.get(kind.dimension, ""))
        if kind.dimension and named not in in_graphs:
            yield f"no graph shows {store}"
        if kind.alarm == OUR_CALLS and kind.type != "AWS::KMS::Key":
            known = store.properties.get("TableName", store.properties.get("Name")) in ours
        elif kind.dimension and kind.alarm != "budget":
            known = named in in_alarms[kind.alarm] | in_alarms[DEAD_LETTERS]
        else:
            known = True
        if not known:
            yield f"no alarm watches {store}"


def test_each_store_is_in_a_graph_and_in_an_alarm(shown: Assembly) -> None:
    stores = shown.resources(*(kind.type for kind in STORES))
    assert len(stores) > 90
    assert list(missing(shown, stores)) == []


@pytest.mark.parametrize(
    ("type", "properties"),
    [
        ("AWS::DynamoDB::Table", {"TableName": "kinora-prod-new"}),
        ("AWS::S3::Bucket", {"BucketName": "kinora-prod-new"}),
        ("AWS::SQS::Queue", {"QueueName": "kinora-prod-new"}),
    ],
)
def test_a_store_without_them_is_named(
    prod: Assembly, type: str, properties: dict[str, Any]
) -> None:  # CloudFormation's word
    found = Resource("data", "new", {"Type": type, "Properties": properties}, prod)
    assert list(missing(prod, [found])) == ["no graph shows data/new", "no alarm watches data/new"]


def test_each_reader_of_a_stream_or_a_queue_is_in_a_graph_and_in_an_alarm(shown: Assembly) -> None:
    in_graphs, in_alarms = graphed(shown), set[Dimension]().union(*watched(shown).values())
    readers = shown.resources("AWS::Lambda::EventSourceMapping")
    assert readers
    for reader in readers:
        source = str(reader["EventSourceArn"])
        age = (
            ("FunctionName", str(reader["FunctionName"]).partition(":")[0]) if "/stream/" in source
            else ("QueueName", source.rpartition(":")[2])
        )  # fmt: skip
        assert age in in_graphs & in_alarms, reader


def test_the_entrances_are_in_a_graph_and_in_an_alarm(shown: Assembly) -> None:
    in_graphs, in_alarms = graphed(shown), set[Dimension]().union(*watched(shown).values())
    entrances = {"AWS::CloudFront::Distribution": "DistributionId", "AWS::ApiGatewayV2::Api": "ApiId"}
    for type_, dimension in entrances.items():
        [entrance] = shown.resources(type_)
        assert (dimension, f"{{{entrance.id}}}") in in_graphs & in_alarms


def test_the_keys_and_secrets_are_in_the_graph_of_failed_calls(shown: Assembly) -> None:
    [board] = [b for b in shown.resources("AWS::CloudWatch::Dashboard") if "operations" in b["DashboardName"]]
    assert '"Kinora","StoreFailures"' in board["DashboardBody"]
    assert ("environment", shown.name) in watched(shown)[OUR_CALLS]


def test_all_tables_can_be_restored_to_a_time(cloud: Assembly) -> None:
    for table in cloud.resources("AWS::DynamoDB::Table"):
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True, table
