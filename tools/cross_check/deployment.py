"""Deploys the synthesized template into an emulator, as `cdk deploy` would: assets first, then stack after stack."""

import json
import sysconfig
import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from local.environment import ACCOUNT, REGION
from tools.cross_check.emulator import Emulator
from tools.template import Assembly, many

BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"  # as `cdk bootstrap` would make it
STACKS = ("data", "pipeline", "api", "web")
STACK_SECONDS = 90

# Everything that is not deployed, and why.
LEFT_OUT_STACKS = {
    "workers": "ECS would run containers: the same worker modules run as processes here.",
    "observability": "Nothing reads alarms here; budgets and cost anomalies are unknown to MiniStack.",
    "delivery": "GitHub's identity provider is unknown to MiniStack.",
}
LEFT_OUT_TYPES = {
    "AWS::SecretsManager::RotationSchedule": "unknown to MiniStack",
    "AWS::Logs::DeliverySource": "unknown to MiniStack",
    "AWS::Logs::DeliveryDestination": "unknown to MiniStack",
    "AWS::Logs::Delivery": "unknown to MiniStack",
    "AWS::Lambda::LayerVersion": "built for Graviton: functions get this machine's packages instead",
}


class DeploymentFailed(Exception):
    """A stack did not come up; the message says which resources failed, and why."""


def adapted(template: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    """The template without what MiniStack cannot make, its functions with these variables besides their own."""
    kept = deepcopy(template)
    gone = {name for name, found in kept["Resources"].items() if found["Type"] in LEFT_OUT_TYPES}
    kept["Resources"] = {name: found for name, found in kept["Resources"].items() if name not in gone}
    for resource in kept["Resources"].values():
        depends = resource.get("DependsOn", [])
        resource["DependsOn"] = [name for name in many(depends) if name not in gone]
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Layers"] = []
            resource["Properties"]["Environment"]["Variables"] |= variables
    return kept


def deploy(cloud: Assembly, emulator: Emulator, variables: dict[str, str]) -> Iterator[tuple[str, int, float]]:
    """Bring up the stacks; yields each one's name, how many resources it has and its seconds.

    `variables` are set on every function, besides those of the template. Raises DeploymentFailed.
    """
    storage, formation = emulator.client("s3"), emulator.client("cloudformation")
    emulator.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    storage.create_bucket(Bucket=BUCKET)
    for asset in cloud.folder.glob("asset.*"):
        if asset.is_file():
            storage.put_object(Bucket=BUCKET, Key=asset.name.removeprefix("asset."), Body=asset.read_bytes())
    everywhere = {"PYTHONPATH": sysconfig.get_path("purelib")} | variables
    for name in STACKS:
        began = time.monotonic()
        template = adapted(cloud.stacks[name], everywhere)
        storage.put_object(Bucket=BUCKET, Key=f"{name}.template.json", Body=json.dumps(template).encode())
        stack = f"{cloud.prefix}-{name}"
        formation.create_stack(
            StackName=stack,
            TemplateURL=f"{emulator.url}/{BUCKET}/{name}.template.json",
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        _wait(formation, stack)
        yield name, len(template["Resources"]), time.monotonic() - began


def tell_functions(emulator: Emulator, name: str, value: str) -> None:
    """Give a variable another value on every function that has it."""
    functions = emulator.client("lambda")
    for page in functions.get_paginator("list_functions").paginate():
        for found in page["Functions"]:
            variables = found.get("Environment", {}).get("Variables", {})
            if name in variables:
                functions.update_function_configuration(
                    FunctionName=found["FunctionName"], Environment={"Variables": variables | {name: value}}
                )


def resource(emulator: Emulator, stack: str, type: str) -> str:
    """The physical id of the stack's only resource of a type."""
    found = emulator.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    [one] = [entry["PhysicalResourceId"] for entry in found if entry["ResourceType"] == type]
    return str(one)


def _wait(formation: Any, stack: str) -> None:
    deadline = time.monotonic() + STACK_SECONDS
    status = ""
    while time.monotonic() < deadline:
        [found] = formation.describe_stacks(StackName=stack)["Stacks"]
        status = found["StackStatus"]
        if status == "CREATE_COMPLETE":
            return
        if not status.endswith("_IN_PROGRESS") or "ROLLBACK" in status:
            break
        time.sleep(0.2)
    events = formation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [
        f"{event['ResourceType']} {event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
        for event in events if "FAILED" in event["ResourceStatus"]
    ]  # fmt: skip
    raise DeploymentFailed(f"{stack} is {status}: {'; '.join(failed)}")
