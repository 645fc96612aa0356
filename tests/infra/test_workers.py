"""Workers: the engines of a stage decide its image, the image decides the machine, and idle machines are released."""

import json
from dataclasses import replace
from typing import Any

import pytest

from infra.environments import ENVIRONMENTS, GPU, LARGE, SMALL, Environment
from infra.fleets import family_of, fleets
from shared.stages.engines import ENGINES, Family
from shared.stages.queues import VERIFICATION_QUEUE
from shared.stages.stages import Stage
from tools.elsewhere import CATALOGUE, ENVIRONMENT
from tools.services import ENVIRONMENT as SERVICES
from tools.template import Assembly, Resource, many

IMAGE = Stage.IMAGE_GENERATION
VIDEO = Stage.VIDEO_SYNTHESIS
MOTION = Stage.MOTION_TRANSFER
POST = Stage.POST_PROCESSING
CPU = Family.CPU_MEDIA.value
ON_ENDPOINTS, ON_SERVICES = {IMAGE, POST}, {VIDEO, MOTION}  # in the environment `elsewhere`


def tasks(cloud: Assembly) -> dict[str, Resource]:
    return cloud.by("Family", "AWS::ECS::TaskDefinition")


def container(task: Resource) -> dict[str, Any]:
    [found] = task["ContainerDefinitions"]
    return dict(found)


def endpoint_configs(cloud: Assembly) -> dict[str, dict[str, Any]]:
    """Return the endpoint configurations by the name of the endpoint."""
    configs = {
        f"{{{found.id}.EndpointConfigName}}": found for found in cloud.resources("AWS::SageMaker::EndpointConfig")
    }
    return {
        name: configs[endpoint["EndpointConfigName"]].properties
        for name, endpoint in cloud.by("EndpointName", "AWS::SageMaker::Endpoint").items()
    }


def scaling(cloud: Assembly) -> dict[str, Resource]:
    return {
        str(target["ResourceId"]): target for target in cloud.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    }


def most_of(stage: Stage, cloud: Assembly) -> int:
    """Return the maximum number of workers of the stage, on a service or an endpoint."""
    word = stage.queue.replace("-", "")
    found = {name.replace("-", ""): target["MaxCapacity"] for name, target in scaling(cloud).items()}
    of_stage = [most for name, most in found.items() if word in name]
    [most] = of_stage or [most for name, most in found.items() if CPU.replace("-", "") in name]
    return int(most)


# --- what engines need


def test_the_deployed_engines_use_no_gpu(deployed: Assembly, services: Assembly) -> None:
    assert {family_of(stage, ENGINES) for stage in Stage} == {Family.CPU_MEDIA}
    assert deployed.resources("AWS::ECS::CapacityProvider") == []
    assert tasks(deployed) == {}
    for name, task in tasks(services).items():
        assert task["RequiresCompatibilities"] == ["FARGATE"], name
        assert "ResourceRequirements" not in container(task), name


def test_one_worker_does_all_stages_of_a_film(services: Assembly) -> None:
    """Three services would boot one after the other, and each would stay idle for minutes."""
    assert set(tasks(services)) == {CPU, VERIFICATION_QUEUE}
    assert container(tasks(services)[CPU])["Command"] == ["python", "-m", "workers.runtime.queue_loop", *Stage]


def test_a_service_loads_the_stages_whose_queues_it_consumes_and_reconcile_measures(cloud: Assembly) -> None:
    measured = json.loads(cloud.functions()["pipeline-reconcile"]["Environment"]["Variables"]["KINORA_WORKER_FLEETS"])
    policies = [found for found in cloud.resources("AWS::IAM::Policy") if found.stack == "workers"]
    queues = cloud.by("QueueName", "AWS::SQS::Queue")
    for name, task in tasks(cloud).items():
        stages = [Stage(word) for word in container(task)["Command"] if word in list(Stage)]
        received = {
            arn.rpartition(f"{cloud.prefix}-")[2]
            for policy in policies if f"{task['TaskRoleArn']}".strip("{}").partition(".")[0] in str(policy["Roles"])
            for statement in policy["PolicyDocument"]["Statement"] if "sqs:ReceiveMessage" in many(statement["Action"])
            for arn in many(statement["Resource"])
        }  # fmt: skip
        expected = {queue for stage in stages for queue in (stage.queue, stage.priority_queue)} or {name}
        assert received == expected == set(measured[name]) <= set(queues), name


