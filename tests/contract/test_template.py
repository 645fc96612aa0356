"""The template and the laptop cloud create the same resources under the same names."""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import grimp
import pytest
from moto import mock_aws

from infra.constructs.rest_api import DISTRIBUTION_KEY
from infra.functions import (
    ALIAS,
    AUTHORIZER,
    BILLING,
    FAN_OUT,
    IMPORTS,
    JOBS_STREAM,
    NOTICES,
    PIPELINE,
    RECONCILE_EVERY_SECONDS,
    REMOTE_ENGINES,
    REST_DOMAINS,
    SOCKET_ROUTES,
    STAGE_CALLER,
    UPKEEP,
    UPKEEP_EVERY_SECONDS,
    VERIFICATION_CALLER,
    WEBHOOKS,
    WEBHOOKS_STREAM,
)
from infra.tables import RECORDS
from local.environment import PREFIX, ROOT, environment
from local.gateway.app import ENTRIES
from local.provision import create_queues, definition
from shared.core.config import Config
from shared.stages.queues import (
    BILLING_QUEUE,
    FAN_OUT_QUEUE,
    IMPORT_QUEUE,
    NOTICE_QUEUE,
    QUEUES,
    REMOTE_QUEUE,
    VERIFICATION_QUEUE,
    WEBHOOKS_QUEUE,
)
from shared.stages.stages import Stage
from tools.template import Assembly, Resource, many, synthesized

# Variables that are set on the laptop only. The cloud uses their defaults.
LAPTOP_ONLY = {"KINORA_UPLOAD_ENDPOINT_URL", "KINORA_STRIPE_URL"}
# Variables that are set in the cloud only. The laptop has no SageMaker endpoints and no Sentry, and it signs its films.
# Only the imitation of providers can call it.
CLOUD_ONLY = {
    "KINORA_SAGEMAKER_ENDPOINTS", "KINORA_SENTRY_DSN", "KINORA_SIGNS_FILMS",
    "KINORA_WORKER_CLUSTER", "KINORA_WORKER_FLEETS", "KINORA_PROVIDER_WEBHOOK_URL",
}  # fmt: skip
# Variables with the function that reads them. Code that does not call the function does not need the variable.
READ_THROUGH = {
    "KINORA_MEDIA_URL": "media_access",
    "KINORA_SOCKET_ENDPOINT_URL": "sockets",
}


@pytest.fixture(scope="module")
def dev() -> Assembly:
    return synthesized("dev")


def of_laptop(value: Any, cloud: Assembly) -> Any:
    """Return the value of the template with the laptop's prefix in its names."""
    return json.loads(json.dumps(value).replace(cloud.prefix, PREFIX))


# --- tables


def described_by_template(table: Resource) -> dict[str, Any]:
    found = table.properties
    return {
        "keys": found["KeySchema"],
        "attributes": sorted((a["AttributeName"], a["AttributeType"]) for a in found["AttributeDefinitions"]),
        "indexes": sorted(map(described_index, found.get("GlobalSecondaryIndexes", ())), key=str),
        "stream": found.get("StreamSpecification", {}).get("StreamViewType"),
        "ttl": found.get("TimeToLiveSpecification", {}).get("AttributeName"),
        "billing": found["BillingMode"],
    }


def described_index(index: dict[str, Any]) -> dict[str, Any]:
    projection = index["Projection"]
    return {
        "name": index["IndexName"],
        "keys": index["KeySchema"],
        "projection": (projection["ProjectionType"], sorted(projection.get("NonKeyAttributes", ()))),
    }


def described_by_laptop(name: str) -> dict[str, Any]:
    client = boto3.client("dynamodb")
    found: Any = client.describe_table(TableName=name)["Table"]
    ttl: Any = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    return {
        "keys": found["KeySchema"],
        "attributes": sorted((a["AttributeName"], a["AttributeType"]) for a in found["AttributeDefinitions"]),
        "indexes": sorted(map(described_index, found.get("GlobalSecondaryIndexes", ())), key=str),
        "stream": found.get("StreamSpecification", {}).get("StreamViewType"),
        "ttl": ttl.get("AttributeName"),
        "billing": found["BillingModeSummary"]["BillingMode"],
    }


def test_the_template_and_the_laptop_have_the_same_tables(dev: Assembly) -> None:
    tables = dev.by("TableName", "AWS::DynamoDB::Table")
    with mock_aws():
        for record in RECORDS:
            record.create_table()
        names = {record.Meta.table_name.removeprefix("kinora-test-"): record.Meta.table_name for record in RECORDS}
        assert set(tables) == set(names)
        for short, name in names.items():
            assert described_by_template(tables[short]) == described_by_laptop(name), short


