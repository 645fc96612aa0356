"""One ECS service of workers. The tasks in its queues determine the number of workers, 0 when idle."""

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
from infra.constructs.meters import KinoraMetrics
from infra.constructs.scaling import MINUTE, rest, scaling_role, track, wake
from infra.environments import Environment, WorkerSize
from infra.fleets import Fleet
from shared.observability import Metric

SCRATCH = "/scratch"  # the only writable folder of the container, TMPDIR of both images
STOP = Duration.seconds(120)  # Fargate's maximum; a worker returns its task to the queue within two seconds


class WorkerService(Construct):
    """The ECS service `.service`. `.task_role` is the worker's role, which receives the grants.

    `pipeline-reconcile` measures `.tasks` and `.running` once a minute. Scaling uses no metric of SQS, which stops to
    report a queue after six quiet hours, and none of ECS, which reports nothing about a service without a task.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        fleet: Fleet,
        cluster: ecs.ICluster,
        queues: Sequence[sqs.IQueue],
        image: ecs.ContainerImage,
        command: Sequence[str],
        variables: Mapping[str, str],
        log_group: logs.ILogGroup,
        security_group: ec2.ISecurityGroup,
        capacity_provider: str,
    ) -> None:
        super().__init__(scope, id)
        self._environment, self._name, self._cluster = environment, fleet.name, cluster
        measured = KinoraMetrics(environment)
        self.tasks = measured.of_fleet(Metric.WORKER_TASKS, fleet.name)
        self.running = measured.of_fleet(Metric.RUNNING_WORKERS, fleet.name)
        task = self._task(image, command, variables, fleet.size, log_group)
        self.task_role: iam.IRole = task.task_role
        for queue in queues:
            queue.grant_consume_messages(task.task_role)
        kind = ecs.FargateService if _compatibility(fleet.size) is not ecs.Compatibility.EC2 else ecs.Ec2Service
        self.service: ecs.BaseService = kind(
            self,
            "Service",
            service_name=f"{environment.prefix}-{fleet.name}",
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
        self._scale(fleet)

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
            logging=ecs.LogDrivers.aws_logs(log_group=log_group, stream_prefix=self._name),
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
        """Return the number of tasks if no worker has run in the period, else 0."""
        return cloudwatch.MathExpression(
            expression="IF(running > 0, 0, tasks)",
            using_metrics={"running": self.running.with_(period=period), "tasks": self.tasks.with_(period=period)},
            label="unserved",
            period=period,
        )

    def _scale(self, fleet: Fleet) -> None:
        target = autoscaling.ScalableTarget(
            self,
            "Workers",
            service_namespace=autoscaling.ServiceNamespace.ECS,
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=f"service/{self._cluster.cluster_name}/{self.service.service_name}",
            min_capacity=fleet.warm,
            max_capacity=fleet.size.max_tasks,
            role=scaling_role(self, "ecs", "ECSService"),
        )
        name = f"{self._environment.prefix}-{fleet.name}"
        wake(self, target, name=f"{name}-wake", unserved=self.unserved(MINUTE))
        both = {"running": self.running, "tasks": self.tasks}
        idle = f"IF(running > {fleet.warm} AND tasks < 1, 1, 0)"
        rest(
            self,
            target,
            name=f"{name}-rest",
            idle=cloudwatch.MathExpression(expression=idle, using_metrics={**both}, label="idle", period=MINUTE),
            workers=fleet.warm,
        )
        track(
            self,
            target,
            name=f"{name}-backlog",
            metrics=both,
            backlog_per_worker=f"IF(running > 0, tasks / running, {fleet.tasks_per_worker})",
            target_value=fleet.tasks_per_worker,
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
