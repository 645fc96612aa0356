"""The environments that can be deployed. Each is one frozen value; stacks read its fields and do not test its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import aws_cdk as cdk

from shared.stages.choice import default_engines
from shared.stages.engines import Engine, Family, catalogue
from shared.stages.stages import Stage
from shared.stages.weights import WEIGHTS

EDGE_REGION = "us-east-1"  # CloudFront's certificates, web ACLs, log deliveries and metrics, and Route 53's metrics
NEW = "new"  # value of `cost_monitor`: create the monitor
TRAFFIC_SHIFTS = r"Canary10Percent(5|10|15|30)Minutes|Linear10PercentEvery(1Minute|(2|3|10)Minutes)"


@dataclass(frozen=True, slots=True)
class WorkerSize:
    """Size and number of one service's workers, which are tasks of ECS. With `gpus=0` they run on Fargate."""

    cpu_units: int  # 1024 is one core
    memory_mb: int
    gpus: int = 0
    max_tasks: int = 4
    instance_type: str | None = None  # of the instances that host the tasks, e.g. "g6.xlarge"; required with GPUs
    managed: bool = True  # ECS Managed Instances; False: our own Auto Scaling group, where they are not available

    def suits(self, family: Family) -> bool:
        """Return whether the size has GPUs and an instance type exactly if the family's engines need a GPU."""
        with_gpu = family is Family.CUDA_DIFFUSERS
        return (self.gpus > 0, self.instance_type is not None) == (with_gpu, with_gpu)


