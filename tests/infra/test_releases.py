"""Releases: callers name aliases, aliases move gradually and back, and `make rollback` returns to the last release."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from infra.environments import ENVIRONMENTS
from infra.functions import ALIAS, FUNCTIONS, MAIL_REFUSALS, STAGE_CALLER, VERIFICATION_CALLER, Rollout
from infra.releases import MOVED, STACKS, Releases
from infra.rollback import NoRollback, main, ready, wait
from infra.workers import ISOLATED
from local.environment import ACCOUNT, REGION
from tools import services
from tools.cross_check.emulator import Emulator, emulator
from tools.template import Assembly, Resource, many, run_program

DEV = ENVIRONMENTS["dev"]
BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
ROLLOUT = {row.name: row.rollout for row in FUNCTIONS}
CALLERS = {STAGE_CALLER.name, VERIFICATION_CALLER.name}  # they have no caller where services do the work
SETTINGS = {**ENVIRONMENTS, services.ENVIRONMENT.name: services.ENVIRONMENT}
GRADUAL = {"staging", "prod", "services"}
# Workers and executions of the previous release call them without an alias.
PREVIOUS = {"pipeline-dispatch", "pipeline-settle", "pipeline-grant"}


# --- callers


def called(resource: Resource) -> set[str]:
    """Return the functions that the resource names as a caller does, with their aliases: `rest-jobs:live`."""
    prefix = resource.assembly.prefix
    text = json.dumps(resource.properties)
    if resource.type == "AWS::IAM::Policy":  # without conditions, which name the function that has the role
        text = json.dumps([one["Resource"] for one in resource["PolicyDocument"]["Statement"]])
    named = set(re.findall(rf":function:{prefix}-([\w-]+(?::\w+)?)", text))
    if resource.type == "AWS::Lambda::Url":
        named = {f"{name}:{resource['Qualifier']}" for name in named}
    if resource.type in {"AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission"}:
        named.add(str(resource["FunctionName"]).rpartition(":function:")[2].removeprefix(f"{prefix}-"))
    return named


def test_every_caller_names_the_alias(cloud: Assembly) -> None:
    """The callers are routes, schedules, rules, queues, streams, executions, permissions and roles."""
    found = {
        name for resource in cloud.resources()
        if resource.stack != "delivery"  # its role deletes versions of all functions
        for name in called(resource)
        if resource.type != "AWS::IAM::Policy" or name not in PREVIOUS
    }  # fmt: skip
    unversioned = {name for name, rollout in ROLLOUT.items() if rollout is Rollout.UNVERSIONED}
    uncalled = set() if cloud.resources("AWS::SES::EmailIdentity") else {MAIL_REFUSALS.name}
    uncalled |= set() if cloud.isolated() else CALLERS
    assert found >= {f"{name}:{ALIAS}" for name in {*ROLLOUT, *cloud.isolated()} - unversioned - uncalled}
    assert {name for name in found if not name.endswith(f":{ALIAS}")} <= unversioned


def test_workers_and_executions_of_the_previous_release_may_call_the_functions_themselves(cloud: Assembly) -> None:
    found = {name for policy in cloud.resources("AWS::IAM::Policy") for name in called(policy)}
    assert found - {f"{name}:{ALIAS}" for name in ISOLATED} == {
        name + alias for name in PREVIOUS for alias in ("", f":{ALIAS}")
    }


def test_workers_call_the_alias_by_its_name(cloud: Assembly) -> None:
    given = [function["Environment"]["Variables"] for function in cloud.functions().values()]
    for task in cloud.resources("AWS::ECS::TaskDefinition"):
        given += [{one["Name"]: one["Value"] for one in each["Environment"]} for each in task["ContainerDefinitions"]]
    named = {variables["KINORA_GRANT_FUNCTION"] for variables in given if "KINORA_GRANT_FUNCTION" in variables}
    assert named == {f"{cloud.prefix}-pipeline-grant:{ALIAS}"}


def test_the_settings_of_asynchronous_calls_are_those_of_the_alias(cloud: Assembly) -> None:
    """Lambda does not use the dead-letter queue of `$LATEST` for calls of an alias."""
    for config in cloud.resources("AWS::Lambda::EventInvokeConfig"):
        name = str(config["FunctionName"]).removeprefix(f"{cloud.prefix}-")
        assert (config["Qualifier"] == ALIAS) is (ROLLOUT[name] is not Rollout.UNVERSIONED), name


# --- versions


def test_a_deployment_keeps_the_versions_of_the_release_before(cloud: Assembly) -> None:
    """It deletes those that it created itself if it fails: Lambda refuses to publish the same code again."""
    versions = cloud.resources("AWS::Lambda::Version")
    versioned = sum(rollout is not Rollout.UNVERSIONED for rollout in ROLLOUT.values())
    assert len(versions) == versioned + len(cloud.isolated())
    for version in versions:
        assert version.raw["DeletionPolicy"] == "RetainExceptOnCreate", version
    for task in cloud.resources("AWS::ECS::TaskDefinition"):
        assert task.raw["UpdateReplacePolicy"] == "Retain", task


TWO_LAYERS = """
import sys
from aws_cdk import App, Stack, aws_lambda
from infra.app import flags
app = App(outdir=sys.argv[1], context=flags())
for content in ("one", "two"):
    stack = Stack(app, content)
    code = aws_lambda.Code.from_asset("layers", asset_hash=content)
    aws_lambda.Function(
        stack, "function", runtime=aws_lambda.Runtime.PYTHON_3_13, handler="any",
        code=aws_lambda.Code.from_inline("pass"), layers=[aws_lambda.LayerVersion(stack, "layer", code=code)],
    ).current_version
