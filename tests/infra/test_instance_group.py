"""GPU workers in our own Auto Scaling group, for Regions without ECS Managed Instances."""

from typing import Any

import pytest

from shared.stages.stages import Stage
from tests.infra.test_workers import most_of
from tools.elsewhere import ENVIRONMENT
from tools.template import Assembly, Resource, run_program

GROUPED = """
import sys
from dataclasses import replace
from aws_cdk import App
from infra.app import build, flags
from shared.stages.engines import Family
from shared.stages.stages import Stage
from tools.elsewhere import CATALOGUE, ENVIRONMENT
app = App(outdir=sys.argv[1], context=flags())
size = replace(ENVIRONMENT.sizes[Family.CUDA_DIFFUSERS], managed=False)
grouped = replace(
    ENVIRONMENT,
    sizes={**ENVIRONMENT.sizes, Family.CUDA_DIFFUSERS: size},
    stage_sizes={Stage.VIDEO_SYNTHESIS: replace(size, max_tasks=3)},
    sagemaker={},
)
build(app, grouped, CATALOGUE)
app.synth()
"""
GPU_STAGES = [Stage.IMAGE_GENERATION.queue, Stage.VIDEO_SYNTHESIS.queue]


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Its synthesis fails if cdk-nag finds a violation."""
    folder = tmp_path_factory.mktemp("grouped")
    run_program(GROUPED, str(folder))
    return Assembly("elsewhere", folder)


def only(cloud: Assembly, type: str) -> Resource:  # the name in CloudFormation
    [found] = cloud.resources(type)
    return found


def test_the_group_starts_empty_and_ecs_scales_it(grouped: Assembly) -> None:
    assert only(grouped, "AWS::AutoScaling::AutoScalingGroup")["MinSize"] == "0"
    provider = only(grouped, "AWS::ECS::CapacityProvider")["AutoScalingGroupProvider"]
    assert provider["ManagedScaling"]["Status"] == "ENABLED"


def test_the_group_has_room_for_all_workers_of_its_stages(grouped: Assembly) -> None:
    assert (most_of(Stage.IMAGE_GENERATION, grouped), most_of(Stage.VIDEO_SYNTHESIS, grouped)) == (1, 3)
    assert int(only(grouped, "AWS::AutoScaling::AutoScalingGroup")["MaxSize"]) == 4


def test_instances_are_spot_instances_in_a_spot_environment(grouped: Assembly) -> None:
    policy = only(grouped, "AWS::AutoScaling::AutoScalingGroup")["MixedInstancesPolicy"]
    assert policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] == 0
    assert ENVIRONMENT.spot


def test_a_busy_instance_is_not_terminated(grouped: Assembly) -> None:
    assert only(grouped, "AWS::AutoScaling::AutoScalingGroup")["NewInstancesProtectedFromScaleIn"] is True
    provider = only(grouped, "AWS::ECS::CapacityProvider")["AutoScalingGroupProvider"]
    assert provider["ManagedTerminationProtection"] == "ENABLED"


def test_instances_are_encrypted_and_workers_cannot_use_their_role(grouped: Assembly) -> None:
    template = only(grouped, "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
    assert template["MetadataOptions"] == {"HttpPutResponseHopLimit": 1, "HttpTokens": "required"}
    assert all(disk["Ebs"]["Encrypted"] for disk in template["BlockDeviceMappings"])
    assert "ECS_AWSVPC_BLOCK_IMDS=true" in str(template["UserData"])
    assert "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true" in str(template["UserData"])


def test_only_stages_that_need_a_gpu_run_in_the_group(grouped: Assembly) -> None:
    provider = f"{{{only(grouped, 'AWS::ECS::CapacityProvider').id}}}"
    services: dict[str, Any] = grouped.by("ServiceName", "AWS::ECS::Service")
    chosen = {name: service["CapacityProviderStrategy"][0]["CapacityProvider"] for name, service in services.items()}
    assert [name for name, used in chosen.items() if used == provider] == GPU_STAGES
    tasks = {str(task["Family"]): task for task in grouped.resources("AWS::ECS::TaskDefinition")}
    assert tasks["kinora-elsewhere-video-synthesis"]["RequiresCompatibilities"] == ["EC2"]


def test_the_cdk_gives_no_warning(grouped: Assembly) -> None:
    assert [(path, entry) for path, entry in grouped.metadata() if entry["type"] == "aws:cdk:warning"] == []
