"""A stage on a SageMaker asynchronous endpoint instead of ECS: no instance there either while nothing waits.

The endpoint runs the stage's worker image as `serve`, SageMaker's convention: `GET /ping`, `POST /invocations`. The
worker records a task's result as on ECS; what the endpoint answers says only that it was taken. For what it could not
take nobody answers the step's token: the state machine's heartbeat limit, its backstop, has it tried again.
"""

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.constructs.acknowledge import acknowledge, acknowledge_wildcards
from infra.constructs.worker_service import TASKS_PER_WORKER
from infra.environments import Environment, WorkerSize

VARIANT = "worker"
MINUTE = Duration.minutes(1)
# By which SageMaker puts a container into our network. EC2 knows no resource for most of them.
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
    """The endpoint `{prefix}-{name}`. `.role` is what its worker may do; grants go there, as with a service of ECS."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        name: str,
        image: assets.DockerImageAsset,
        variables: Mapping[str, str],
        size: WorkerSize,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        bucket_name: str,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        if size.instance_type is None:
            raise ValueError(f"{environment.name}: {name} on SageMaker needs an instance type")
        self.endpoint_name = f"{environment.prefix}-{name}"
        self.role = self._role(image)
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
        model.node.add_dependency(self.role)  # with its policies: the image is pulled when the model is made
        answers = f"s3://{bucket_name}/sagemaker/{name}"
        asynchronous = sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty(
            client_config=sagemaker.CfnEndpointConfig.AsyncInferenceClientConfigProperty(
                max_concurrent_invocations_per_instance=1
            ),
            output_config=sagemaker.CfnEndpointConfig.AsyncInferenceOutputConfigProperty(
                kms_key_id=key.key_arn,
                s3_output_path=f"{answers}/taken",
                s3_failure_path=f"{answers}/failed",
            ),
        )
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=key.key_arn,
            async_inference_config=asynchronous,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=f"ml.{size.instance_type}",
                    initial_instance_count=1,  # SageMaker begins with one; scaling takes it away
                    initial_variant_weight=1,
                )
            ],
        )
        endpoint = sagemaker.CfnEndpoint(
            self, "Endpoint", endpoint_name=self.endpoint_name, endpoint_config_name=config.attr_endpoint_config_name
        )
        self._scale(endpoint, size)

    def _role(self, image: assets.DockerImageAsset) -> iam.Role:
        stack = Stack.of(self)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
        image.repository.grant_pull(role)
        log_group = f"log-group:/aws/sagemaker/Endpoints/{self.endpoint_name}"
        logs = stack.format_arn(service="logs", resource=f"{log_group}:log-stream", resource_name="*")
        group = stack.format_arn(service="logs", resource=log_group)
        role.add_to_policy(iam.PolicyStatement(actions=["logs:CreateLogGroup"], resources=[group]))
        role.add_to_policy(iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[logs]))
        role.add_to_policy(iam.PolicyStatement(actions=list(NETWORKING), resources=["*"]))
        networking = "SageMaker's networking and ecr:GetAuthorizationToken know no resource."
        acknowledge(role, networking, "AwsSolutions-IAM5[Resource::*]")
        acknowledge_wildcards(role, "SageMaker names its log streams itself.", logs)
        return role

    def _scale(self, endpoint: sagemaker.CfnEndpoint, size: WorkerSize) -> None:
        target = autoscaling.ScalableTarget(
            self,
            "Instances",
            service_namespace=autoscaling.ServiceNamespace.SAGEMAKER,
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{endpoint.attr_endpoint_name}/variant/{VARIANT}",
            min_capacity=size.min_tasks,
            max_capacity=size.max_tasks,
        )
        target.scale_to_track_metric(
            "BacklogPerInstance",
            custom_metric=self._metric("ApproximateBacklogSizePerInstance", "Average"),
            target_value=TASKS_PER_WORKER,
            scale_in_cooldown=Duration.minutes(5),
            scale_out_cooldown=MINUTE,
        )
        wake = cloudwatch.Alarm(
            self,
            "Wake",
            alarm_name=f"{self.endpoint_name}-wake",
            alarm_description="A task waits and there is no instance: scaling starts the first one.",
            metric=self._metric("HasBacklogWithoutCapacity", "Maximum"),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        first = autoscaling.StepScalingAction(
            self,
            "First",
            scaling_target=target,
            adjustment_type=autoscaling.AdjustmentType.CHANGE_IN_CAPACITY,
            cooldown=Duration.minutes(5),
        )
        first.add_adjustment(adjustment=1, lower_bound=0)
        wake.add_alarm_action(actions.ApplicationScalingAction(first))

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map={"EndpointName": self.endpoint_name},
            statistic=statistic,
            period=MINUTE,
        )