app.synth()
"""


def test_a_changed_layer_makes_a_new_version(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Otherwise the alias would stay at the version with the old packages."""
    folder = tmp_path_factory.mktemp("layers")
    run_program(TWO_LAYERS, str(folder))
    one, two = (
        {name for name, found in json.loads(file.read_text())["Resources"].items() if "Version" in name}
        for file in folder.glob("*.template.json")
    )
    assert one
    assert not one & two


def test_the_record_of_a_release_has_each_alias_and_service(cloud: Assembly) -> None:
    for found in cloud.resources(*MOVED):
        assert found.stack in STACKS, found
        value = found.raw["Properties"][MOVED[found.type]]
        assert list(value) in (["Fn::GetAtt"], ["Ref"]), found


# --- gradual releases


def test_aliases_move_gradually_in_environments_with_a_traffic_shift(cloud: Assembly) -> None:
    groups = {f"{{{group.id}}}": group for group in cloud.resources("AWS::CodeDeploy::DeploymentGroup")}
    assert bool(groups) is (cloud.name in GRADUAL)
    for alias in cloud.resources("AWS::Lambda::Alias"):
        name = str(alias["FunctionName"]).removeprefix(f"{cloud.prefix}-")
        update = cloud.fill(alias.raw.get("UpdatePolicy", {}), alias.stack).get("CodeDeployLambdaAliasUpdate")
        gradual = ROLLOUT.get(name) is Rollout.GRADUAL  # a function that decodes files changes with its image, at once
        assert bool(update) is (cloud.name in GRADUAL and gradual), name
        if update:
            group = groups.pop(update["DeploymentGroupName"])
            assert group["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{SETTINGS[cloud.name].traffic_shift}"
    assert groups == {}


def test_failures_of_the_new_version_move_the_alias_back(prod: Assembly) -> None:
    alarms = {f"{{{alarm.id}}}": alarm for alarm in prod.resources("AWS::CloudWatch::Alarm")}
    filters = {log["MetricTransformations"][0]["MetricName"]: log for log in prod.resources("AWS::Logs::MetricFilter")}
    groups = prod.resources("AWS::CodeDeploy::DeploymentGroup")
    assert len(groups) == sum(rollout is Rollout.GRADUAL for rollout in ROLLOUT.values())
    for group in groups:
        assert group["AlarmConfiguration"]["Enabled"], group
        assert {"DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"} <= set(
            group["AutoRollbackConfiguration"]["Events"]
        )
        crashes, errors = (alarms[alarm["Name"]] for alarm in group["AlarmConfiguration"]["Alarms"])
        function = group["DeploymentGroupName"]
        [version] = {
            dimension["Value"] for alarm in (crashes, errors) for dimension in alarm["Dimensions"]
            if dimension["Name"] in {"ExecutedVersion", "version"}
        }  # fmt: skip
        assert version.strip("{}").endswith(".Version"), group
        assert {"Name": "Resource", "Value": f"{function}:{ALIAS}"} in crashes["Dimensions"]
        [written] = filters[function]["MetricTransformations"]
        assert (errors["Namespace"], errors["MetricName"]) == (written["MetricNamespace"], written["MetricName"])
        assert written["Dimensions"] == [{"Key": "version", "Value": "$.function_version"}]
        assert filters[function]["LogGroupName"] == f"/aws/lambda/{function}"
        for alarm in (crashes, errors):  # a new alarm: an updated one would keep the state that the old version caused
            assert alarm["AlarmName"].endswith(version), alarm


def test_an_unknown_traffic_shift_is_refused() -> None:
    with pytest.raises(ValueError, match="traffic_shift"):
        replace(DEV, traffic_shift="Canary10Percent1Minute")


def test_the_deployment_role_may_record_releases(cloud: Assembly) -> None:
    [policy] = [found for found in cloud.resources("AWS::IAM::Policy") if found.stack == "delivery"]
    actions = {action for one in policy["PolicyDocument"]["Statement"] for action in many(one["Action"])}
    assert {"ssm:PutParameter", "cloudformation:GetTemplate", "lambda:DeleteFunction"} <= actions


# --- make rollback. moto creates no aliases from templates, so these tests use the second emulator.

Template = dict[str, Any]
SERVICE = FAMILY = "kinora-dev-post-processing"
FUNCTION = "kinora-dev-rest-jobs"


def functions(code: str) -> Template:
    """Return a stack with a function that answers `code`. As in the CDK, each code has a version with another id."""
    properties = {
        "FunctionName": FUNCTION,
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/any",
        "Code": {"ZipFile": f"def handler(event, context):\n    return {code!r}\n"},
    }
    alias = {
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": [f"Version{code}", "Version"]},
        "Name": ALIAS,
    }
    version = {"FunctionName": {"Ref": "Function"}}
    return {
        "Parameters": {"BootstrapVersion": {"Type": "String", "Default": "30"}},
        "Resources": {
            "Function": {"Type": "AWS::Lambda::Function", "Properties": properties},
            f"Version{code}": {
                "Type": "AWS::Lambda::Version", "Properties": version, "DeletionPolicy": "RetainExceptOnCreate",
            },
            "Live": {
                "Type": "AWS::Lambda::Alias",
                "Properties": alias,
                "UpdatePolicy": {
                    "CodeDeployLambdaAliasUpdate": {"ApplicationName": "any", "DeploymentGroupName": "any"}
                },
            },
        },
    }  # fmt: skip


def workers(image: str) -> Template:
    container = {"Name": "worker", "Image": image, "Memory": 512}
    service = {
        "ServiceName": SERVICE, "Cluster": {"Ref": "Cluster"}, "TaskDefinition": {"Ref": "Task"}, "DesiredCount": 0,
    }  # fmt: skip
    return {
        "Resources": {
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "kinora-dev"}},
            "Task": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {"Family": FAMILY, "ContainerDefinitions": [container]},
                "UpdateReplacePolicy": "Retain",
            },
            "Service": {"Type": "AWS::ECS::Service", "Properties": service},
        },
    }


