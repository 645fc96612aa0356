"""Deployment of the synthesized template into an emulator, as `cdk deploy` does it: assets first, then each stack."""

import json
import os
import sys
import sysconfig
import time
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.environment import ACCOUNT, REGION, ROOT, for_process, models
from local.processes import Lifeline, Process
from shared.stages.queues import VERIFICATION_QUEUE
from shared.stages.stages import Stage
from tools.cross_check.emulator import Emulator
from tools.template import Assembly, many

BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"  # the name that `cdk bootstrap` uses
STACKS = ("data", "pipeline", "api", "web")
STACK_SECONDS = 90
SOCKET_VARIABLE = "KINORA_SOCKET_ENDPOINT_URL"  # the template's value is an address of AWS

# Stacks and resource types that are not deployed, with the reason.
OMITTED_STACKS = {
    "workers": "MiniStack runs no images. The functions have this source tree; services are processes.",
    "observability": "Alarms have no reader here. MiniStack does not support budgets and cost anomalies.",
    "delivery": "MiniStack does not support GitHub's identity provider.",
}
OMITTED_TYPES = {
    "AWS::SecretsManager::RotationSchedule": "not supported by MiniStack",
    "AWS::Logs::DeliverySource": "not supported by MiniStack",
    "AWS::Logs::DeliveryDestination": "not supported by MiniStack",
    "AWS::Logs::Delivery": "not supported by MiniStack",
    "AWS::Lambda::LayerVersion": "built for Graviton; functions use this machine's packages instead",
}


class DeploymentFailed(Exception):
    """A stack was not created. The message names the failed resources and the reasons."""


def adapted(template: dict[str, Any], variables: dict[str, str], formation: Any) -> dict[str, Any]:
    """Return the template without OMITTED_TYPES, with these variables added to all functions.

    The outputs of earlier stacks replace the references to them, which MiniStack does not support.
    """
    changed: dict[str, Any] = _resolved(template, formation)
    omitted = {name for name, found in changed["Resources"].items() if found["Type"] in OMITTED_TYPES}
    changed["Resources"] = {name: found for name, found in changed["Resources"].items() if name not in omitted}
    for resource in changed["Resources"].values():
        depends = resource.get("DependsOn", [])
        resource["DependsOn"] = [name for name in many(depends) if name not in omitted]
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Properties"]["Layers"] = []
            resource["Properties"]["Environment"]["Variables"] |= variables
    return changed


def _resolved(value: Any, formation: Any) -> Any:
    match value:
        case {"Fn::GetStackOutput": {"StackName": stack, "OutputName": name}}:
            [found] = formation.describe_stacks(StackName=stack)["Stacks"]
            return next(output["OutputValue"] for output in found["Outputs"] if output["OutputKey"] == name)
        case dict():
            return {name: _resolved(inner, formation) for name, inner in value.items()}
        case list():
            return [_resolved(inner, formation) for inner in value]
    return value


def deploy(
    cloud: Assembly, emulator: Emulator, variables: dict[str, str], *, update: bool = False
) -> Iterator[tuple[str, int, float]]:
    """Create the stacks, or update them. Yield each stack's name, number of resources and seconds.

    `variables` are set on every function in addition to those of the template. Raise DeploymentFailed.
    """
    storage, formation = emulator.client("s3"), emulator.client("cloudformation")
    if not update:
        emulator.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
        storage.create_bucket(Bucket=BUCKET)
    for asset in cloud.folder.glob("asset.*"):
        if asset.is_file():
            storage.put_object(Bucket=BUCKET, Key=asset.name.removeprefix("asset."), Body=asset.read_bytes())
    everywhere = {"PYTHONPATH": sysconfig.get_path("purelib")} | variables
    for name in STACKS:
        began = time.monotonic()
        template = adapted(cloud.stacks[name], everywhere, formation)
        storage.put_object(Bucket=BUCKET, Key=f"{name}.template.json", Body=json.dumps(template).encode())
        stack = f"{cloud.prefix}-{name}"
        try:
            (formation.update_stack if update else formation.create_stack)(
                StackName=stack,
                TemplateURL=f"{emulator.url}/{BUCKET}/{name}.template.json",
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )
        except ClientError as error:
            if "No updates" not in str(error):
                raise
        _wait(formation, stack)
        yield name, len(template["Resources"]), time.monotonic() - began