def test_an_engine_that_needs_a_gpu_moves_only_its_stage() -> None:
    assert {stage for stage in Stage if family_of(stage, CATALOGUE) is Family.CUDA_DIFFUSERS} == {IMAGE, VIDEO}


def test_a_stage_with_a_gpu_engine_has_the_gpu_image_on_instances_that_scale_to_zero(elsewhere: Assembly) -> None:
    video = tasks(elsewhere)[VIDEO.queue]
    assert video["RequiresCompatibilities"] == ["MANAGED_INSTANCES"]
    assert video["RuntimePlatform"]["CpuArchitecture"] == "X86_64"
    assert container(video)["ResourceRequirements"] == [{"Type": "GPU", "Value": "1"}]
    [provider] = elsewhere.resources("AWS::ECS::CapacityProvider")
    wanted = provider["ManagedInstancesProvider"]["InstanceLaunchTemplate"]["InstanceRequirements"]
    assert wanted["AllowedInstanceTypes"] == [GPU.instance_type]
    assert wanted["AcceleratorCount"] == {"Min": 1}
    services = elsewhere.by("ServiceName", "AWS::ECS::Service")
    [strategy] = services[VIDEO.queue].raw["Properties"]["CapacityProviderStrategy"]
    assert strategy["CapacityProvider"] == {"Ref": provider.id}
    [target] = [
        target for name, target in scaling(elsewhere).items() if name.startswith("service/") and "video" in name
    ]
    assert target["MinCapacity"] == 0


def test_other_stages_stay_on_fargate(elsewhere: Assembly) -> None:
    for name in (MOTION.queue, VERIFICATION_QUEUE):
        assert tasks(elsewhere)[name]["RequiresCompatibilities"] == ["FARGATE"]
        assert tasks(elsewhere)[name]["RuntimePlatform"]["CpuArchitecture"] == "ARM64"


def test_each_family_has_its_own_image(elsewhere: Assembly) -> None:
    images = {name: json.dumps(container(task)["Image"]) for name, task in tasks(elsewhere).items()}
    assert images[MOTION.queue] == images[VERIFICATION_QUEUE] != images[VIDEO.queue]
    models = {
        str(model["PrimaryContainer"]["Environment"]["KINORA_STAGE"]): json.dumps(model["PrimaryContainer"]["Image"])
        for model in elsewhere.resources("AWS::SageMaker::Model")
    }
    assert models == {IMAGE: images[VIDEO.queue], POST: images[MOTION.queue]}


@pytest.mark.parametrize(
    "sizes",
    [
        {Family.CPU_MEDIA: LARGE, Family.CUDA_DIFFUSERS: SMALL},
        {Family.CPU_MEDIA: GPU, Family.CUDA_DIFFUSERS: GPU},
    ],
)
def test_a_size_must_suit_its_family(sizes: dict[Family, Any]) -> None:
    values = {name: getattr(ENVIRONMENTS["dev"], name) for name in ENVIRONMENTS["dev"].__dataclass_fields__}
    with pytest.raises(ValueError, match="GPUs"):
        Environment(**values | {"sizes": sizes})


def test_a_region_other_than_us_east_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"eu-west-1 is not supported: .* must be in us-east-1"):
        replace(ENVIRONMENTS["dev"], region="eu-west-1")


def test_a_stage_may_have_its_own_size(elsewhere: Assembly) -> None:
    assert (tasks(elsewhere)[MOTION.queue]["Cpu"], tasks(elsewhere)[MOTION.queue]["Memory"]) == ("8192", "16384")
    assert (tasks(elsewhere)[VIDEO.queue]["Cpu"], tasks(elsewhere)[VIDEO.queue]["Memory"]) == ("3584", "14336")
    assert (most_of(VIDEO, elsewhere), most_of(MOTION, elsewhere), most_of(POST, elsewhere)) == (1, 3, 5)