# --- queues


Redelivery = tuple[int, int, str]  # visibility timeout in seconds, maximum deliveries, dead letter queue


def redelivery(visibility: Any, redrive: Any, prefix: str) -> Redelivery:
    letters = redrive["deadLetterTargetArn"].rpartition(":")[2].removeprefix(f"{prefix}-")
    return int(visibility), int(redrive["maxReceiveCount"]), letters


def queues_of_laptop() -> tuple[dict[str, Redelivery], set[str]]:
    """Return the queues that `local/provision.py` creates: the work queues, and the names of dead letter queues."""
    working, letters = dict[str, Redelivery](), set[str]()
    with mock_aws():
        sqs = boto3.client("sqs")
        create_queues(sqs)
        for url in sqs.list_queues()["QueueUrls"]:
            name = url.rpartition("/")[2].removeprefix(f"{PREFIX}-")
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            if "RedrivePolicy" in found:
                working[name] = redelivery(found["VisibilityTimeout"], json.loads(found["RedrivePolicy"]), PREFIX)
            else:
                letters.add(name)
    return working, letters


def test_the_template_and_the_laptop_have_the_same_queues(dev: Assembly) -> None:
    queues = dev.by("QueueName", "AWS::SQS::Queue")
    working = {
        name: redelivery(found["VisibilityTimeout"], found["RedrivePolicy"], dev.prefix)
        for name, found in queues.items() if "RedrivePolicy" in found.properties
    }  # fmt: skip
    on_laptop, letters = queues_of_laptop()
    assert working == on_laptop
    assert working == {
        queue.name: (queue.visibility_seconds, queue.max_receives, f"{queue.name}-dlq") for queue in QUEUES
    }
    assert letters == {f"{queue.name}-dlq" for queue in QUEUES}
    assert letters <= set(queues)


# --- functions


def test_functions_have_the_laptops_names_and_handlers(dev: Assembly) -> None:
    functions = {name: found["Handler"] for name, found in dev.functions().items()}
    for name, entry in ENTRIES.items():
        assert functions[name] == entry.replace(":", ".")
    cloud_only = set(functions) - set(ENTRIES)
    # The laptop makes its own keys, its workers are processes with logs in files, and no message bounces.
    assert cloud_only == {"rotation-begin", "rotation-rotate", "canary", "errors-workers", "notices-refusals"} | {
        STAGE_CALLER.name, VERIFICATION_CALLER.name,
    }  # fmt: skip


def test_events_reach_the_functions_that_the_laptop_calls(dev: Assembly) -> None:
    """The events are dead letters, the jobs stream and the schedule."""
    sources = {
        (
            found["EventSourceArn"].partition("/stream/")[0].rpartition(f"{dev.prefix}-")[2],
            found["FunctionName"].removesuffix(f":{ALIAS}"),
        )
        for found in dev.resources("AWS::Lambda::EventSourceMapping")
    }
    assert sources == {
        *((f"{queue.name}-dlq", f"{dev.prefix}-pipeline-signal") for queue in QUEUES if queue.has_tasks),
        *((REMOTE_QUEUE, f"{dev.prefix}-{function.name}") for function in REMOTE_ENGINES),
        *(("jobs", f"{dev.prefix}-{function.name}") for function in (*JOBS_STREAM, *WEBHOOKS_STREAM)),
        *((FAN_OUT_QUEUE, f"{dev.prefix}-{function.name}") for function in FAN_OUT),
        *((BILLING_QUEUE, f"{dev.prefix}-{function.name}") for function in BILLING),
        *((WEBHOOKS_QUEUE, f"{dev.prefix}-{function.name}") for function in WEBHOOKS),
        *((IMPORT_QUEUE, f"{dev.prefix}-{function.name}") for function in IMPORTS),
        *((NOTICE_QUEUE, f"{dev.prefix}-{function.name}") for function in NOTICES),
        *(
            (name, f"{dev.prefix}-{STAGE_CALLER.name}")
            for stage in Stage
            for name in (stage.queue, stage.priority_queue)
        ),
        (VERIFICATION_QUEUE, f"{dev.prefix}-{VERIFICATION_CALLER.name}"),
    }
    schedules = {
        called_by(target["Arn"]): rule.properties["ScheduleExpression"]
        for rule in dev.resources("AWS::Events::Rule") if "ScheduleExpression" in rule.properties
        for target in rule["Targets"]
    }  # fmt: skip
    assert schedules[f"{dev.prefix}-pipeline-reconcile"] == f"rate({RECONCILE_EVERY_SECONDS // 60} minute)"
    for row in UPKEEP:
        hourly = row.every_seconds == UPKEEP_EVERY_SECONDS
        assert schedules[f"{dev.prefix}-{row.name}"] == "rate(1 hour)" if hourly else "rate(5 minutes)"


