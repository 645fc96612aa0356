"""The workers: functions, the services of `infra/fleets.py`, SageMaker's endpoints. No route leads to the internet."""

from collections.abc import Sequence

import jsii
from aws_cdk import Aspects, IAspect, IgnoreMode, Stack
from aws_cdk import Size as Amount
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_logs_destinations as destinations
from constructs import Construct, IConstruct

from infra.constructs.acknowledge import acknowledge, acknowledge_wildcards
from infra.constructs.function import KinoraFunction
from infra.constructs.instance_group import InstanceGroup
from infra.constructs.isolated_function import IsolatedFunction
from infra.constructs.log_group import KinoraLogGroup
from infra.constructs.media_bucket import ANSWERS
from infra.constructs.private_network import PrivateNetwork
from infra.constructs.sagemaker_stage import SageMakerStage
from infra.constructs.variables import common_variables
from infra.constructs.worker_service import WorkerService
from infra.environments import Environment, WorkerSize
from infra.fleets import Fleet, family_of, fleets
from infra.functions import ALIAS, ERRORS_OF_WORKERS
from infra.stacks.data import DataStack
from infra.stacks.pipeline import PipelineStack
from infra.workers import GRANT, ISOLATED, STEPS, VERIFICATION, WORKERS
from shared.jobs.keys import WORK
from shared.stages.engines import Engine, Family
from shared.stages.queues import STEP_SECONDS, VERIFICATION_QUEUE, VERIFICATION_VISIBILITY_SECONDS
from shared.stages.stages import Stage

# The files that the Dockerfiles copy into images. A change of another file does not rebuild the images.
IN_IMAGES = (
    "pyproject.toml",
    "uv.lock",
    "workers",
    "tools/models.py",
    "layers/layers.toml",
    "shared/__init__.py",
    "shared/observability.py",
    *(f"shared/{noun}" for noun in ("core", "camera", "stages", "vocabulary", "aws", "jobs", "assets")),
)
INSPECTED_SECONDS = VERIFICATION_VISIBILITY_SECONDS - 10  # timeout of the verification; its caller has ten more
ON_DEMAND, SPOT = "FARGATE", "FARGATE_SPOT"
PLATFORMS = {
    Family.CPU_MEDIA: assets.Platform.LINUX_ARM64,
    Family.CUDA_DIFFUSERS: assets.Platform.LINUX_AMD64,
}


