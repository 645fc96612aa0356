"""Functions that decode files of strangers: no route, few rights, and callers that wait long enough."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from infra.environments import ENVIRONMENTS, SMALL
from infra.fleets import fleets, stages_in_functions
from infra.functions import ALIAS, STAGE_CALLER, VERIFICATION_CALLER
from infra.workers import ISOLATED, STEPS, VERIFICATION
from shared.aws.clients import WORK_SECONDS
from shared.stages.queues import QUEUES, REMOTE_QUEUE, VERIFICATION_QUEUE
from shared.stages.stages import Stage
from tools.elsewhere import CATALOGUE
from tools.template import Assembly, many
from workers.runtime.isolated import RESERVE_SECONDS

CALLER_OF = {STEPS: STAGE_CALLER, VERIFICATION: VERIFICATION_CALLER}
POST, MOTION = Stage.POST_PROCESSING, Stage.MOTION_TRANSFER


def statements(cloud: Assembly, name: str) -> list[dict[str, Any]]:
    role = str(cloud.isolated()[name]["Role"]).strip("{}").partition(".")[0]
    return [
        statement
        for policy in cloud.resources("AWS::IAM::Policy") if role in str(policy["Roles"])
        for statement in policy["PolicyDocument"]["Statement"]
    ]  # fmt: skip


def test_functions_do_the_work_of_each_real_environment(deployed: Assembly) -> None:
    assert set(deployed.isolated()) == set(ISOLATED)
    assert deployed.resources("AWS::ECS::Service", "AWS::ECS::TaskDefinition", "AWS::SageMaker::Endpoint") == []


def test_an_isolated_function_is_the_image_with_a_handler(deployed: Assembly) -> None:
    for name, module in ((STEPS, "workers.runtime.isolated"), (VERIFICATION, "workers.verification.isolated")):
        function = deployed.isolated()[name]
        assert function["ImageConfig"] == {
            "EntryPoint": ["python", "-m", "awslambdaric"],
            "Command": [f"{module}.handler"],
        }
        assert function["Architectures"] == ["arm64"], "the image is built for Graviton"
        assert function["MemorySize"] == ENVIRONMENTS[deployed.name].cpu_functions_mb
        variables = function["Environment"]["Variables"]
        assert (variables["TMPDIR"], variables["HOME"]) == ("/tmp", "/tmp"), "nothing else can be written"  # noqa: S108  # Lambda's folder
    assert len({json.dumps(one["Code"]) for one in deployed.isolated().values()}) == 1


def test_an_isolated_function_has_no_route_out(deployed: Assembly) -> None:
    subnets = {f"{{{subnet.id}}}" for subnet in deployed.resources("AWS::EC2::Subnet")}
    groups = set()
    for function in deployed.isolated().values():
        assert set(function["VpcConfig"]["SubnetIds"]) == subnets
        groups |= set(function["VpcConfig"]["SecurityGroupIds"])
    assert len(groups) == len(ISOLATED)
    assert deployed.resources("AWS::EC2::InternetGateway", "AWS::EC2::NatGateway") == []
    reached = {(one["VpcEndpointType"], str(one["ServiceName"])) for one in deployed.resources("AWS::EC2::VPCEndpoint")}
    assert reached == {("Gateway", "com.amazonaws.us-east-1.s3"), ("Gateway", "com.amazonaws.us-east-1.dynamodb")}


def test_the_roles_of_isolated_functions_open_two_tables_or_one(deployed: Assembly) -> None:
    for name, tables in ((STEPS, {"jobs", "step-results"}), (VERIFICATION, {"assets"})):
        allowed = [one for one in statements(deployed, name) if one["Effect"] == "Allow"]
        actions = {action for one in allowed for action in many(one["Action"])}
        assert {action.partition(":")[0] for action in actions} == {"dynamodb", "logs", "ec2"}
        assert not {action for action in actions if action.startswith("dynamodb:")} - {
            "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem",
        }  # fmt: skip
        assert set(re.findall(rf"table/{deployed.prefix}-([\w-]+)", json.dumps(allowed))) == tables


def test_only_lambda_makes_addresses_with_the_role(deployed: Assembly) -> None:
    """The code of the function has the same role."""
    for name in ISOLATED:
        found = statements(deployed, name)
        for_lambda = {
            a for one in found if one["Effect"] == "Allow" for a in many(one["Action"]) if a.startswith("ec2:")
        }
        [denied] = [one for one in found if one["Effect"] == "Deny"]
        assert set(denied["Action"]) == for_lambda
        [functions] = denied["Condition"]["ArnEquals"].values()
        assert [arn.partition(f":function:{deployed.prefix}-{name}")[2] for arn in functions] == ["", ":*"]


def test_each_wait_is_longer_than_the_work_inside_it(deployed: Assembly) -> None:
    """The work stops by itself, then Lambda ends it, then the request of its caller ends, then the caller."""
    queues = deployed.by("QueueName", "AWS::SQS::Queue")
    work, caller = (deployed.isolated()[STEPS]["Timeout"], deployed.functions()[STAGE_CALLER.name]["Timeout"])
    assert 0 < work - RESERVE_SECONDS < work < WORK_SECONDS < caller <= 900
    assert {queues[name]["VisibilityTimeout"] for stage in Stage for name in (stage.queue, stage.priority_queue)} == {
        caller
    }
    inspection = deployed.isolated()[VERIFICATION]["Timeout"]
    assert inspection < deployed.functions()[VERIFICATION_CALLER.name]["Timeout"]
    assert queues[VERIFICATION_QUEUE]["VisibilityTimeout"] >= deployed.functions()[VERIFICATION_CALLER.name]["Timeout"]


def test_callers_read_all_tasks_one_by_one(deployed: Assembly) -> None:
    read = {}
    for source in deployed.resources("AWS::Lambda::EventSourceMapping"):
        reader = str(source["FunctionName"]).removeprefix(f"{deployed.prefix}-").removesuffix(f":{ALIAS}")
        if reader in {STAGE_CALLER.name, VERIFICATION_CALLER.name}:
            read[str(source["EventSourceArn"]).rpartition(f"{deployed.prefix}-")[2]] = reader
            assert (source["BatchSize"], source["FunctionResponseTypes"]) == (1, ["ReportBatchItemFailures"])
            assert source["ScalingConfig"]["MaximumConcurrency"] >= 2
    of_workers = {queue.name for queue in QUEUES if queue.has_tasks} - {REMOTE_QUEUE}
    assert set(read) == of_workers
    assert {name for name, reader in read.items() if reader == VERIFICATION_CALLER.name} == {VERIFICATION_QUEUE}


def test_a_caller_calls_its_function_only(deployed: Assembly) -> None:
    for name, caller in CALLER_OF.items():
        variables = deployed.functions()[caller.name]["Environment"]["Variables"]
        assert variables["KINORA_ISOLATED_FUNCTION"] == f"{deployed.prefix}-{name}:{ALIAS}"
    signs = deployed.functions()[STAGE_CALLER.name]["Environment"]["Variables"]["KINORA_SIGNS_FILMS"]
    assert signs == str(ENVIRONMENTS[deployed.name].signs_films).lower()
    assert {one["Environment"]["Variables"]["KINORA_SIGNS_FILMS"] for one in deployed.isolated().values()} == {"false"}


def test_stages_with_a_size_or_a_gpu_have_services() -> None:
    dev = ENVIRONMENTS["dev"]
    assert fleets(dev) == ()
    assert stages_in_functions(dev) == tuple(Stage)
    sized = replace(dev, stage_sizes={POST: SMALL})
    assert [fleet.stages for fleet in fleets(sized)] == [(POST,)]
    assert POST not in stages_in_functions(sized)
    assert set(stages_in_functions(dev, CATALOGUE)) == {MOTION, POST}
    assert stages_in_functions(replace(dev, sagemaker={MOTION: "ml.c7g.xlarge"}), CATALOGUE) == (POST,)
    assert stages_in_functions(replace(dev, cpu_functions_mb=0)) == ()


@pytest.mark.parametrize("change", [{"cpu_functions_mb": 256}, {"cpu_functions_mb": 10_241}, {"warm_workers": 1}])
def test_functions_have_a_memory_that_lambda_offers_and_no_warm_workers(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="cpu_functions_mb must be 512 to 10240"):
        replace(ENVIRONMENTS["dev"], **change)  # type: ignore[arg-type]  # two fields