# --- routes


def called_by(integration_uri: str) -> str:
    """Return the function's name in the integration URI of API Gateway."""
    found = re.search(r":function:([\w-]+)", integration_uri)
    assert found, integration_uri
    return found[1]


def rest_methods(cloud: Assembly) -> Iterator[tuple[str, str, Resource]]:
    """Yield each method of the REST API, such as `("POST", "/api/auth/login", ...)`."""
    resources = {found.id: found.raw["Properties"] for found in cloud.resources("AWS::ApiGateway::Resource")}

    def path(id: str) -> str:  # noqa: A002  # CloudFormation's word
        own = resources[id]
        parent = own["ParentId"].get("Ref")
        return f"{path(parent) if parent else ''}/{own['PathPart']}"

    for method in cloud.resources("AWS::ApiGateway::Method"):
        yield str(method["HttpMethod"]), path(method.raw["Properties"]["ResourceId"]["Ref"]), method


def test_rest_routes_are_those_of_the_laptop_and_only_public_ones_need_no_token(dev: Assembly) -> None:
    public = {route for domain in REST_DOMAINS for route in domain.public}
    found = {f"{verb} {path}": method for verb, path, method in rest_methods(dev)}
    for domain in REST_DOMAINS:
        parameters = {part for route in domain.public for part in route.split("/")[3:4] if part.startswith("{")}
        below = [f"/{part}" for part in (*parameters, *domain.beside)]
        for part in ("", *below, *(f"{part}/{{proxy+}}" for part in below or [""])):
            assert found[f"ANY /api/{domain.name}{part}"]["AuthorizationType"] == "CUSTOM", part
    assert {route for route, method in found.items() if method["AuthorizationType"] == "NONE"} == public
    for route, method in found.items():
        domain_name = route.split("/")[2]
        assert called_by(method["Integration"]["Uri"]) == f"{dev.prefix}-rest-{domain_name}", route
        if route not in public:
            assert "AuthorizerId" in method.properties, route
    domains = {route.split("/")[2] for route in found}
    assert domains == {domain.name for domain in REST_DOMAINS}


def test_socket_routes_are_those_of_the_laptop_and_connecting_needs_a_token(dev: Assembly) -> None:
    integrations = {
        found.id: called_by(found["IntegrationUri"]) for found in dev.resources("AWS::ApiGatewayV2::Integration")
    }
    routes = {found["RouteKey"]: found for found in dev.resources("AWS::ApiGatewayV2::Route")}
    assert set(routes) == set(SOCKET_ROUTES)
    for key, route in routes.items():
        target = route["Target"].removeprefix("integrations/").strip("{}")
        assert integrations[target] == f"{dev.prefix}-{SOCKET_ROUTES[key].name}"
        assert ("AuthorizerId" in route.properties) == (key == "$connect")
    [api] = dev.resources("AWS::ApiGatewayV2::Api")
    assert api["RouteSelectionExpression"] == "$request.body.type"
    authorizers = dev.resources("AWS::ApiGateway::Authorizer", "AWS::ApiGatewayV2::Authorizer")
    assert {called_by(found["AuthorizerUri"]) for found in authorizers} == {f"{dev.prefix}-authorizer"}
    assert dev.functions()["authorizer"]["Handler"] == AUTHORIZER.handler.replace(":", ".")


# --- the state machine


def test_the_state_machine_is_that_of_the_laptop(dev: Assembly) -> None:
    [machine] = dev.resources("AWS::StepFunctions::StateMachine")
    assert machine["StateMachineName"] == f"{dev.prefix}-generate-video"
    text = dev.asset(machine["DefinitionS3Location"]["Key"]).read_text()
    for name, arn in machine["DefinitionSubstitutions"].items():
        text = text.replace(f"${{{name}}}", arn)
    assert of_laptop(json.loads(text), dev) == json.loads(definition())
    called = {called_by(arn).removeprefix(f"{dev.prefix}-") for arn in machine["DefinitionSubstitutions"].values()}
    assert called <= {function.name for function in PIPELINE}


