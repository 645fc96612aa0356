"""A function that decodes files of strangers: a container image in a network without internet access."""

from collections.abc import Mapping

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import Size as Amount
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.environments import Environment
from infra.functions import ALIAS

SCRATCH_GB = 10
SCRATCH = {"TMPDIR": "/tmp", "HOME": "/tmp"}  # noqa: S108  # the only folder to which a function can write
# Lambda makes the addresses of the function in its network, with the function's role.
ADDRESSES = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)


class IsolatedFunction(lambda_.DockerImageFunction):
    """The function `{prefix}-{name}`. `.own_role` receives its grants. Its caller calls the alias."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        image: assets.DockerImageAsset,
        handler: str,
        seconds: int,
        variables: Mapping[str, str],
        log_group: logs.ILogGroup,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
    ) -> None:
        name = f"{environment.prefix}-{id}"
        role = iam.Role(
            scope,
            f"{id}-role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Permissions of {name}",
        )
        log_group.grant_write(role)
        self._allow_addresses(role, Stack.of(scope), name)
        super().__init__(
            scope,
            id,
            function_name=name,
            description=handler,
            code=lambda_.DockerImageCode.from_ecr(
                image.repository,
                tag_or_digest=image.image_tag,
                entrypoint=["python", "-m", "awslambdaric"],
                cmd=[handler],
            ),
            architecture=lambda_.Architecture.ARM_64,
            role=role,
            environment={**variables, **SCRATCH},
            timeout=Duration.seconds(seconds),
            memory_size=environment.cpu_functions_mb,
            ephemeral_storage_size=Amount.gibibytes(SCRATCH_GB),
            logging_format=lambda_.LoggingFormat.JSON,
            log_group=log_group,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[security_group],
            # `make rollback` returns to the version that a deployment replaces.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE),
        )
        self.own_role: iam.Role = role
        self.live: lambda_.IFunction = lambda_.Alias(self, "Live", alias_name=ALIAS, version=self.current_version)
        acknowledge(self, "Its caller waits for the answer.", "Serverless-LambdaDLQ")
        acknowledge(self, "The caller has the trace, and no route leads to X-Ray.", "Serverless-LambdaTracing")

    def _allow_addresses(self, role: iam.Role, stack: Stack, name: str) -> None:
        """Allow Lambda to make addresses with the role, and the function's own code not (AWS's advice)."""
        function = stack.format_arn(
            service="lambda", resource="function", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        role.add_to_policy(iam.PolicyStatement(actions=[*ADDRESSES], resources=["*"]))
        role.add_to_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=[*ADDRESSES],
                resources=["*"],
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": [function, f"{function}:*"]}},
            )
        )
        acknowledge(role, "Lambda makes and names the addresses.", "AwsSolutions-IAM5[Resource::*]")
