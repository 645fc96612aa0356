"""A stage on a SageMaker asynchronous endpoint instead of ECS. Like ECS it runs no instance while no task waits.

The endpoint runs the stage's worker image as `serve` (`workers/runtime/sagemaker.py`). The worker records a task's
result as on ECS; the endpoint's response only means that the task is finished. SageMaker publishes failed invocations
to the `failures` topic, and `pipeline/signal` lets the step be tried again.
"""

from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.media_bucket import ANSWERS
from infra.constructs.scaling import MINUTE, TASKS_PER_WORKER, scaling_role, track, wake
from infra.environments import Environment, WorkerSize

VARIANT = "worker"
# Actions with which SageMaker attaches a container to our network. Most of them do not support resources in IAM.
NETWORKING = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)


class SageMakerStage(Construct):
    """The endpoint `{prefix}-{name}`. `.role` is the worker's role, which receives the grants, as on ECS."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        name: str,
        image: assets.DockerImageAsset,
        variables: Mapping[str, str],
        instance_type: str,
        size: WorkerSize,
        log_group: logs.ILogGroup,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        bucket_name: str,
        key: kms.IKey,
        failures: sns.ITopic,
    ) -> None:
        super().__init__(scope, id)
        self.endpoint_name = f"{environment.prefix}-{name}"
        self.role = self._role(image)
        log_group.grant_write(self.role)
        self._grant_publish(failures, key)
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=self.role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image.image_uri, environment=dict(variables)
            ),
            vpc_config=sagemaker.CfnModel.VpcConfigProperty(
                subnets=[subnet.subnet_id for subnet in vpc.isolated_subnets],
                security_group_ids=[security_group.security_group_id],
            ),
        )
        model.node.add_dependency(self.role)  # and its policies: SageMaker pulls the image when it creates the model
        answers = f"s3://{bucket_name}/{ANSWERS}{name}"
        asynchronous = sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty(
            client_config=sagemaker.CfnEndpointConfig.AsyncInferenceClientConfigProperty(
                max_concurrent_invocations_per_instance=1
            ),
            output_config=sagemaker.CfnEndpointConfig.AsyncInferenceOutputConfigProperty(
                kms_key_id=key.key_arn,
                s3_output_path=f"{answers}/taken",
                s3_failure_path=f"{answers}/failed",
                notification_config=sagemaker.CfnEndpointConfig.AsyncInferenceNotificationConfigProperty(
                    error_topic=failures.topic_arn
                ),
            ),
        )
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            # GPU instances have local disks with hardware encryption. SageMaker refuses a key for them.
            kms_key_id=None if size.gpus else key.key_arn,
            async_inference_config=asynchronous,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=instance_type,
                    initial_instance_count=1,  # SageMaker's minimum at creation; scaling reduces it to 0
                    initial_variant_weight=1,
                )
            ],
        )
        endpoint = sagemaker.CfnEndpoint(
            self, "Endpoint", endpoint_name=self.endpoint_name, endpoint_config_name=config.attr_endpoint_config_name
        )
        self._scale(endpoint, size)

    @property
    def age(self) -> cloudwatch.Metric:
        """Age of the oldest waiting task in seconds."""
        return self._metric("ApproximateAgeOfOldestRequest", "Maximum")

    @property
    def unserved(self) -> cloudwatch.Metric:
        """1 while tasks wait and no instance runs."""
        return self._metric("HasBacklogWithoutCapacity", "Maximum")

    def _role(self, image: assets.DockerImageAsset) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
        image.repository.grant_pull(role)
        role.add_to_policy(iam.PolicyStatement(actions=list(NETWORKING), resources=["*"]))
        networking = "SageMaker's networking and ecr:GetAuthorizationToken do not support resources in IAM."
        acknowledge(role, networking, "AwsSolutions-IAM5[Resource::*]")
        return role

    def _grant_publish(self, topic: sns.ITopic, key: kms.IKey) -> None:
        """Allow the role to publish to the topic, which `key` encrypts: SageMaker publishes with the worker's role."""
        via = f"sns.{Stack.of(self).region}.{Stack.of(self).url_suffix}"
        self.role.add_to_policy(iam.PolicyStatement(actions=["sns:Publish"], resources=[topic.topic_arn]))
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:GenerateDataKey", "kms:Decrypt"],
                resources=[key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": via}},
            )
        )

    def _scale(self, endpoint: sagemaker.CfnEndpoint, size: WorkerSize) -> None:
        target = autoscaling.ScalableTarget(
            self,
            "Instances",
            service_namespace=autoscaling.ServiceNamespace.SAGEMAKER,
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{endpoint.attr_endpoint_name}/variant/{VARIANT}",
            min_capacity=0,
            max_capacity=size.max_tasks,
            role=scaling_role(self, "sagemaker", "SageMakerEndpoint"),
        )
        wake(self, target, name=f"{self.endpoint_name}-wake", unserved=self.unserved)
        waiting = self._metric("ApproximateBacklogSizePerInstance", "Average")
        track(
            self,
            target,
            name=f"{self.endpoint_name}-backlog",
            metrics={"waiting": waiting, "unserved": self.unserved},
            # Either metric may have no data. A missing point counts as 0 at times where the other one has a point.
            backlog_per_worker=f"IF(unserved > 0 * waiting, {TASKS_PER_WORKER}, waiting)",
        )

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map={"EndpointName": self.endpoint_name},
            statistic=statistic,
            period=MINUTE,
        )
