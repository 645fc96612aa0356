"""Each property that AWS bills has a line on the sheet of costs. A type of resource that nobody has judged fails.

`BILLED` has the types of which AWS bills something: the lines of a resource, the lines of its properties, and the
properties that are free. `FREE` has the other types with the reason.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import chain

import pytest

from tools.costs import extras, idle, in_use, job
from tools.template import APPS, Assembly, synthesized

NAMES = "Name Tags Description"  # of most resources, free


@dataclass(frozen=True)
class Billed:
    """A type of resource. `of` are the lines of a resource, `by` the lines of its properties, `free` the others."""

    of: tuple[str, ...] = ()
    by: dict[str, tuple[str, ...]] = field(default_factory=dict)
    free: str = ""


LOGS = ("logs", "logs of schedules and of the network")
REST = ("REST requests",)
CALLS = ("function calls", "function time", "INIT of functions", "runs of schedules")
WORKERS = ("workers", "workers of the canary's films")
BILLED: dict[str, Billed] = {
    "AWS::ApiGateway::RestApi": Billed(REST, free=f"{NAMES} EndpointConfiguration"),
    "AWS::ApiGateway::Stage": Billed(
        by={"AccessLogSetting": LOGS, "TracingEnabled": ("traces",), "MethodSettings": ("logs",)},
        free=f"{NAMES} DeploymentId RestApiId StageName",
    ),
    "AWS::ApiGatewayV2::Api": Billed(
        ("WebSocket messages", "WebSocket minutes", "data of WebSockets"),
        free=f"{NAMES} ProtocolType RouteSelectionExpression",
    ),
    "AWS::ApiGatewayV2::Stage": Billed(
        by={"AccessLogSettings": LOGS, "DefaultRouteSettings": ()}, free=f"{NAMES} ApiId AutoDeploy StageName"
    ),
    "AWS::ApplicationAutoScaling::ScalableTarget": Billed(
        by={"MinCapacity": WORKERS, "MaxCapacity": WORKERS},
        free="ResourceId RoleARN ScalableDimension ServiceNamespace Tags",
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Billed(
        by={"TargetTrackingScalingPolicyConfiguration": ("metrics of the alarms of scaling",)},
        free="PolicyName PolicyType ScalingTargetId StepScalingPolicyConfiguration",
    ),
    "AWS::CloudFront::Distribution": Billed(
        by={
            "DistributionConfig": (
                "requests at the edge", "data of the API and of pages", "requests for films at the edge",
                "films streamed", "logs of the edge and of buckets, for a month",
            )
        },
        free="Tags",
    ),
    "AWS::CloudFront::Function": Billed(
        ("functions at the edge",), free=f"{NAMES} AutoPublish FunctionCode FunctionConfig"
    ),
    "AWS::CloudWatch::Alarm": Billed(
        by={
            **dict.fromkeys(("Metrics", "MetricName"), ("metrics of alarms",)),
            **dict.fromkeys(("AlarmActions", "OKActions"), ("notices about alarms",)),
        },
        free="AlarmDescription AlarmName ComparisonOperator Dimensions EvaluationPeriods ExtendedStatistic Namespace "
        "Period Statistic Tags Threshold TreatMissingData",
    ),
    "AWS::CloudWatch::Dashboard": Billed(("dashboards",), free="DashboardBody DashboardName Tags"),
    "AWS::DynamoDB::Table": Billed(
        ("DynamoDB writes", "DynamoDB reads", "items and their backup for a month"),
        by={
            "GlobalSecondaryIndexes": ("DynamoDB writes", "DynamoDB reads", "items and their backup for a month"),
            "PointInTimeRecoverySpecification": ("items and their backup for a month",),
            "SSESpecification": ("requests for encryption keys", "requests for encryption keys of tables"),
        },
        # Lambda reads a stream without charge, and DynamoDB deletes expired items without charge.
        free="AttributeDefinitions BillingMode DeletionProtectionEnabled KeySchema StreamSpecification TableName Tags "
        "TimeToLiveSpecification",
    ),
    "AWS::EC2::FlowLog": Billed(
        ("logs of schedules and of the network",),
        free="DeliverLogsPermissionArn LogDestinationType LogGroupName ResourceId ResourceType Tags TrafficType",
    ),
    "AWS::EC2::VPCEndpoint": Billed(
        by={"SubnetIds": ("interface endpoints, per zone", "data through interface endpoints")},
        free="PolicyDocument PrivateDnsEnabled RouteTableIds SecurityGroupIds ServiceName Tags VpcEndpointType VpcId",
    ),
    "AWS::ECS::CapacityProvider": Billed(
        by={"ManagedInstancesProvider": ("an hour of an instance with a GPU",)}, free="ClusterName Tags Name"
    ),
    "AWS::ECS::Service": Billed(
        (*WORKERS, "measurements of queues, once a minute"), by={"CapacityProviderStrategy": WORKERS},
        free="Cluster DeploymentConfiguration DeploymentController EnableECSManagedTags NetworkConfiguration "
        "PropagateTags ServiceName Tags TaskDefinition",
    ),
    "AWS::ECS::TaskDefinition": Billed(
        by={
            **dict.fromkeys(("Cpu", "Memory"), WORKERS),
            "ContainerDefinitions": (*WORKERS, "images and bundles of deployments", *LOGS),
        },
        free="ExecutionRoleArn Family NetworkMode RequiresCompatibilities RuntimePlatform Tags TaskRoleArn Volumes",
    ),
    "AWS::KMS::Key": Billed(
        ("encryption keys", "requests for encryption keys"), free="Description EnableKeyRotation KeyPolicy Tags"
    ),
    "AWS::Lambda::EventSourceMapping": Billed(
        by={"EventSourceArn": ("polls of idle queues by functions", "queue requests")},
        free="BatchSize BisectBatchOnFunctionError DestinationConfig FunctionName FunctionResponseTypes "
        "MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds MaximumRetryAttempts ScalingConfig StartingPosition "
        "Tags",
    ),
    "AWS::Lambda::Function": Billed(
        CALLS,
        by={
            "MemorySize": ("function time",), "TracingConfig": ("traces",), "LoggingConfig": LOGS,
            "SnapStart": ("snapshots of functions, GB", "restores of snapshots"),
            "EphemeralStorage": WORKERS, "Code": ("images and bundles of deployments",),
        },
        # A function that decodes files has an image and scratch space: `tools/worker_costs.py`.
        free="Architectures Description Environment FunctionName Handler ImageConfig Layers PackageType RecursiveLoop "
        "Role Runtime Tags Timeout VpcConfig",
    ),
    "AWS::Lambda::LayerVersion": Billed(
        by={"Content": ("images and bundles of deployments",)},
        free="CompatibleArchitectures CompatibleRuntimes Description LayerName",
    ),
    "AWS::Logs::LogGroup": Billed(
        LOGS, by={"DataProtectionPolicy": ("masked logs",), "RetentionInDays": LOGS}, free="LogGroupName Tags"
    ),
    "AWS::Logs::Delivery": Billed(
        ("logs of the edge and of buckets, for a month",),
        free="DeliveryDestinationArn DeliverySourceName RecordFields Tags",
    ),
    "AWS::Logs::SubscriptionFilter": Billed(("function calls",), free="DestinationArn FilterPattern LogGroupName"),
    "AWS::Route53::HealthCheck": Billed(
        ("health checks of the probe",),
        by={"HealthCheckConfig": ("options of the health checks", "requests of the probe, /api/health")},
        free="HealthCheckTags",
    ),
    "AWS::Route53::RecordSet": Billed(
        ("a million queries of a name",), free="AliasTarget HostedZoneId Name ResourceRecords TTL Type"
    ),
    "AWS::S3::Bucket": Billed(
        ("objects written", "objects read", "films stored for a month"),
        by={
            "BucketEncryption": ("requests for encryption keys",),
            "VersioningConfiguration": ("films stored for a month",),
            "LoggingConfiguration": ("logs of the edge and of buckets, for a month",),
            "LifecycleConfiguration": ("films stored for a month",),
        },
        free="BucketName CorsConfiguration OwnershipControls PublicAccessBlockConfiguration Tags",
    ),
    "AWS::SES::EmailIdentity": Billed(("a thousand emails",), free="ConfigurationSetAttributes EmailIdentity Tags"),
    "AWS::SNS::Topic": Billed(("notices about alarms",), free="KmsMasterKeyId Tags TopicName"),
    "AWS::SQS::Queue": Billed(
        ("queue requests",),
        free="MessageRetentionPeriod QueueName RedrivePolicy SqsManagedSseEnabled Tags VisibilityTimeout",
    ),
    "AWS::SageMaker::EndpointConfig": Billed(
        by={"ProductionVariants": ("an hour of ml.g6.xlarge", "an hour of ml.c7g.xlarge")},
        free="AsyncInferenceConfig KmsKeyId Tags",
    ),
    "AWS::SecretsManager::RotationSchedule": Billed(
        ("reads of secrets",), free="RotateImmediatelyOnUpdate RotationLambdaARN RotationRules SecretId"
    ),
    "AWS::SecretsManager::Secret": Billed(
        ("secrets", "reads of secrets"), free="GenerateSecretString KmsKeyId Name Tags"
    ),
    "AWS::StepFunctions::StateMachine": Billed(
        ("state transitions",), by={"LoggingConfiguration": ("logs",), "TracingConfiguration": ("traces",)},
        free="DefinitionS3Location DefinitionSubstitutions RoleArn StateMachineName Tags",
    ),
    "AWS::WAFv2::WebACL": Billed(
        ("firewalls", "requests at firewalls"), by={"Rules": ("firewall rules",)},
        free="DataProtectionConfig DefaultAction Name Scope Tags VisibilityConfig",
    ),
    "AWS::WAFv2::LoggingConfiguration": Billed(
        ("logs",), free="LogDestinationConfigs LoggingFilter RedactedFields ResourceArn"
    ),
}  # fmt: skip
PART = "a part of the API or of the site, which is billed by requests"
RIGHT = "a right"
NETWORK = "a part of the network; only endpoints, gateways and addresses are billed"
FREE = {
    **dict.fromkeys(
        (f"AWS::ApiGateway::{part}" for part in ("Account", "ApiKey", "Authorizer", "Deployment", "GatewayResponse",
                                                 "Method", "Resource", "UsagePlan", "UsagePlanKey")), PART
    ),
    **dict.fromkeys(
        (f"AWS::ApiGatewayV2::{part}" for part in ("ApiMapping", "Authorizer", "DomainName", "Integration", "Route")),
        PART,
    ),
    **dict.fromkeys(
        (f"AWS::CloudFront::{part}" for part in ("CachePolicy", "OriginAccessControl", "ResponseHeadersPolicy")), PART
    ),
    **dict.fromkeys(
        (f"AWS::EC2::{part}" for part in ("RouteTable", "SecurityGroup", "SecurityGroupEgress", "SecurityGroupIngress",
                                          "Subnet", "SubnetRouteTableAssociation", "VPC")), NETWORK
    ),
    **dict.fromkeys(
        (f"AWS::IAM::{part}" for part in ("InstanceProfile", "ManagedPolicy", "OIDCProvider", "Policy", "Role")), RIGHT
    ),
    **dict.fromkeys(
        ("AWS::Lambda::Permission", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"), RIGHT
    ),
    "AWS::Budgets::Budget": "a budget without actions",
    "AWS::CE::AnomalySubscription": "anomaly detection is free",
    "AWS::CertificateManager::Certificate": "a public certificate",
    "AWS::CodeDeploy::Application": "deployments of functions are free",
    "AWS::CodeDeploy::DeploymentGroup": "deployments of functions are free",
    "AWS::ECS::Cluster": "a name; Container Insights is off (test_container_insights_and_metrics_of_routes_are_off)",
    "AWS::ECS::ClusterCapacityProviderAssociations": "a choice of providers",
    "AWS::Events::Rule": "rules for schedules and for events of AWS's services",
    "AWS::KMS::Alias": "a name of a key",
    "AWS::Lambda::Alias": "a name of a version",
    "AWS::Lambda::EventInvokeConfig": "retries are calls of the function",
    "AWS::Lambda::Url": "an address; its calls are calls of the function",
    "AWS::Lambda::Version": "a copy of code; a snapshot is billed with its function",
    "AWS::Logs::DeliveryDestination": "a name; the delivery is billed",
    "AWS::Logs::DeliverySource": "a name; the delivery is billed",
    "AWS::Logs::MetricFilter": "its metric exists only in hours in which a new release reports errors",
    "AWS::SES::ConfigurationSet": "a name of settings",
    "AWS::SES::ConfigurationSetEventDestination": "notices of bounces and complaints",
    "AWS::SNS::Subscription": "deliveries to queues are free",
    "AWS::SageMaker::Endpoint": "its configuration has the instances, whose hours are billed",
    "AWS::SageMaker::Model": "an image and a role",
    "AWS::WAFv2::WebACLAssociation": "a connection of a firewall",
    "AWS::XRay::SamplingRule": "it lowers the number of traces",
    "Custom::Keys": "one call at a deployment",
}  # fmt: skip


def lines(cloud: Assembly) -> set[str]:
    """Return the names of all lines of the sheet of an environment. These two have the most."""
    if cloud.name == "elsewhere":
        return lines(synthesized("prod")) | lines(synthesized("services"))
    return {line[0] for line in chain(idle(cloud), in_use(cloud, job()), extras())}


def faults(cloud: Assembly, sheet: Collection[str]) -> set[str]:
    """Return each type that nobody has judged, and each property without a line."""
    found = set[str]()
    for resource in cloud.resources():
        judged = BILLED.get(resource.type)
        if judged is None:
            if resource.type not in FREE:
                found.add(f"{resource.type} is neither billed nor free")
            continue
        properties = resource.raw.get("Properties", {})
        found |= {f"{resource.type}.{name}" for name in properties.keys() - judged.by.keys() - {*judged.free.split()}}
        needed = {*judged.of, *chain.from_iterable(judged.by[name] for name in properties.keys() & judged.by.keys())}
        found |= {f"{resource.type} needs the line {name!r}" for name in needed - {*sheet}}
    return found


@pytest.mark.parametrize("app", APPS)
def test_each_property_that_is_billed_has_a_line(app: str) -> None:
    cloud = synthesized(app)
    assert faults(cloud, lines(cloud)) == set()


def test_a_new_type_a_new_property_and_a_lost_line_are_faults(dev: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(FREE, "AWS::ECS::Cluster")
    monkeypatch.setitem(BILLED, "AWS::KMS::Key", Billed(("encryption keys",), free="Description KeyPolicy Tags"))
    assert faults(dev, lines(dev) - {"state transitions"}) == {
        "AWS::ECS::Cluster is neither billed nor free",
        "AWS::KMS::Key.EnableKeyRotation",
        "AWS::StepFunctions::StateMachine needs the line 'state transitions'",
    }


def test_container_insights_and_metrics_of_routes_are_off(cloud: Assembly) -> None:
    """Switched on, they would need lines: a metric costs $0.30 a month, for each route or service."""
    [cluster] = cloud.resources("AWS::ECS::Cluster")
    assert "ClusterSettings" not in cluster.properties
    [rest], [socket] = cloud.resources("AWS::ApiGateway::Stage"), cloud.resources("AWS::ApiGatewayV2::Stage")
    assert not any(settings["MetricsEnabled"] for settings in rest["MethodSettings"])
    assert not socket["DefaultRouteSettings"].get("DetailedMetricsEnabled")


def test_no_type_is_judged_twice_and_each_exists() -> None:
    used = {resource.type for app in APPS for resource in synthesized(app).resources()}
    assert BILLED.keys() & FREE.keys() == set()
    assert (BILLED.keys() | FREE.keys()) - used == set()