# --- environment variables


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("shared", "functions", "workers", cache_dir=None)


def code_of(entry: str) -> set[str]:
    """Return the entry's module and all modules of this repository that it imports, directly or indirectly."""
    return {entry, *graph().find_upstream_modules(entry)}


def source(module: str) -> str:
    path = ROOT / Path(*module.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()


def variables_read(entry: str) -> set[str]:
    """Return the variables that the entry's code reads, except those of READ_THROUGH whose function it never calls."""
    modules = code_of(entry)
    classes: set[type[Config]] = set()
    for module in modules:
        members = vars(import_module(module)).values() if "Config" in source(module) else ()
        classes |= {found for found in members if isinstance(found, type) and issubclass(found, Config)}
    read = {f"KINORA_{name.upper()}" for found in classes for name in found.model_fields}
    for module in modules:
        read |= set(re.findall(r"os\.environ\.get\(['\"](KINORA_\w+)", source(module)))
    return {
        name for name in read
        if name not in READ_THROUGH
        or any(re.search(rf"(?<!def )\b{READ_THROUGH[name]}\(", source(module)) for module in modules)
    }  # fmt: skip


def set_on_laptop() -> set[str]:
    return set(environment("http://moto", "http://gateway"))


@pytest.mark.parametrize("entry", sorted({*ENTRIES.values()}))
def test_each_variable_that_a_function_reads_and_the_laptop_sets_is_set_in_the_template(
    dev: Assembly, entry: str
) -> None:
    needed = variables_read(entry.partition(":")[0]) & set_on_laptop() - LAPTOP_ONLY
    assert needed
    for name, function in dev.functions().items():
        if function["Handler"] == entry.replace(":", "."):
            assert needed <= set(function["Environment"]["Variables"]), name


def test_each_variable_that_a_worker_reads_and_the_laptop_sets_is_set_in_the_template(dev: Assembly) -> None:
    for task in dev.resources("AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            module = next(part for part in container["Command"] if part.startswith("workers."))
            given = {variable["Name"] for variable in container["Environment"]}
            needed = variables_read(module) & set_on_laptop() - LAPTOP_ONLY
            assert needed
            assert needed <= given, task


def test_each_variable_of_the_template_is_set_on_the_laptop(dev: Assembly) -> None:
    """Code on the laptop gets the variables that it gets in the cloud."""
    of_both = {entry.replace(":", ".") for entry in ENTRIES.values()}
    given = {
        name: set(function["Environment"]["Variables"])
        for name, function in dev.functions().items() if function["Handler"] in of_both
    }  # fmt: skip
    assert len(given) == len(ENTRIES)
    for task in dev.resources("AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            given[task["Family"]] = {variable["Name"] for variable in container["Environment"]}
    for name, variables in given.items():
        assert variables - CLOUD_ONLY <= set_on_laptop(), name


def test_variables_with_an_address_have_one_pattern_on_the_laptop_and_in_the_cloud(dev: Assembly) -> None:
    """Queue URLs and table names consist of a prefix and a name, so that the same code finds them in both places."""
    laptop = environment("https://sqs.us-east-1.amazonaws.com", "https://gateway")
    for function in dev.functions().values():
        given = function["Environment"]["Variables"]
        for name in ("KINORA_TABLE_PREFIX", "KINORA_QUEUE_URL_PREFIX", "KINORA_STATE_MACHINE_ARN"):
            assert of_laptop(given[name], dev) == laptop[name], function
        assert given["KINORA_SECRET_PREFIX"] == laptop["KINORA_SECRET_PREFIX"].replace("local", "dev")


def test_the_template_and_the_laptop_have_the_same_secrets(dev: Assembly, tmp_path: Path) -> None:
    from local.keys import secret_values  # noqa: PLC0415  # needed in this test only; making keys takes 1 s

    names = {found["Name"].removeprefix("kinora/dev/") for found in dev.resources("AWS::SecretsManager::Secret")}
    assert names - {DISTRIBUTION_KEY} == set(secret_values(tmp_path))  # the laptop has no distribution


def test_every_permission_to_call_names_an_existing_function(dev: Assembly) -> None:
    known = {f"{dev.prefix}-{name}" for name in dev.functions()}
    permissions = dev.resources("AWS::Lambda::Permission")
    assert permissions
    for permission in permissions:
        name = str(many(permission["FunctionName"])[0])
        assert name.rpartition(":function:")[2].partition(":")[0] in known, permission