def test_a_stages_own_size_must_suit_its_engines() -> None:
    wrong = replace(ENVIRONMENT, stage_sizes={VIDEO: SMALL, MOTION: GPU})
    with pytest.raises(ValueError, match="VIDEO_SYNTHESIS needs a size with GPUs"):
        wrong.size_of(VIDEO, family_of(VIDEO, CATALOGUE))
    with pytest.raises(ValueError, match="MOTION_TRANSFER needs a size without GPUs"):
        wrong.size_of(MOTION, family_of(MOTION, CATALOGUE))
    assert wrong.size_of(POST, Family.CPU_MEDIA) == wrong.sizes[Family.CPU_MEDIA]


def test_workers_are_on_spot_only_in_a_spot_environment(cloud: Assembly) -> None:
    spot = {one.name: one for one in (*ENVIRONMENTS.values(), ENVIRONMENT, SERVICES)}[cloud.name].spot
    instances = {found.id: found for found in cloud.resources("AWS::ECS::CapacityProvider")}
    for service in cloud.resources("AWS::ECS::Service"):
        [strategy] = service.raw["Properties"]["CapacityProviderStrategy"]
        match strategy["CapacityProvider"]:
            case {"Ref": name}:
                launched = instances[name]["ManagedInstancesProvider"]["InstanceLaunchTemplate"]
                assert launched["CapacityOptionType"] == ("SPOT" if spot else "ON_DEMAND")
            case name:
                assert name == ("FARGATE_SPOT" if spot else "FARGATE")


def test_warm_workers_are_of_the_service_of_all_stages_only() -> None:
    warm = replace(ENVIRONMENTS["dev"], cpu_functions_mb=0, warm_workers=2, stage_sizes={POST: SMALL})
    assert {fleet.name: fleet.warm for fleet in fleets(warm)} == {CPU: 2, POST.queue: 0, VERIFICATION_QUEUE: 0}
    with pytest.raises(ValueError, match="warm_workers must be 0 to"):
        replace(warm, warm_workers=7)


# --- stages on SageMaker


def test_a_stage_is_either_on_a_service_or_on_an_endpoint(elsewhere: Assembly) -> None:
    assert set(endpoint_configs(elsewhere)) == {stage.queue for stage in ON_ENDPOINTS}
    assert set(tasks(elsewhere)) == {VERIFICATION_QUEUE, *(stage.queue for stage in ON_SERVICES)}


def test_an_endpoint_does_one_task_at_a_time_and_reports_failures(elsewhere: Assembly) -> None:
    topics = elsewhere.by("TopicName", "AWS::SNS::Topic")
    for name, config in endpoint_configs(elsewhere).items():
        asynchronous = config["AsyncInferenceConfig"]
        assert asynchronous["ClientConfig"] == {"MaxConcurrentInvocationsPerInstance": 1}
        topic = asynchronous["OutputConfig"]["NotificationConfig"]["ErrorTopic"]
        assert topic == f"arn:aws:sns:us-east-1:123456789012:kinora-elsewhere-{name}-failed"
        assert topics[f"{name}-failed"]["KmsMasterKeyId"]


def test_failed_invocations_reach_the_stages_dead_letters(elsewhere: Assembly) -> None:
    """`pipeline-signal` reads these dead letters."""
    queues = "arn:aws:sqs:us-east-1:123456789012:kinora-elsewhere-"
    subscriptions = {str(found["TopicArn"]): found for found in elsewhere.resources("AWS::SNS::Subscription")}
    policies = {
        str(queue).rpartition("/")[2]: json.dumps(policy["PolicyDocument"])
        for policy in elsewhere.resources("AWS::SQS::QueuePolicy") for queue in policy["Queues"]
    }  # fmt: skip
    for stage in ON_ENDPOINTS:
        topic = f"arn:aws:sns:us-east-1:123456789012:kinora-elsewhere-{stage.queue}-failed"
        found = subscriptions[topic]
        assert (found["Endpoint"], found["RawMessageDelivery"]) == (f"{queues}{stage.queue}-dlq", True)
        assert (
            json.loads(json.dumps(found["RedrivePolicy"]))["deadLetterTargetArn"] == f"{queues}{stage.queue}-failed-dlq"
        )
        assert topic in policies[f"kinora-elsewhere-{stage.queue}-dlq"]


