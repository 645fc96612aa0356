"""Sentences of `make bootstrap` about an account: quotas, zones, the monitor of costs."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from infra.account import CONCURRENCY, FARGATE_SPOT, GPUS_SPOT, cost_monitor, needs, quotas, zones
from infra.constructs.private_network import SERVICES
from infra.environments import ENVIRONMENTS, NEW
from tools.elsewhere import ACCOUNTS_MONITOR, CATALOGUE, ENVIRONMENT
from tools.services import ENVIRONMENT as SERVICES_ENVIRONMENT
from tools.template import Assembly

DEV = replace(ENVIRONMENTS["dev"], cpu_functions_mb=0)
ZONES = {"us-east-1a": "use1-az6", "us-east-1b": "use1-az4", "us-east-1c": "use1-az3"}
GPU_CORES = {"InstanceTypes": [{"VCpuInfo": {"DefaultVCpus": 4}}]}
Stub = Callable[[str], Stubber]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """Return a function that returns the stub of a service, which botocore checks. moto lacks these answers."""
    session = boto3.session.Session()
    stubs: dict[str, Stubber] = {}

    def stub(service: str) -> Stubber:
        if service not in stubs:
            stubs[service] = Stubber(session.client(service, region_name="us-east-1"))  # type: ignore[call-overload]  # a name
            stubs[service].activate()
        return stubs[service]

    monkeypatch.setattr(boto3, "client", lambda service, **_: stub(service).client)
    yield stub
    for used in stubs.values():
        used.assert_no_pending_responses()


def give(stub: Stubber, services: dict[str, dict[str, float]]) -> None:
    """Add one page of quotas for each service, in the order of the calls."""
    for service in sorted(services):
        listed = [{"QuotaName": name, "QuotaCode": "L-7", "Value": value} for name, value in services[service].items()]
        stub.add_response("list_service_quotas", {"Quotas": listed}, {"ServiceCode": service})


def test_the_first_deployment_starts_one_task_of_each_service(services: Assembly) -> None:
    tasks = services.by("Family", "AWS::ECS::TaskDefinition")
    need = needs(SERVICES_ENVIRONMENT)[FARGATE_SPOT]
    assert need.first == sum(int(task["Cpu"]) for task in tasks.values()) / 1024 == 6
    assert need.most == 4 * 60 + 2 * 2


def test_functions_need_neither_fargate_nor_zones_with_endpoints() -> None:
    assert needs(ENVIRONMENTS["prod"]).keys() == {CONCURRENCY}
    assert list(zones(ENVIRONMENTS["prod"])) == []


def test_gpus_and_endpoints_have_quotas_of_their_own(aws: Stub) -> None:
    aws("ec2").add_response("describe_instance_types", GPU_CORES, {"InstanceTypes": ["g6.xlarge"]})
    found = {name: (need.service, need.first, need.most) for name, need in needs(ENVIRONMENT, CATALOGUE).items()}
    assert found[GPUS_SPOT] == ("ec2", 4, 4)
    assert found["ml.g6.xlarge for endpoint usage"] == ("sagemaker", 1, 1)
    assert found["ml.c7g.xlarge for endpoint usage"] == ("sagemaker", 1, 5)


def test_a_new_account_is_told_which_quotas_to_request(aws: Stub) -> None:
    give(aws("service-quotas"), {"fargate": {FARGATE_SPOT: 3, "Another": 0}, "lambda": {CONCURRENCY: 10}})
    functions, workers = sorted(quotas(DEV))
    assert "'Concurrent executions' is 10: the first deployment fails" in functions
    assert "is 3: the first deployment fails. kinora-dev uses 4 at first and 16 with all workers" in workers
    assert workers.endswith("--service-code fargate --quota-code L-7 --desired-value 16")


def test_a_quota_between_the_first_deployment_and_all_workers_limits_the_workers(aws: Stub) -> None:
    give(aws("service-quotas"), {"fargate": {FARGATE_SPOT: 10}, "lambda": {CONCURRENCY: 1000}})
    [workers] = quotas(DEV)
    assert "fewer workers run at once" in workers


def test_enough_is_silent_and_a_missing_value_is_not(aws: Stub) -> None:
    give(aws("service-quotas"), {"fargate": {FARGATE_SPOT: 20}, "lambda": {}})
    [functions] = quotas(DEV)
    assert "AWS returned no value" in functions


def offer(stub: Stubber, missing: str, there: list[str]) -> None:
    stub.add_response(
        "describe_availability_zones",
        {"AvailabilityZones": [{"ZoneName": name, "ZoneId": zone} for name, zone in ZONES.items()]},
    )
    names = [f"com.amazonaws.us-east-1.{service}" for service in SERVICES]
    details = [
        {"ServiceName": name, "AvailabilityZones": there if name.endswith(missing) else list(ZONES)} for name in names
    ]
    stub.add_response("describe_vpc_endpoint_services", {"ServiceDetails": details}, {"ServiceNames": names})


def test_a_zone_without_a_service_is_named_with_the_zones_that_have_it(aws: Stub) -> None:
    offer(aws("ec2"), ".lambda", ["us-east-1a", "us-east-1c"])
    [problem] = zones(DEV)
    assert problem.startswith("Zone use1-az4 has no com.amazonaws.us-east-1.lambda; it is in use1-az3, use1-az6.")


def test_only_zones_with_endpoints_need_the_services(aws: Stub) -> None:
    offer(aws("ec2"), ".lambda", ["us-east-1b"])
    assert DEV.endpoint_zones == 1
    assert list(zones(DEV)) == []


def test_each_zone_needs_the_instance_type(aws: Stub) -> None:
    offer(aws("ec2"), ".lambda", list(ZONES))
    offered = [{"InstanceType": "g6.xlarge", "Location": "use1-az4"}]
    aws("ec2").add_response("describe_instance_type_offerings", {"InstanceTypeOfferings": offered})
    [problem] = zones(ENVIRONMENT, CATALOGUE)
    assert problem.startswith("Zone use1-az6 has no g6.xlarge; it is in use1-az4.")


@pytest.mark.parametrize(
    ("monitor", "found", "said"),
    [
        (None, [ACCOUNTS_MONITOR], f'cost_monitor="{ACCOUNTS_MONITOR}"'),
        (NEW, [ACCOUNTS_MONITOR], f'cost_monitor="{ACCOUNTS_MONITOR}"'),
        (ACCOUNTS_MONITOR, [ACCOUNTS_MONITOR], None),
        (None, [], "cost_monitor=NEW"),
        (ACCOUNTS_MONITOR, [], "cost_monitor=NEW"),
        (NEW, [], None),
    ],
)
def test_the_monitor_of_the_account_is_named(
    aws: Stub, monitor: str | None, found: list[str], said: str | None
) -> None:
    listed: list[dict[str, Any]] = [
        {"MonitorArn": arn, "MonitorName": "Default", "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE"}
        for arn in found
    ]
    aws("ce").add_response("get_anomaly_monitors", {"AnomalyMonitors": listed})
    sentences = list(cost_monitor(replace(DEV, cost_monitor=monitor)))
    assert len(sentences) == (said is not None)
    assert (said or "") in " ".join(sentences)


def test_an_account_without_cost_explorer_is_told_to_open_it(aws: Stub) -> None:
    aws("ce").add_client_error("get_anomaly_monitors", service_error_code="DataUnavailableException")
    [sentence] = cost_monitor(DEV)
    assert "open Cost Explorer once" in sentence


def test_no_environment_creates_a_monitor_by_default() -> None:
    """AWS refuses a second one, and most accounts have one."""
    assert NEW not in [environment.cost_monitor for environment in ENVIRONMENTS.values()]
