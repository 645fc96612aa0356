"""A group of GPU instances of our own, from none: what hosts workers where ECS Managed Instances cannot."""

from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.environments import Environment

DISK_GB = 100  # the image with its weights, and room to work


class InstanceGroup(Construct):
    """`.capacity_provider_name` is what services ask for; ECS adds instances for tasks, and ends those without.

    `most` is how many there may be: one for each task of all the services that ask for them.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        cluster: ecs.Cluster,
        most: int,
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
            max_capacity=most,
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
            enable_managed_termination_protection=True,  # of an instance whose worker is busy
        )
        cluster.add_asg_capacity_provider(provider)
        self.capacity_provider_name = provider.capacity_provider_name
        acknowledge(
            role,
            "What ECS's agent does for its instance, as the CDK grants it: on this cluster alone, where AWS can tell.",
            "AwsSolutions-IAM5[Action::ecs:Submit*]",
            "AwsSolutions-IAM5[Resource::*]",
        )
        acknowledge(
            group, "The rule cannot read mixed policies; the template's only disk is encrypted.", "AwsSolutions-EC26"
        )
        acknowledge(
            group,
            "It scales with every film; the alarms on missing workers and on queues' age tell what matters.",
            "AwsSolutions-AS3",
        )

    def _template(
        self, instance_type: str, security_group: ec2.ISecurityGroup, role: iam.IRole, *, spot: bool
    ) -> ec2.LaunchTemplate:
        agent = ec2.UserData.for_linux()
        agent.add_commands(
            "echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config",  # workers do not become their instance
            f"echo ECS_ENABLE_SPOT_INSTANCE_DRAINING={str(spot).lower()} >> /etc/ecs/ecs.config",
        )
        return ec2.LaunchTemplate(
            self,
            "Template",
            instance_type=ec2.InstanceType(instance_type),
            # Asked of AWS when the stack is deployed: the newest, with the drivers.
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