def test_an_endpoint_starts_empty_and_the_first_task_starts_an_instance(elsewhere: Assembly) -> None:
    wakes = {
        alarm["AlarmName"]: alarm for alarm in elsewhere.resources("AWS::CloudWatch::Alarm")
        if alarm["AlarmName"].endswith("-wake") and alarm.properties.get("MetricName") == "HasBacklogWithoutCapacity"
    }  # fmt: skip
    assert set(wakes) == {f"kinora-elsewhere-{stage.queue}-wake" for stage in ON_ENDPOINTS}
    for stage in ON_ENDPOINTS:
        assert wakes[f"kinora-elsewhere-{stage.queue}-wake"]["AlarmActions"]
    endpoints = {name: target for name, target in scaling(elsewhere).items() if name.startswith("endpoint/")}
    assert len(endpoints) == len(ON_ENDPOINTS)
    for target in endpoints.values():
        assert target["MinCapacity"] == 0


def test_an_endpoint_has_the_alarms_of_a_service_and_its_queue(elsewhere: Assembly) -> None:
    alarms_of_operator = {
        (str(alarm.properties.get("MetricName")), str(alarm["AlarmName"]))
        for alarm in elsewhere.resources("AWS::CloudWatch::Alarm") if ":sns:" in str(alarm["AlarmActions"])
    }  # fmt: skip
    for stage in ON_ENDPOINTS:
        assert ("HasBacklogWithoutCapacity", f"kinora-elsewhere-workers-missing-{stage.queue}") in alarms_of_operator
        assert (
            "ApproximateAgeOfOldestRequest",
            f"kinora-elsewhere-queue-age-{stage.queue}-endpoint",
        ) in alarms_of_operator


def test_dispatch_has_the_names_of_the_endpoints_and_may_call_no_other(elsewhere: Assembly, dev: Assembly) -> None:
    dispatch = elsewhere.functions()["pipeline-dispatch"]
    alarms_of_operator = json.loads(dispatch["Environment"]["Variables"]["KINORA_SAGEMAKER_ENDPOINTS"])
    assert alarms_of_operator == {stage.value: f"kinora-elsewhere-{stage.queue}" for stage in ON_ENDPOINTS}
    assert set(alarms_of_operator.values()) == {f"kinora-elsewhere-{name}" for name in endpoint_configs(elsewhere)}
    may_call = {
        arn.rpartition("/")[2]
        for policy in elsewhere.resources("AWS::IAM::Policy") for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "sagemaker:InvokeEndpointAsync" for arn in many(statement["Resource"])
    }  # fmt: skip
    assert may_call == set(alarms_of_operator.values())
    assert "KINORA_SAGEMAKER_ENDPOINTS" not in dev.functions()["pipeline-dispatch"]["Environment"]["Variables"]


def test_only_disks_that_support_a_key_have_one(elsewhere: Assembly) -> None:
    configs = endpoint_configs(elsewhere)
    assert "KmsKeyId" not in configs[IMAGE.queue]
    assert configs[POST.queue]["KmsKeyId"]


def test_an_endpoint_runs_in_isolated_subnets(elsewhere: Assembly) -> None:
    isolated = {f"{{{found.id}}}" for found in elsewhere.resources("AWS::EC2::Subnet")}
    for model in elsewhere.resources("AWS::SageMaker::Model"):
        assert set(model["VpcConfig"]["Subnets"]) <= isolated
    assert elsewhere.resources("AWS::EC2::InternetGateway", "AWS::EC2::NatGateway") == []


