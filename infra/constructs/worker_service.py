"""One service of workers on its queues: none while there is nothing to do, as many as the backlog asks for after."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge, acknowledge_wildcards
from infra.constructs.log_group import KinoraLogGroup
from infra.constructs.scaling import MINUTE, TASKS_PER_WORKER, scaling_role, track, wake
from infra.environments import Environment, WorkerSize

SCRATCH = "/scratch"  # the only place of the container that can be written, TMPDIR of both images
STOP = Duration.seconds(120)  # the most that Fargate gives: a worker hands its step back within a second or two
CONTAINER_INSIGHTS = "ECS/ContainerInsights"


class WorkerService(Construct):
    """`.task_role` is what the worker may do; grants go there. `.service` is the ECS service."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        name: str,
        cluster: ecs.ICluster,
        queues: Sequence[sqs.IQueue],
        image: ecs.ContainerImage,
        command: Sequence[str],
        variables: Mapping[str, str],
        size: WorkerSize,
        security_group: ec2.ISecurityGroup,
        capacity_provider: str,
    ) -> None:
        super().__init__(scope, id)
        self._environment, self._name, self._cluster, self._queues = environment, name, cluster, queues
        task = self._task(image, command, variables, size)
        self.task_role: iam.IRole = task.task_role
        for queue in queues:
            queue.grant_consume_messages(task.task_role)
        kind = ecs.FargateService if _compatibility(size) is not ecs.Compatibility.EC2 else ecs.Ec2Service
        self.service: ecs.BaseService = kind(
            self,
            "Service",
            service_name=f"{environment.prefix}-{name}",
            cluster=cluster,
            task_definition=task,
            # No desired_count: CloudFormation would put it back with every change of the service, and send workers away
            # from a queue that is full. Without it a new service begins with one, which proves the image before scaling
            # takes it away, and a change keeps as many as there are.
            min_healthy_percent=0,  # a queue keeps what nobody takes: nothing is gained by two generations side by side
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            capacity_provider_strategies=[ecs.CapacityProviderStrategy(capacity_provider=capacity_provider, weight=1)],
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[security_group],
            assign_public_ip=False,
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        self._protect()
        self._scale(size)

    @property
    def running(self) -> cloudwatch.Metric:
        """The number of its tasks that run."""
        return self._insight("RunningTaskCount")

    @property
    def desired(self) -> cloudwatch.Metric:
        """The number of its tasks that scaling asks for."""
        return self._insight("DesiredTaskCount")

    # --- what runs

    def _task(
        self, image: ecs.ContainerImage, command: Sequence[str], variables: Mapping[str, str], size: WorkerSize
    ) -> ecs.TaskDefinition:
        task = ecs.TaskDefinition(
            self,
            "Task",
            family=f"{self._environment.prefix}-{self._name}",
            compatibility=_compatibility(size),
            cpu=str(size.cpu_units),
            memory_mib=str(size.memory_mb),
            network_mode=ecs.NetworkMode.AWS_VPC,
            runtime_platform=_platform(size),
            volumes=[ecs.Volume(name="scratch")],
        )
        log = KinoraLogGroup(
            self,
            "Log",
            environment=self._environment,
            log_group_name=f"/kinora/{self._environment.name}/workers/{self._name}",
        )
        linux = ecs.LinuxParameters(self, "Linux")
        linux.drop_capabilities(ecs.Capability.ALL)
        container = task.add_container(
            "worker",
            image=image,
            command=list(command),
            environment=dict(variables),
            gpu_count=size.gpus or None,
            linux_parameters=linux,
            logging=ecs.LogDrivers.aws_logs(log_group=log, stream_prefix="worker"),
            readonly_root_filesystem=True,
            stop_timeout=STOP,
            health_check=ecs.HealthCheck(
                command=["CMD", "python", "-m", "workers.images.health"],
                interval=Duration.seconds(30),
                timeout=Duration.seconds(10),
                retries=3,
                start_period=Duration.seconds(120),
            ),
        )
        container.add_mount_points(ecs.MountPoint(container_path=SCRATCH, source_volume="scratch", read_only=False))
        acknowledge(task, "They are names and addresses, no secrets: a worker has none.", "AwsSolutions-ECS2")
        acknowledge(
            task.obtain_execution_role(),
            "ecr:GetAuthorizationToken belongs to no repository; pulling is granted on our own alone.",
            "AwsSolutions-IAM5[Resource::*]",
        )
        return task

    def _protect(self) -> None:
        """Let a worker that is at work keep scaling and deployments from ending it."""
        stack = Stack.of(self)
        tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{self._cluster.cluster_name}/*")
        self.task_role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"],
                resources=[tasks],
                conditions={"ArnEquals": {"ecs:cluster": self._cluster.cluster_arn}},
            )
        )
        acknowledge_wildcards(self.task_role, "A task's id is made when it starts; the cluster is ours.", tasks)

    # --- how many run

    def unserved(self, period: Duration) -> cloudwatch.MathExpression:
        """Return the number of messages that wait while no worker works or polls in the period; 0 while one does.

        From the queues alone: Container Insights tell nothing of a service none of whose tasks runs, which is what this
        is about. A free worker asks the first queue before the others, so its empty receives count every free worker.

        A queue that nobody touches falls silent after six hours, and its twin may be busy: metric math takes what one
        series lacks for 0 where another has a point, so `served` is compared with a series that has one wherever
        `waiting` has. There is no FILL, which would put a 0 where the newest minute has not come in yet; the alarm
        would look at that one, and never go off.
        """
        visible, taken = self._visible(period), self._taken(period)
        waiting, served = f"({' + '.join(visible)})", f"({' + '.join([*taken, 'asked'])})"
        asked = self._queues[0].metric_number_of_empty_receives(statistic="Sum", period=period)
        return cloudwatch.MathExpression(
            expression=f"IF({served} > 0 * {waiting}, 0, {waiting})",
            using_metrics={**visible, **taken, "asked": asked},
            label="unserved",
            period=period,
        )

    def _scale(self, size: WorkerSize) -> None:
        resource_id = f"service/{self._cluster.cluster_name}/{self.service.service_name}"
        target = autoscaling.ScalableTarget(
            self,
            "Workers",
            service_namespace=autoscaling.ServiceNamespace.ECS,
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=resource_id,
            min_capacity=size.min_tasks,
            max_capacity=size.max_tasks,
            role=scaling_role(self, "ecs", "ECSService"),
        )
        name = f"{self._environment.prefix}-{self._name}"
        wake(self, target, name=f"{name}-wake", unserved=self.unserved(MINUTE))
        messages = self._visible(MINUTE) | self._taken(MINUTE)
        backlog = f"({' + '.join(messages)})"
        none_runs = f"IF({backlog} > 0, {TASKS_PER_WORKER}, 0)"
        track(
            self,
            target,
            name=f"{name}-backlog",
            metrics={**messages, "running": self.running},
            # `running` is silent while none does: compared with the backlog's series it counts as 0 then.
            backlog_per_worker=f"IF(running > 0 * {backlog}, {backlog} / running, {none_runs})",
        )

    def _visible(self, period: Duration) -> dict[str, cloudwatch.Metric]:
        """Return the messages that wait in each of its queues."""
        return {
            f"visible{n}": queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=period)
            for n, queue in enumerate(self._queues)
        }

    def _taken(self, period: Duration) -> dict[str, cloudwatch.Metric]:
        """Return the messages that workers have received from each of its queues."""
        return {
            f"taken{n}": queue.metric_approximate_number_of_messages_not_visible(statistic="Maximum", period=period)
            for n, queue in enumerate(self._queues)
        }

    def _insight(self, name: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=CONTAINER_INSIGHTS,
            metric_name=name,
            dimensions_map={"ClusterName": self._cluster.cluster_name, "ServiceName": self.service.service_name},
            statistic="Maximum",
            period=MINUTE,
        )


def _compatibility(size: WorkerSize) -> ecs.Compatibility:
    if not size.gpus:
        return ecs.Compatibility.FARGATE
    return ecs.Compatibility.MANAGED_INSTANCES if size.managed else ecs.Compatibility.EC2


def _platform(size: WorkerSize) -> ecs.RuntimePlatform | None:
    """Instances of our own have the platform that they have."""
    if _compatibility(size) is ecs.Compatibility.EC2:
        return None
    return ecs.RuntimePlatform(
        cpu_architecture=ecs.CpuArchitecture.X86_64 if size.gpus else ecs.CpuArchitecture.ARM64,
        operating_system_family=ecs.OperatingSystemFamily.LINUX,
    )