def deploy(code: str, image: str) -> None:
    """Create or update the stacks, as `cdk deploy` does."""
    formation = boto3.client("cloudformation")
    known = {found["StackName"] for found in formation.describe_stacks()["Stacks"]}
    other = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    for stack, template in {
        "pipeline": other,
        "workers": workers(image),
        "api": functions(code),
        "observability": other,
    }.items():
        name = f"kinora-dev-{stack}"
        change = formation.update_stack if name in known else formation.create_stack
        try:
            change(StackName=name, TemplateBody=json.dumps(template))
        except ClientError as error:
            if "No updates" in str(error):
                continue
            raise
        kind = "stack_update_complete" if name in known else "stack_create_complete"
        formation.get_waiter(kind).wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def release(code: str, image: str = "") -> None:
    """Deploy, and record the release, as `make deploy` does."""
    deploy(code, image or code)
    releases = Releases(DEV)
    releases.record()
    releases.delete_older_versions()


def live() -> tuple[str, str]:
    """Return what the alias answers, and the image of the service's tasks."""
    answer = boto3.client("lambda").invoke(FunctionName=f"{FUNCTION}:{ALIAS}")["Payload"].read()
    ecs = boto3.client("ecs")
    [service] = ecs.describe_services(cluster="kinora-dev", services=[SERVICE])["services"]
    task: Any = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    return json.loads(answer), task["containerDefinitions"][0]["image"]


def versions() -> list[str]:
    found = boto3.client("lambda").list_versions_by_function(FunctionName=FUNCTION)["Versions"]
    return [each["Version"] for each in found if each["Version"] != "$LATEST"]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator(tmp_path_factory.mktemp("ministack")) as cloud:
        yield cloud


