"""Needs of an environment that its AWS account must meet: quotas, zones with all services, the monitor of costs.

Each function returns sentences for the operator, one for each thing to do. `make bootstrap` prints them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import boto3
from botocore.exceptions import ClientError

from infra.constructs.private_network import SERVICES
from infra.environments import NEW, Environment, WorkerSize
from infra.fleets import family_of, fleets
from shared.stages.engines import Engine

FARGATE, FARGATE_SPOT = "Fargate On-Demand vCPU resource count", "Fargate Spot vCPU resource count"
GPUS, GPUS_SPOT = "Running On-Demand G and VT instances", "All G and VT Spot Instance Requests"
CONCURRENCY = "Concurrent executions"
CONCURRENT_FUNCTIONS = 1000  # AWS's usual value; a new account may have 10


@dataclass(slots=True)
class Need:
    """Use of a quota: by the first deployment, which starts each worker once, and by all workers at once."""

    service: str  # in Service Quotas, like the name of the quota
    first: float = 0
    most: float = 0


def needs(environment: Environment, engines: Sequence[Engine] | None = None) -> dict[str, Need]:
    """Return the needs of the environment by the name of the quota. Quotas of Fargate and EC2 count vCPUs."""
    found = {CONCURRENCY: Need("lambda", CONCURRENT_FUNCTIONS, CONCURRENT_FUNCTIONS)}

    def add(quota: str, service: str, each: float, size: WorkerSize) -> None:
        need = found.setdefault(quota, Need(service))
        need.first += each
        need.most += each * size.max_tasks

    def add_service(size: WorkerSize) -> None:
        if size.instance_type:
            add(GPUS_SPOT if environment.spot else GPUS, "ec2", _cores(environment, size.instance_type), size)
        else:
            add(FARGATE_SPOT if environment.spot else FARGATE, "fargate", size.cpu_units / 1024, size)

    for fleet in fleets(environment, engines):
        add_service(fleet.size)
    for stage, instance_type in environment.sagemaker.items():
        size = environment.size_of(stage, family_of(stage, engines or environment.engines))
        add(f"{instance_type} for endpoint usage", "sagemaker", 1, size)
    return found


def quotas(environment: Environment, engines: Sequence[Engine] | None = None) -> Iterator[str]:
    """Return the quotas to request."""
    needed = needs(environment, engines)
    client = boto3.client("service-quotas", region_name=environment.region)
    pages = client.get_paginator("list_service_quotas")
    found = {
        quota["QuotaName"]: quota
        for service in sorted({need.service for need in needed.values()})
        for quota in pages.paginate(ServiceCode=service).search("Quotas[]")
    }
    for name, need in needed.items():
        uses = f"{environment.prefix} uses {need.first:g} at first and {need.most:g} with all workers."
        if name not in found:
            yield f"Quota '{name}': AWS returned no value. Compare it in the console. {uses}"
        elif (value := found[name]["Value"]) < need.most:
            effect = "the first deployment fails" if value < need.first else "fewer workers run at once"
            yield (
                f"Quota '{name}' is {value:g}: {effect}. {uses} Request more: aws service-quotas "
                f"request-service-quota-increase --service-code {need.service} --quota-code "
                f"{found[name]['QuotaCode']} --desired-value {math.ceil(need.most)}"
            )


def zones(environment: Environment, engines: Sequence[Engine] | None = None) -> Iterator[str]:
    """Return the services and instance types that a zone of the environment does not have."""
    if not (fleets(environment, engines) or environment.sagemaker):
        return  # functions use no interface endpoints
    ec2 = boto3.client("ec2", region_name=environment.region)
    names = {zone["ZoneName"]: zone["ZoneId"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]}
    services = [f"com.amazonaws.{environment.region}.{service}" for service in SERVICES]
    for found in ec2.describe_vpc_endpoint_services(ServiceNames=services)["ServiceDetails"]:
        there = {names[zone] for zone in found["AvailabilityZones"]}
        yield from _missing(environment.zones[: environment.endpoint_zones], found["ServiceName"], there)
    hosts = {fleet.size.instance_type for fleet in fleets(environment, engines)}
    for kind in sorted(filter(None, hosts)):
        offered = ec2.describe_instance_type_offerings(
            LocationType="availability-zone-id", Filters=[{"Name": "instance-type", "Values": [kind]}]
        )["InstanceTypeOfferings"]
        yield from _missing(environment.zones, kind, {offer["Location"] for offer in offered})


def cost_monitor(environment: Environment) -> Iterator[str]:
    """Return the value for `cost_monitor`, if the environment has another one."""
    try:
        found = boto3.client("ce", region_name=environment.region).get_anomaly_monitors()["AnomalyMonitors"]
    except ClientError as error:  # the account has no data yet
        yield f"Unusual costs: open Cost Explorer once, in the console, and repeat. ({error.response['Error']['Code']})"
        return
    arns = [one["MonitorArn"] for one in found if one.get("MonitorDimension") == "SERVICE"]
    if arns and environment.cost_monitor not in arns:
        yield f'Unusual costs: the account has a monitor. Set cost_monitor="{arns[0]}" for {environment.name}.'
    elif not arns and environment.cost_monitor != NEW:
        yield f"Unusual costs: the account has no monitor. Set cost_monitor=NEW for {environment.name}."


def _missing(wanted: Sequence[str], what: str, there: set[str]) -> Iterator[str]:
    for zone in wanted:
        if zone not in there:
            yield f"Zone {zone} has no {what}; it is in {', '.join(sorted(there))}. Set `zones` in environments.py."


def _cores(environment: Environment, instance_type: str) -> int:
    ec2 = boto3.client("ec2", region_name=environment.region)
    [found] = ec2.describe_instance_types(InstanceTypes=[instance_type])["InstanceTypes"]
    return int(found["VCpuInfo"]["DefaultVCpus"])
