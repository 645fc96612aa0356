"""One ECS service of workers with its queues. The backlog of the queues determines the number of tasks, 0 when idle."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge, acknowledge_wildcards
from infra.constructs.scaling import MINUTE, TASKS_PER_WORKER, scaling_role, track, wake
from infra.environments import Environment, WorkerSize

SCRATCH = "/scratch"  # the only writable folder of the container, TMPDIR of both images
STOP = Duration.seconds(120)  # Fargate's maximum; a worker returns its task to the queue within two seconds
CONTAINER_INSIGHTS = "ECS/ContainerInsights"


class WorkerService(Construct):
    """The ECS service `.service`. `.task_role` is the worker's role, which receives the grants."""

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
        log_group: logs.ILogGroup,
        size: WorkerSize,
        security_group: ec2.ISecurityGroup,
        capacity_provider: str,
    ) -> None:
        super().__init__(scope, id)
        self._environment, self._name, self._cluster, self._queues = environment, name, cluster, queues
        task = self._task(image, command, variables, size, log_group)
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
            # No desired_count: CloudFormation would set it at every change of the service and so stop workers of a full
            # queue. Without it a new service starts one task, which tests the image before scaling stops it, and a
            # change of the service keeps the number of tasks.
            min_healthy_percent=0,  # old tasks need not run beside new ones, because the queue stores the messages
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
        """The number of running tasks."""
        return self._insight("RunningTaskCount")

    @property
    def desired(self) -> cloudwatch.Metric:
        """The number of tasks that scaling has set."""
        return self._insight("DesiredTaskCount")

    # --- what runs

    def _task(
        self,
        image: ecs.ContainerImage,
        command: Sequence[str],
        variables: Mapping[str, str],
        size: WorkerSize,
        log_group: logs.ILogGroup,
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
        # `make rollback` returns to the definition that a deployment replaces.
        task.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        linux = ecs.LinuxParameters(self, "Linux")
        linux.drop_capabilities(ecs.Capability.ALL)
        container = task.add_container(
            "worker",
            image=image,
            command=list(command),
            environment=dict(variables),
            gpu_count=size.gpus or None,
            linux_parameters=linux,
            logging=ecs.LogDrivers.aws_logs(log_group=log_group, stream_prefix="worker"),
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
        acknowledge(task, "The variables contain names and addresses, and no secrets.", "AwsSolutions-ECS2")
        acknowledge(
            task.obtain_execution_role(),
            "ecr:GetAuthorizationToken does not support resources. Pulling is granted on our repository only.",
            "AwsSolutions-IAM5[Resource::*]",
        )
        return task

    def _protect(self) -> None:
        """Allow a busy worker to protect its task from scaling and deployments."""
        stack = Stack.of(self)
        tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{self._cluster.cluster_name}/*")
        self.task_role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"],
                resources=[tasks],
                conditions={"ArnEquals": {"ecs:cluster": self._cluster.cluster_arn}},
            )
        )
        acknowledge_wildcards(self.task_role, "ECS creates a task's id at start. The cluster is ours.", tasks)

    # --- how many run

    def unserved(self, period: Duration) -> cloudwatch.MathExpression:
        """Return the number of waiting messages if no worker works or polls in the period, else 0.

        The expression uses only metrics of the queues: Container Insights has no data of a service without running
        tasks. A free worker polls the first queue before the others, so the empty receives of the first queue show
        every free worker.

        SQS stops reporting metrics of a queue that is not used for six hours, while the other queue may be in use.
        Metric math treats a missing point as 0 at times where another series has a point, so `served` is compared with
        a series that has a point wherever `waiting` has one. FILL is not used: it would add a 0 for the newest minute,
        whose data is still missing. The alarm would evaluate that 0 and never start.
        """
        visible, taken = self._visible(period), self._taken(period)
        waiting, served = f"({' + '.join(visible)})", f"({' + '.join([*taken, 'polls'])})"
        polls = self._queues[0].metric_number_of_empty_receives(statistic="Sum", period=period)
        return cloudwatch.MathExpression(
            expression=f"IF({served} > 0 * {waiting}, 0, {waiting})",
            using_metrics={**visible, **taken, "polls": polls},
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
            # `running` has no data while no task runs. Compared with the backlog's series, it then counts as 0.
            backlog_per_worker=f"IF(running > 0 * {backlog}, {backlog} / running, {none_runs})",
        )

    def _visible(self, period: Duration) -> dict[str, cloudwatch.Metric]:
        """Return the number of waiting messages of each queue, by metric id."""
        return {
            f"visible{n}": queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=period)
            for n, queue in enumerate(self._queues)
        }

    def _taken(self, period: Duration) -> dict[str, cloudwatch.Metric]:
        """Return the number of messages of each queue that workers have received and not deleted, by metric id."""
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
    """Return the platform, or None for our own instances, whose instance type determines it."""
    if _compatibility(size) is ecs.Compatibility.EC2:
        return None
    return ecs.RuntimePlatform(
        cpu_architecture=ecs.CpuArchitecture.X86_64 if size.gpus else ecs.CpuArchitecture.ARM64,
        operating_system_family=ecs.OperatingSystemFamily.LINUX,
    )