def test_an_endpoint_has_the_environment_variables_of_a_worker(elsewhere: Assembly) -> None:
    [service] = {json.dumps(sorted(v["Name"] for v in container(t)["Environment"])) for t in tasks(elsewhere).values()}
    for model in elsewhere.resources("AWS::SageMaker::Model"):
        assert set(model["PrimaryContainer"]["Environment"]) == {*json.loads(service), "KINORA_STAGE"}


# --- the network


def test_zones_are_named_by_id(cloud: Assembly) -> None:
    """The name us-east-1a is another zone in each account, and a zone can lack a service."""
    subnets = cloud.resources("AWS::EC2::Subnet")
    assert tuple(subnet["AvailabilityZoneId"] for subnet in subnets) == ENVIRONMENT.zones
    assert [subnet for subnet in subnets if "AvailabilityZone" in subnet.properties] == []


def test_interface_endpoints_serve_this_account_only(cloud: Assembly) -> None:
    endpoints = [
        found for found in cloud.resources("AWS::EC2::VPCEndpoint") if found["VpcEndpointType"] == "Interface"
    ]  # fmt: skip
    assert bool(endpoints) is bool(tasks(cloud)), "functions need none"
    for endpoint in endpoints:
        [statement] = endpoint["PolicyDocument"]["Statement"]
        assert statement["Condition"] == {
            "StringEquals": {"aws:PrincipalAccount": "123456789012"},
            "StringEqualsIfExists": {"aws:ResourceAccount": "123456789012"},
        }, endpoint


def test_services_are_deleted_before_the_association_of_their_capacity_providers(cloud: Assembly) -> None:
    [association] = cloud.resources("AWS::ECS::ClusterCapacityProviderAssociations")
    for service in cloud.resources("AWS::ECS::Service"):
        assert association.id in service.raw["DependsOn"], service


def test_a_stage_on_an_endpoint_writes_into_a_group_with_retention(elsewhere: Assembly) -> None:
    groups = {str(group["LogGroupName"]): group for group in elsewhere.resources("AWS::Logs::LogGroup")}
    for stage in ON_ENDPOINTS:
        assert groups[f"/aws/sagemaker/Endpoints/kinora-elsewhere-{stage.queue}"]["RetentionInDays"] == 7


def test_our_own_hosts_reach_ecs(elsewhere: Assembly, services: Assembly) -> None:
    def reached(cloud: Assembly) -> set[str]:
        return {
            str(found["ServiceName"]).rpartition("us-east-1.")[2] for found in cloud.resources("AWS::EC2::VPCEndpoint")
        }

    assert reached(elsewhere) - reached(services) == {"ecs", "ecs-agent", "ecs-telemetry"}


def test_the_verifier_of_uploads_reaches_neither_the_pipeline_nor_its_secrets(cloud: Assembly) -> None:
    """It cannot reach the endpoints of hosts either: it decodes untrusted uploads, so its network is the smallest."""
    if not tasks(cloud):
        return
    [verifier] = [
        group
        for name, service in cloud.by("ServiceName", "AWS::ECS::Service").items() if name == VERIFICATION_QUEUE
        for group in service["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
    ]  # fmt: skip
    open_to_it = {
        rule["GroupId"] for rule in cloud.resources("AWS::EC2::SecurityGroupIngress")
        if rule["SourceSecurityGroupId"] == verifier
    }  # fmt: skip
    reached = {
        str(found["ServiceName"]).rpartition("us-east-1.")[2]
        for found in cloud.resources("AWS::EC2::VPCEndpoint")
        if open_to_it & set(found.properties.get("SecurityGroupIds", ()))
    }
    [rule] = cloud.resources("AWS::XRay::SamplingRule")
    traces = {"xray"} if rule["SamplingRule"]["FixedRate"] else set()  # an unsampled trace makes no call
    assert reached == {"sqs", "logs", "ecr.api", "ecr.dkr", "lambda"} | traces


def test_the_environment_elsewhere_has_the_expected_endpoints() -> None:
    assert set(ENVIRONMENT.sagemaker) == ON_ENDPOINTS
