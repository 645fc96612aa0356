"""A network without internet access. Workers reach AWS services only through VPC endpoints."""

from collections.abc import Mapping
from typing import cast

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.log_group import KinoraLogGroup
from infra.environments import Environment

_ALL = ec2.InterfaceVpcEndpointAwsService
# The interface endpoints: for all workers, for their traces, for those of the stages only, and for signing workers and
# for instances.
FOR_ALL = {
    "sqs": _ALL.SQS,
    "logs": _ALL.CLOUDWATCH_LOGS,
    "ecr-api": _ALL.ECR,
    "ecr-dkr": _ALL.ECR_DOCKER,
    "lambda": _ALL.LAMBDA_,  # for `pipeline-grant`
}
FOR_TRACES = {"xray": _ALL.XRAY}
FOR_STAGES = {"states": _ALL.STEP_FUNCTIONS}
FOR_SIGNING = {"secretsmanager": _ALL.SECRETS_MANAGER}
FOR_INSTANCES = {"ecs": _ALL.ECS, "ecs-agent": _ALL.ECS_AGENT, "ecs-telemetry": _ALL.ECS_TELEMETRY}
SERVICES = [one.short_name for one in (FOR_ALL | FOR_TRACES | FOR_STAGES | FOR_SIGNING | FOR_INSTANCES).values()]
HTTPS = ec2.Port.tcp(443)
ANYWHERE = ec2.Peer.any_ipv4()


class PrivateNetwork(Construct):
    """`.vpc`, without internet gateway and NAT, and the security groups `.workers` and `.verification`.

    Each interface endpoint costs about 7 dollars a month per zone, so there are only the necessary ones. The gateway
    endpoints of S3 and DynamoDB are free, and functions need no others. `with_containers` adds those of services and of
    SageMaker. `with_secrets` adds Secrets Manager, for the certificate that signs films.
    `with_instances` adds the endpoints through which EC2 instances reach ECS. Fargate does not need them.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        bucket: s3.IBucket,
        with_instances: bool,
        with_secrets: bool,
        with_containers: bool,
    ) -> None:
        super().__init__(scope, id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            vpc_name=environment.prefix,
            ip_addresses=ec2.IpAddresses.cidr("10.64.0.0/20"),
            max_azs=len(environment.zones),
            nat_gateways=0,
            create_internet_gateway=False,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="workers", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=22)
            ],
        )
        for subnet in self.vpc.isolated_subnets:
            zone = cast(ec2.CfnSubnet, subnet.node.default_child)
            zone.availability_zone, zone.availability_zone_id = None, subnet.availability_zone
        self.vpc.add_flow_log(
            "Flows",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(
                KinoraLogGroup(
                    self, "FlowLog", environment=environment, log_group_name=f"/kinora/{environment.name}/network"
                )
            ),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        self.workers = self._group("Workers", "Workers of the stages")
        self.verification = self._group("Verification", "Verification of uploads")
        for group in (self.workers, self.verification):
            # S3 and DynamoDB have public addresses. The routes lead to their gateway endpoints only.
            group.add_egress_rule(ANYWHERE, HTTPS, "S3 and DynamoDB, through their gateway endpoints")
        self._gateways(bucket, environment)
        if with_containers:
            for_stages = FOR_STAGES | (FOR_SIGNING if with_secrets else {}) | (FOR_INSTANCES if with_instances else {})
            self._interfaces(environment, for_stages)

    def _interfaces(
        self, environment: Environment, for_stages: Mapping[str, ec2.InterfaceVpcEndpointAwsService]
    ) -> None:
        """Add the interface endpoints: for all workers, and `for_stages`, which the verification does not reach."""
        endpoints = self._group("Endpoints", "Interface endpoints")
        of_stages = self._group("StageEndpoints", "Interface endpoints that only workers of the stages reach")
        for group in (self.workers, self.verification):
            endpoints.add_ingress_rule(group, HTTPS)
            group.add_egress_rule(endpoints, HTTPS)
        of_stages.add_ingress_rule(self.workers, HTTPS)
        self.workers.add_egress_rule(of_stages, HTTPS)
        # Workers in the other zones use the same endpoints, for a cent per gigabyte.
        nearby = ec2.SubnetSelection(subnets=self.vpc.isolated_subnets[: environment.endpoint_zones])
        ours = Stack.of(self).account
        for_all = FOR_ALL | (FOR_TRACES if environment.trace_share else {})
        for group, needed in ((endpoints, for_all), (of_stages, for_stages)):
            for name, service in needed.items():
                endpoint = self.vpc.add_interface_endpoint(
                    name, service=service, security_groups=[group], subnets=nearby, open=False
                )
                # Stolen credentials of another account open nothing from here, and ours open no other account.
                endpoint.add_to_policy(
                    _anyone(["*"], ["*"], {
                        "StringEquals": {"aws:PrincipalAccount": ours},
                        "StringEqualsIfExists": {"aws:ResourceAccount": ours},
                    })
                )  # fmt: skip

    def _group(self, id: str, description: str) -> ec2.SecurityGroup:  # noqa: A002  # CDK's own name
        return ec2.SecurityGroup(self, id, vpc=self.vpc, description=description, allow_all_outbound=False)

    def _gateways(self, bucket: s3.IBucket, environment: Environment) -> None:
        """Add the gateway endpoints. They allow only our bucket and tables, so no worker can copy media elsewhere."""
        stack = Stack.of(self)
        storage = self.vpc.add_gateway_endpoint("s3", service=ec2.GatewayVpcEndpointAwsService.S3)
        storage.add_to_policy(_anyone(["s3:*"], [bucket.bucket_arn, bucket.arn_for_objects("*")]))
        # The bucket, owned by AWS, where ECR stores image layers.
        layers = f"arn:{stack.partition}:s3:::prod-{stack.region}-starport-layer-bucket/*"
        storage.add_to_policy(_anyone(["s3:GetObject"], [layers]))
        tables = stack.format_arn(service="dynamodb", resource="table", resource_name=f"{environment.prefix}-*")
        database = self.vpc.add_gateway_endpoint("dynamodb", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        database.add_to_policy(_anyone(["dynamodb:*"], [tables]))


def _anyone(
    actions: list[str], resources: list[str], conditions: Mapping[str, object] | None = None
) -> iam.PolicyStatement:
    """Return a statement of an endpoint's policy. It limits what is reachable; the roles' policies decide access."""
    return iam.PolicyStatement(
        principals=[iam.AnyPrincipal()], actions=actions, resources=resources, conditions=conditions
    )