def deploy_isolated(cloud: Assembly, emulator: Emulator) -> None:
    """Create the functions that do the work of the CPU stages. They import this source tree instead of an image."""
    from infra.functions import ALIAS  # noqa: PLC0415  # its records read the environment at import

    functions = emulator.client("lambda")
    bundle = BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("empty.txt", "")
    for name, found in cloud.isolated().items():
        [handler] = found["ImageConfig"]["Command"]
        variables = found["Environment"]["Variables"] | models() | emulator.variables
        paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])}
        made = functions.create_function(
            FunctionName=f"{cloud.prefix}-{name}",
            Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
            Role=f"arn:aws:iam::{ACCOUNT}:role/{name}",
            Handler=handler,
            Code={"ZipFile": bundle.getvalue()},
            Environment={"Variables": variables | paths},
            Timeout=found["Timeout"],
            MemorySize=found["MemorySize"],
            Publish=True,
        )
        functions.create_alias(FunctionName=made["FunctionName"], Name=ALIAS, FunctionVersion=made["Version"])


def set_variable(emulator: Emulator, name: str, value: str) -> None:
    """Set a variable to another value on every function that has it, and move the function's aliases."""
    functions = emulator.client("lambda")
    for page in functions.get_paginator("list_functions").paginate():
        for found in page["Functions"]:
            variables = found.get("Environment", {}).get("Variables", {})
            if name in variables:
                function = found["FunctionName"]
                functions.update_function_configuration(
                    FunctionName=function, Environment={"Variables": variables | {name: value}}
                )
                for alias in functions.list_aliases(FunctionName=function)["Aliases"]:
                    version = functions.publish_version(FunctionName=function)["Version"]
                    functions.update_alias(FunctionName=function, Name=alias["Name"], FunctionVersion=version)


def resource(emulator: Emulator, stack: str, type: str) -> str:
    """Return the physical id of the stack's only resource of a type."""
    found = emulator.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    [one] = [entry["PhysicalResourceId"] for entry in found if entry["ResourceType"] == type]
    return str(one)


def addresses(emulator: Emulator, cloud: Assembly) -> tuple[str, str]:
    """Return the HTTP addresses of the REST API and of the WebSocket API."""
    rest, socket = (
        f"{emulator.url}/_aws/execute-api/{resource(emulator, f'{cloud.prefix}-api', type)}/v1"
        for type in ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api")
    )
    return rest, socket


def headers_of_cloudfront(emulator: Emulator) -> dict[str, str]:
    """Return the headers that CloudFront adds to requests. MiniStack has no CloudFront, but requires them."""
    keys = emulator.client("apigateway").get_api_keys(includeValues=True)["items"]
    return {"x-api-key": keys[0]["value"]} if keys else {}


def worker_processes(
    cloud: Assembly, emulator: Emulator, folder: Path, lifeline: Lifeline, root: Path = ROOT
) -> dict[str, Process]:
    """Return a process for each stage of each task definition, and for the verifier, by queue. They are not started.

    Each runs the command with the variables of its task definition, and with one stage, so that a check can stop the
    workers of a stage. `root` is the source tree of the release.
    """
    made = {}
    for task in cloud.resources("AWS::ECS::TaskDefinition"):
        [container] = task["ContainerDefinitions"]
        given = {variable["Name"]: variable["Value"] for variable in container["Environment"]}
        _python, _m, module, *arguments = container["Command"]
        variables = for_process(given | emulator.variables)
        for name in [Stage(one).queue for one in arguments] or [VERIFICATION_QUEUE]:
            stages = [one for one in arguments if Stage(one).queue == name]
            made[name] = Process(
                name, module, stages, environment=variables, log=folder / f"{name}.log", lifeline=lifeline, root=root
            )
    return made


def _wait(formation: Any, stack: str) -> None:
    deadline = time.monotonic() + STACK_SECONDS
    status = ""
    while time.monotonic() < deadline:
        [found] = formation.describe_stacks(StackName=stack)["Stacks"]
        status = found["StackStatus"]
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
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