SMALL = WorkerSize(cpu_units=2048, memory_mb=4096, max_tasks=2)
LARGE = WorkerSize(cpu_units=4096, memory_mb=8192, max_tasks=60)
GPU = WorkerSize(cpu_units=3584, memory_mb=14336, gpus=1, max_tasks=8, instance_type="g6.xlarge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Everything that differs between deployments. Without `account` the template can be deployed to any account."""

    name: str
    account: str | None = None
    region: str = EDGE_REGION
    # Ids of the zones of the workers' network. A name such as us-east-1a is another zone in each account, and not every
    # zone has all services. `make bootstrap` checks these zones. They cannot change after the first deployment.
    zones: tuple[str, ...] = ("use1-az4", "use1-az6")

    retain_data: bool  # tables, media and keys outlive their stack
    deletion_protection: bool
    log_retention_days: int

    domain_name: str | None = None  # "studio.example.com"; without it the site has CloudFront's own address
    hosted_zone_id: str | None = None  # the Route 53 zone of the domain
    waf: bool
    throttle_rate: float  # maximum requests per second of the whole API
    throttle_burst: int  # maximum requests at once
    rate_limit_per_ip: int = 2000  # maximum requests in five minutes from one address; needs the WAF
    # API Gateway refuses calls without the key of the distribution. Where the distribution does not send the key yet,
    # deploy once with False.
    distribution_only: bool = True
    sign_in_limit_per_ip: int = 300  # the same for sign-in, registration and renewal: a browser renews every 15 minutes
    max_executions: int  # jobs that have an execution at once; the others wait
    provider_day_cents: int  # most that providers may charge for the requests of one day, at list prices
    # The functions with `snap_start` in infra/functions.py start from a snapshot: saves about 0.6 s, costs $40 a month.
    snap_start: bool
    # How calls move to a new version, by the name of CodeDeploy's configuration for Lambda: "Canary10Percent10Minutes"
    # moves 10% of them, and the others 10 minutes later. With None all calls move at once.
    traffic_shift: str | None = None

    # Route 53 requests the studio and its API from other regions, outside this account. It costs about $10 a month.
    probe: bool = False
    alarm_email: str | None = None
    dashboards: bool = True  # two; each costs $3 a month
    # Alarms on errors name the functions: an alarm costs $1 a month for each ten. With False one alarm watches all
    # functions of the account.
    alarms_by_function: bool = True
    # Share of requests of which X-Ray records the trace. With 0 workers have no endpoint of X-Ray, which costs $7 a
    # month per zone. The log lines of a job have its id in any case.
    trace_share: float = 0.05
    monthly_budget_usd: int
    # Cost anomaly detection: the ARN of the account's monitor of services. An account can have only one, and AWS
    # creates it for most accounts, so that NEW, which creates it, fails there. `make bootstrap` prints the value. With
    # None only the budget sends notices.
    cost_monitor: str | None = None
    sentry_dsn: str = ""  # the Sentry project that receives functions' errors: https://<key>@<host>/<project>

    sizes: Mapping[Family, WorkerSize]  # size of workers, by the family that their engines need
    # Exceptions to `sizes`. A stage with a size of its own has workers of its own (infra/fleets.py).
    stage_sizes: Mapping[Stage, WorkerSize] = field(default_factory=dict)
    # Memory of the functions that do the CPU stages and the verification (docs/adr/0076). 1769 MB are one core, and new
    # accounts have at most 3008 MB. With 0, services of ECS do this work: cheaper for many films, but their network
    # costs money while it is idle. A step may take 14 minutes in a function. Stages in `stage_sizes` have services.
    cpu_functions_mb: int = 0
    # Workers of all CPU stages that run while nothing is to do. With 0, the first film after a quiet time waits until a
    # worker has started, some minutes. docs/cost.md has the price.
    warm_workers: int = 0
    verification: WorkerSize = SMALL
    spot: bool
    signs_films: bool = True  # if its secrets contain a certificate; workers need an endpoint to reach the secrets
    endpoint_zones: int = 2  # number of zones with interface endpoints; each endpoint costs $7 a month per zone
    # From 1 to 24; CloudWatch has no longer period for the alarm. Each film costs some cents, because it starts
    # a worker.
    canary_every_hours: int = 6
    # Stages that run on SageMaker asynchronous endpoints instead of ECS, with the instance type: "ml.g6.xlarge", or a
    # Graviton type ("ml.c7g.xlarge") if the engines need no GPU, because their image is built for Graviton.
    sagemaker: Mapping[Stage, str] = field(default_factory=dict)

    # Engines that need a GPU, by name (shared/stages/engines.py). Their stages then run on instances with GPUs. The
    # weights are a folder of the image: workers have no permission for other buckets, and no route to a hub.
    gpu_engines: tuple[str, ...] = ()
    weights: str = "/weights"
    # Engines of providers, by name, that a job may get if it names none. Such jobs cost more credits, and the providers
    # receive what they are made from (docs/adr/0068).
    default_engines: tuple[str, ...] = ()
    accepted_licences: tuple[str, ...] = ()  # of weights with a condition (shared/stages/weights.py), by their name

    def __post_init__(self) -> None:
        refused = {
            entry.weights
            for entry in self.engines
            if entry.weights and WEIGHTS[entry.weights].condition and entry.weights not in self.accepted_licences
        }
        if refused:
            raise ValueError(
                f"{self.name}: read the licences of {', '.join(sorted(refused))}, and add them to accepted_licences"
            )
        default_engines(self.default_engines)
        if self.sentry_dsn and not re.fullmatch(r"https://\w+@[\w.-]+/\d+", self.sentry_dsn):
            raise ValueError(
                f"{self.name}: sentry_dsn must be https://<key>@<host>/<project>, or functions cannot start"
            )
        if not 0 <= self.trace_share <= 1:
            raise ValueError(f"{self.name}: trace_share must be 0 to 1")
        if self.traffic_shift and not re.fullmatch(TRAFFIC_SHIFTS, self.traffic_shift):
            raise ValueError(f"{self.name}: traffic_shift must match {TRAFFIC_SHIFTS}")
        if not 0 <= self.warm_workers <= self.sizes[Family.CPU_MEDIA].max_tasks:
            raise ValueError(f"{self.name}: warm_workers must be 0 to the max_tasks of cpu-media")
        if self.cpu_functions_mb and (self.warm_workers or not 512 <= self.cpu_functions_mb <= 10_240):
            raise ValueError(
                f"{self.name}: cpu_functions_mb must be 512 to 10240. With it, no services can have warm_workers"
            )
        if not 1 <= self.canary_every_hours <= 24:
            raise ValueError(f"{self.name}: canary_every_hours must be 1 to 24, or its alarm has no period")
        if self.region != EDGE_REGION:
            raise ValueError(
                f"{self.name}: region {self.region} is not supported: CloudFront's certificates, firewalls and logs "
                f"must be in {EDGE_REGION}"
            )
        if (self.domain_name is None) != (self.hosted_zone_id is None):
            raise ValueError(f"{self.name}: set both domain_name and hosted_zone_id, or neither")
        for family in Family:
            self._check(family, self.sizes[family], family)

    def size_of(self, stage: Stage, family: Family) -> WorkerSize:
        """Return the size of the stage's workers. Raise ValueError if it does not suit `family`, which they need."""
        size = self.stage_sizes.get(stage, self.sizes[family])
        self._check(stage, size, family)
        return size

    def _check(self, owner: str, size: WorkerSize, family: Family) -> None:
        if not size.suits(family):
            needed = "with" if family is Family.CUDA_DIFFUSERS else "without"
            raise ValueError(f"{self.name}: {owner} needs a size {needed} GPUs")

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engines of the deployment."""
        return catalogue(self.gpu_engines)

    @property
    def prefix(self) -> str:
        """The prefix of every physical name: `kinora-dev`."""
        return f"kinora-{self.name}"

    @property
    def secret_prefix(self) -> str:
        return f"kinora/{self.name}/"

    def media_bucket(self, account: str) -> str:
        """Return the name of the media bucket. It contains the account's number: bucket names are global in AWS."""
        return f"{self.prefix}-media-{account}"

    @property
    def origin(self) -> str | None:
        """The origin of the studio, if it is known before the deployment."""
        return f"https://{self.domain_name}" if self.domain_name else None

    @property
    def mail_from(self) -> str:
        """The sender of email. It is empty without a domain: then the deployment sends no email."""
        return f"Kinora <no-reply@{self.domain_name}>" if self.domain_name else ""

    @property
    def removal_policy(self) -> cdk.RemovalPolicy:
        """The removal policy of stores. A retained store is still deleted if the deployment that creates it fails.

        Names are fixed, so a store that remained would make the next attempt fail.
        """
        return cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if self.retain_data else cdk.RemovalPolicy.DESTROY

    @property
    def cdk_environment(self) -> cdk.Environment:
        return cdk.Environment(account=self.account, region=self.region)


ENVIRONMENTS: dict[str, Environment] = {
    environment.name: environment
    for environment in (
        Environment(
            name="dev",
            retain_data=False,
            deletion_protection=False,
            log_retention_days=7,
            waf=False,
            throttle_rate=20,
            throttle_burst=40,
            max_executions=10,
            provider_day_cents=1_000,
            snap_start=False,
            monthly_budget_usd=60,
            sizes={Family.CPU_MEDIA: replace(SMALL, max_tasks=6), Family.CUDA_DIFFUSERS: replace(GPU, max_tasks=1)},
            cpu_functions_mb=3008,
            spot=True,
            signs_films=False,
            endpoint_zones=1,
            dashboards=False,
            alarms_by_function=False,
            trace_share=0,
            canary_every_hours=24,
        ),
        Environment(
            name="staging",
            retain_data=False,
            deletion_protection=True,
            log_retention_days=30,
            waf=True,
            throttle_rate=100,
            throttle_burst=200,
            max_executions=40,
            provider_day_cents=5_000,
            snap_start=True,
            traffic_shift="Canary10Percent5Minutes",
            monthly_budget_usd=200,
            sizes={Family.CPU_MEDIA: LARGE, Family.CUDA_DIFFUSERS: replace(GPU, max_tasks=2)},
            cpu_functions_mb=7076,
            spot=True,
            endpoint_zones=1,
        ),
        Environment(
            name="prod",
            retain_data=True,
            deletion_protection=True,
            log_retention_days=365,
            waf=True,
            throttle_rate=500,
            throttle_burst=1000,
            max_executions=100,
            provider_day_cents=20_000,
            snap_start=True,
            traffic_shift="Canary10Percent10Minutes",
            monthly_budget_usd=2000,
            sizes={Family.CPU_MEDIA: LARGE, Family.CUDA_DIFFUSERS: GPU},
            cpu_functions_mb=7076,
            spot=False,
            probe=True,
        ),
    )
}