@pytest.fixture
def account(process: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account in which the second release is live."""
    for name, value in {**process.variables, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    urlopen(Request(f"{process.url}/_ministack/reset", method="POST"), timeout=30).close()  # noqa: S310  # our own process
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    release("one")
    release("two")


@pytest.mark.slow
@pytest.mark.usefixtures("account")
def test_a_rollback_returns_functions_and_workers_to_the_release_before(capsys: pytest.CaptureFixture[str]) -> None:
    assert live() == ("two", "two")
    assert main("dev") == 0
    assert live() == ("one", "one")
    said = capsys.readouterr().out
    assert f"function:{FUNCTION}:{ALIAS}: from 2 to 1" in said
    assert f"service/kinora-dev/{SERVICE}: from {FAMILY}:2 to {FAMILY}:1" in said


@pytest.mark.slow
@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("code", ["two", "three"])
def test_a_deployment_after_a_rollback_moves_aliases_again(code: str) -> None:
    main("dev")
    release(code)
    assert live() == (code, code)
    assert main("dev") == 0
    assert live() == ("one", "one")


@pytest.mark.slow
@pytest.mark.usefixtures("account")
def test_a_function_that_the_release_did_not_change_stays(capsys: pytest.CaptureFixture[str]) -> None:
    release("two", image="three")
    assert main("dev") == 0
    assert live() == ("two", "two")
    assert FUNCTION not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("account")
def test_versions_of_older_releases_are_deleted(capsys: pytest.CaptureFixture[str]) -> None:
    assert versions() == ["1", "2"]
    release("three")
    assert versions() == ["2", "3"]
    assert [main("dev"), main("dev")] == [0, 1]
    assert live() == ("two", "two")
    assert "No release before the live one is recorded" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("account")
def test_a_version_that_the_operator_made_live_is_not_deleted() -> None:
    client = boto3.client("lambda")
    client.update_function_configuration(FunctionName=FUNCTION, Description="keys replaced")
    by_hand = client.publish_version(FunctionName=FUNCTION)["Version"]
    client.update_alias(FunctionName=FUNCTION, Name=ALIAS, FunctionVersion=by_hand)
    Releases(DEV).delete_older_versions()
    assert versions() == ["1", "2", by_hand]


@pytest.mark.slow
@pytest.mark.usefixtures("account")
def test_a_rollback_after_a_deployment_that_did_not_finish_returns_to_the_last_one_that_did() -> None:
    deploy("three", image="two")
    assert main("dev") == 0
    assert live() == ("two", "two")


@pytest.mark.slow
@pytest.mark.usefixtures("account")
def test_a_second_rollback_continues_one_that_failed() -> None:
    boto3.client("s3").delete_bucket(Bucket=BUCKET)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        main("dev")
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    assert main("dev") == 0
    assert live() == ("one", "one")


@pytest.mark.slow
@pytest.mark.usefixtures("process")
def test_a_rollback_of_an_environment_that_was_never_deployed_is_refused(
    process: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in process.variables.items():
        monkeypatch.setenv(name, value)
    assert [main("staging"), main("nowhere")] == [1, 1]
    said = capsys.readouterr().err
    assert "No release is recorded" in said
    assert "there are dev, staging, prod" in said


@contextmanager
def stack_is(status: str) -> Iterator[Any]:
    """Yield a client for which every stack has this status."""
    formation = boto3.client("cloudformation", region_name=REGION)
    stack = {"StackName": "any", "StackStatus": status, "CreationTime": datetime.now(UTC)}
    with Stubber(formation) as answers:
        answers.add_response("describe_stacks", {"Stacks": [stack]})
        yield formation


@pytest.mark.parametrize(
    ("status", "said"), [("UPDATE_IN_PROGRESS", "cancel-update-stack"), ("UPDATE_ROLLBACK_FAILED", "repair the stack")]
)
def test_a_stack_that_cannot_be_updated_is_not_rolled_back(status: str, said: str) -> None:
    with stack_is(status) as formation, pytest.raises(NoRollback, match=said):
        ready(formation, "any")


def test_a_rollback_that_cloudformation_undoes_is_reported() -> None:
    with stack_is("UPDATE_ROLLBACK_COMPLETE") as formation, pytest.raises(NoRollback, match="did not return"):
        wait(formation, "any")