class WorkersStack(Stack):
    """The stack. `.services` is by the name of the fleet; `.endpoints` is by stage, for stages on SageMaker.

    `.isolated` are the functions that decode files, by name; none if services do this work.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        engines: Sequence[Engine],
        data: DataStack,
        pipeline: PipelineStack,
    ) -> None:
        super().__init__(scope, id, env=environment.cdk_environment)
        self._environment, self._data, self._pipeline = environment, data, pipeline
        self._engines = engines
        self._fleets = fleets(environment, engines)
        with_gpus = any(fleet.size.gpus for fleet in self._fleets)
        self.network = PrivateNetwork(
            self, "network", environment=environment, bucket=data.media_bucket, with_instances=with_gpus,
            with_secrets=environment.signs_films, with_containers=bool(self._fleets or environment.sagemaker),
        )  # fmt: skip
        self.cluster = ecs.Cluster(
            self,
            "cluster",
            cluster_name=environment.prefix,
            vpc=self.network.vpc,
            enable_fargate_capacity_providers=True,
        )
        acknowledge(self.cluster, "Scaling and dashboards use our own metrics, which cost less.", "AwsSolutions-ECS4")
        # All groups exist wherever a stage runs. A stage that moves and moves back finds its retained groups.
        self._logs = {
            name: self._log(f"{name}-log", f"/kinora/{environment.name}/workers/{name}")
            for name in (*Family, VERIFICATION_QUEUE)
        }
        self._endpoint_logs = {
            stage: self._log(
                f"{stage.queue}-endpoint-log", f"/aws/sagemaker/Endpoints/{environment.prefix}-{stage.queue}"
            )
            for stage in Stage
        }
        self._isolated_logs = {
            name: self._log(f"{name}-log", f"/aws/lambda/{environment.prefix}-{name}") for name in ISOLATED
        }
        self._images: dict[str, assets.DockerImageAsset] = {}
        self._instances: dict[str, str] = {}
        self.services: dict[str, WorkerService] = {fleet.name: self._service(fleet) for fleet in self._fleets}
        self.endpoints = {
            stage: self._stage_endpoint(stage, instance_type) for stage, instance_type in environment.sagemaker.items()
        }
        self.isolated: dict[str, lambda_.IFunction] = self._functions() if environment.cpu_functions_mb else {}
        Aspects.of(self.cluster).add(_ServicesNeedProviders([worker.service for worker in self.services.values()]))
        self._report_errors()

    @property
    def availability_zones(self) -> list[str]:
        """The zones of the environment. A query at synth would need credentials."""
        return list(self._environment.zones)

    def _log(self, id: str, name: str) -> KinoraLogGroup:  # noqa: A002  # CDK's own name
        return KinoraLogGroup(self, id, environment=self._environment, log_group_name=name)

    # --- functions

    def _functions(self) -> dict[str, lambda_.IFunction]:
        """Create the functions that do the work of the CPU stages and of the verification."""
        # The caller has the certificate, and the access to media.
        variables = common_variables(self._environment, self) | {"KINORA_SIGNS_FILMS": "false"}
        variables.pop("KINORA_SENTRY_DSN", None)
        made: dict[str, lambda_.IFunction] = {}
        for name, handler, seconds, group in (
            (STEPS, "workers.runtime.isolated.handler", STEP_SECONDS, self.network.workers),
            (VERIFICATION, "workers.verification.isolated.handler", INSPECTED_SECONDS, self.network.verification),
        ):
            function = IsolatedFunction(
                self,
                name,
                environment=self._environment,
                image=self._image(Family.CPU_MEDIA),
                handler=handler,
                seconds=seconds,
                variables=variables,
                log_group=self._isolated_logs[name],
                vpc=self.network.vpc,
                security_group=group,
            )
            self._pipeline.grant(function.own_role, ISOLATED[name])
            made[name] = function
        return made

    # --- services

    def _service(self, fleet: Fleet) -> WorkerService:
        verifies = fleet.name == VERIFICATION_QUEUE
        module = "workers.verification.main" if verifies else "workers.runtime.queue_loop"
        worker = WorkerService(
            self,
            fleet.name,
            environment=self._environment,
            fleet=fleet,
            cluster=self.cluster,
            queues=[self._pipeline.queues[name] for name in fleet.queues],
            image=ecs.ContainerImage.from_docker_image_asset(self._image(fleet.family)),
            command=["python", "-m", module, *fleet.stages],
            variables=self._variables,
            log_group=self._logs[VERIFICATION_QUEUE if verifies else fleet.family],
            security_group=self.network.verification if verifies else self.network.workers,
            capacity_provider=self._capacity(fleet.size),
        )
        for name in [stage.queue for stage in fleet.stages] or [fleet.name]:
            self._grant(worker.task_role, name)
        return worker

    def _stage_endpoint(self, stage: Stage, instance_type: str) -> SageMakerStage:
        family = family_of(stage, self._engines)
        endpoint = SageMakerStage(
            self,
            stage.queue,
            environment=self._environment,
            name=stage.queue,
            image=self._image(family),
            variables={**self._variables, "KINORA_STAGE": stage.value},
            instance_type=instance_type,
            size=self._environment.size_of(stage, family),
            log_group=self._endpoint_logs[stage],
            vpc=self.network.vpc,
            security_group=self.network.workers,
            bucket_name=self._environment.media_bucket(self.account),
            key=self._data.key,
            failures=self._pipeline.failed_invocations[stage],
        )
        self._grant(endpoint.role, stage.queue)
        # SageMaker reads the tasks of the endpoint with this role, and writes its responses.
        self._data.grant_media(endpoint.role, reads=(f"{WORK}*/{stage.folder}/tasks/",), writes=(ANSWERS,))
        return endpoint

    def _grant(self, role: iam.IRole, name: str) -> None:
        self._pipeline.grant(role, WORKERS[name])
        role.add_to_principal_policy(iam.PolicyStatement(actions=["xray:PutTraceSegments"], resources=["*"]))
        acknowledge(role, "Traces have no ARN: IAM accepts the action only on *.", "AwsSolutions-IAM5[Resource::*]")

    @property
    def _variables(self) -> dict[str, str]:
        """Variables of the workers, without Sentry's, because workers cannot reach it. `_report_errors` replaces it."""
        common = common_variables(self._environment, self)
        common.pop("KINORA_SENTRY_DSN", None)
        signs = str(self._environment.signs_films).lower()
        grant = f"{self._environment.prefix}-{GRANT}:{ALIAS}"
        own = {"KINORA_SIGNS_FILMS": signs, "KINORA_GRANT_FUNCTION": grant}
        return common | {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region} | own

    def _image(self, family: Family) -> assets.DockerImageAsset:
        """Return the family's image. It is built at deployment; synthesis only calculates the hash of its files."""
        if family not in self._images:
            self._images[family] = assets.DockerImageAsset(
                self,
                f"{family}-image",
                directory=".",
                file=f"workers/images/{family}/Dockerfile",
                platform=PLATFORMS[family],
                exclude=["*", *(f"!{path}" for path in IN_IMAGES), "**/__pycache__"],
                ignore_mode=IgnoreMode.DOCKER,
            )
        return self._images[family]

    def _report_errors(self) -> None:
        """Send the error lines of all workers to the function that reports them, in environments with Sentry.

        The function exists in all environments, because its log group stays when Sentry is switched off.
        """
        stored = "CloudWatch Logs calls it with lines that stay in their log group."
        reporter = KinoraFunction(self, ERRORS_OF_WORKERS, self._environment, callers=stored)
        if not self._environment.sentry_dsn:
            return
        endpoints = {f"{stage.queue}-endpoint": group for stage, group in self._endpoint_logs.items()}
        for name, group in (self._logs | self._isolated_logs | endpoints).items():
            logs.SubscriptionFilter(
                self,
                f"{name}-errors",
                log_group=group,
                destination=destinations.LambdaDestination(reporter),
                filter_pattern=logs.FilterPattern.any(
                    *(logs.FilterPattern.string_value("$.level", "=", level) for level in ("ERROR", "CRITICAL"))
                ),
            )

    # --- where they run

    def _capacity(self, size: WorkerSize) -> str:
        """Return the name of the capacity provider: Fargate, or instances that ECS starts and ends for the tasks."""
        if not size.gpus:
            return SPOT if self._environment.spot else ON_DEMAND
        kind = size.instance_type
        if kind is None:
            raise ValueError(f"{self._environment.name}: a worker with GPUs needs an instance type")
        name = f"{'instances' if size.managed else 'group'}-{kind.replace('.', '-')}"
        if name not in self._instances:
            host = self._managed_instances if size.managed else self._instance_group
            self._instances[name] = host(name, kind, size)
        return self._instances[name]

    def _instance_group(self, name: str, kind: str, size: WorkerSize) -> str:
        sizes = [fleet.size for fleet in self._fleets]
        hosted = (kind, size.managed)
        return InstanceGroup(
            self,
            name,
            environment=self._environment,
            cluster=self.cluster,
            max_instances=sum(size.max_tasks for size in sizes if (size.instance_type, size.managed) == hosted),
            instance_type=kind,
            security_group=self.network.workers,
        ).capacity_provider_name

    def _managed_instances(self, name: str, kind: str, size: WorkerSize) -> str:
        provider = ecs.ManagedInstancesCapacityProvider(
            self,
            name,
            capacity_option_type=(
                ecs.CapacityOptionType.SPOT if self._environment.spot else ecs.CapacityOptionType.ON_DEMAND
            ),
            subnets=self.network.vpc.isolated_subnets,
            security_groups=[self.network.workers],
            instance_requirements=ec2.InstanceRequirementsConfig(
                allowed_instance_types=[kind],
                v_cpu_count_min=size.cpu_units // 1024,
                memory_min=Amount.mebibytes(size.memory_mb),
                accelerator_manufacturers=[ec2.AcceleratorManufacturer.NVIDIA],
                accelerator_count_min=size.gpus,
            ),
            task_volume_storage=Amount.gibibytes(100),  # for the image with the model weights, and work files
            propagate_tags=ecs.PropagateManagedInstancesTags.CAPACITY_PROVIDER,
        )
        self.cluster.add_managed_instances_capacity_provider(provider)
        acknowledge(
            provider,
            "AWS's own policy with which ECS starts and ends its instances. AWS updates it when ECS needs more.",
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/"
            "AmazonECSInfrastructureRolePolicyForManagedInstances]",
        )
        acknowledge(
            provider,
            "An instance calls ecs:DiscoverPollEndpoint before it belongs to a cluster.",
            "AwsSolutions-IAM5[Resource::*]",
        )
        instances = self.format_arn(service="ecs", resource="container-instance", resource_name="*")
        acknowledge_wildcards(provider, "ECS creates an instance's id when it registers.", instances)
        return provider.capacity_provider_name


@jsii.implements(IAspect)
class _ServicesNeedProviders:
    """Makes services depend on the association of capacity providers, which the CDK adds to the cluster at synthesis.

    Without the dependency, CloudFormation removes the association while services use it, and `make destroy` fails.
    """

    def __init__(self, services: Sequence[IConstruct]) -> None:
        self._services = services

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, ecs.CfnClusterCapacityProviderAssociations):
            for service in self._services:
                service.node.add_dependency(node)
