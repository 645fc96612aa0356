"""An Auto Scaling group of GPU instances, 0 when idle, for use where ECS Managed Instances are not available."""

from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.environments import Environment

DISK_GB = 100  # for the image with the model weights, and work files


class InstanceGroup(Construct):
    """The group. Services use `.capacity_provider_name`; ECS adds instances for tasks and ends idle instances.

    `max_instances` is one for each task of all services that use the group.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        cluster: ecs.Cluster,
        max_instances: int,
        instance_type: str,
        security_group: ec2.ISecurityGroup,
    ) -> None:
        super().__init__(scope, id)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        template = self._template(instance_type, security_group, role, spot=environment.spot)
        share = 0 if environment.spot else 100
        group = autoscaling.AutoScalingGroup(
            self,
            "Group",
            vpc=cluster.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            min_capacity=0,
            max_capacity=max_instances,
            mixed_instances_policy=autoscaling.MixedInstancesPolicy(
                launch_template=template,
                instances_distribution=autoscaling.InstancesDistribution(
                    on_demand_percentage_above_base_capacity=share,
                    spot_allocation_strategy=autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
                ),
            ),
            new_instances_protected_from_scale_in=True,
        )
        provider = ecs.AsgCapacityProvider(
            self,
            "Provider",
            auto_scaling_group=group,
            enable_managed_scaling=True,
            enable_managed_termination_protection=True,  # for instances whose worker is busy
        )
        cluster.add_asg_capacity_provider(provider)
        self.capacity_provider_name = provider.capacity_provider_name
        acknowledge(
            role,
            "The CDK's grants for the ECS agent: limited to this cluster for the actions that support a limit.",
            "AwsSolutions-IAM5[Action::ecs:Submit*]",
            "AwsSolutions-IAM5[Resource::*]",
        )
        acknowledge(
            group, "The rule cannot read mixed policies. The template's only disk is encrypted.", "AwsSolutions-EC26"
        )
        acknowledge(
            group,
            "The group scales with every film. The alarms on missing workers and queue age report its problems.",
            "AwsSolutions-AS3",
        )

    def _template(
        self, instance_type: str, security_group: ec2.ISecurityGroup, role: iam.IRole, *, spot: bool
    ) -> ec2.LaunchTemplate:
        agent = ec2.UserData.for_linux()
        agent.add_commands(
            "echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config",  # workers cannot use the instance's role
            f"echo ECS_ENABLE_SPOT_INSTANCE_DRAINING={str(spot).lower()} >> /etc/ecs/ecs.config",
        )
        return ec2.LaunchTemplate(
            self,
            "Template",
            instance_type=ec2.InstanceType(instance_type),
            # CloudFormation looks up the newest image with drivers at deployment.
            machine_image=ecs.EcsOptimizedImage.amazon_linux2023(ecs.AmiHardwareType.GPU),
            user_data=agent,
            role=role,
            security_group=security_group,
            require_imdsv2=True,
            http_put_response_hop_limit=1,
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(DISK_GB, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3),
                )
            ],
        )
