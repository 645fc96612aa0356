"""The environments that can be deployed, each one frozen value: stacks read it, none asks for its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import aws_cdk as cdk

from shared.stages.engines import Family
from shared.stages.stages import Stage

EDGE_REGION = "us-east-1"  # the one region from which CloudFront takes certificates and web ACLs, and delivers logs
NEW = "new"


@dataclass(frozen=True, slots=True)
class WorkerSize:
    """One service's tasks: what each needs, and how many there may be. `gpus=0` runs on Fargate."""

    cpu_units: int  # 1024 is one core
    memory_mb: int
    gpus: int = 0
    min_tasks: int = 0
    max_tasks: int = 4
    instance_type: str | None = None  # of the capacity that hosts it, e.g. "g6.xlarge"; needed where there are GPUs
    managed: bool = True  # by ECS Managed Instances; else an Auto Scaling group of ours, where those cannot be had

    def suits(self, family: Family) -> bool:
        """Return whether it has what the family's engines need, and no more."""
        with_gpu = family is Family.CUDA_DIFFUSERS
        return (self.gpus > 0, self.instance_type is not None) == (with_gpu, with_gpu)


SMALL = WorkerSize(cpu_units=2048, memory_mb=4096, max_tasks=2)
LARGE = WorkerSize(cpu_units=4096, memory_mb=8192, max_tasks=20)
GPU = WorkerSize(cpu_units=3584, memory_mb=14336, gpus=1, max_tasks=8, instance_type="g6.xlarge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """All that differs between deployments. Without an account the template is for whichever account deploys it."""

    name: str
    account: str | None = None
    region: str = EDGE_REGION

    retain_data: bool  # tables, media and keys outlive their stack
    deletion_protection: bool
    point_in_time_recovery: bool
    log_retention_days: int

    domain_name: str | None = None  # "studio.example.com"; without one CloudFront's own address serves
    hosted_zone_id: str | None = None  # the Route 53 zone of the domain
    waf: bool
    throttle_rate: float  # requests per second, the whole API
    throttle_burst: int
    rate_limit_per_ip: int = 2000  # requests in five minutes from one address, where there is a WAF
    snap_start: bool  # REST functions start from a snapshot: ~0.6 s saved, some dollars a month for keeping it

    alarm_email: str | None = None
    monthly_budget_usd: int
    # The watch over unusual costs: the ARN of the account's monitor of services, of which there can be one (AWS makes
    # it for most accounts), or NEW where there is none. None: nobody watches but the budget.
    cost_monitor: str | None = None
    sentry_dsn: str = ""  # where functions report errors to: https://<key>@<host>/<project>
    credit_cents: float = 1  # the list price of a credit: the business dashboard calculates revenue by it

    sizes: Mapping[Family, WorkerSize]  # of a stage's workers, by what its engines need
    stage_sizes: Mapping[Stage, WorkerSize] = field(default_factory=dict)  # of those that want another than that
    verification: WorkerSize = SMALL
    spot: bool
    signs_films: bool = True  # with a certificate, where its secrets have one; reaching them takes an endpoint
    endpoint_zones: int = 2  # in how many zones workers reach AWS: each endpoint costs $7 a month in each
    canary_every_hours: int = 6  # each film boots a worker of every stage it passes: some cents
    # Stages that asynchronous endpoints serve instead of ECS, each with SageMaker's type of instance: "ml.g6.xlarge",
    # or a Graviton ("ml.c7g.xlarge") where the engines need no GPU, for that is what their image is built for.
    sagemaker: Mapping[Stage, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.sentry_dsn and not re.fullmatch(r"https://\w+@[\w.-]+/\d+", self.sentry_dsn):
            raise ValueError(f"{self.name}: sentry_dsn is no https://<key>@<host>/<project>; functions would not start")
        if self.region != EDGE_REGION:
            raise ValueError(
                f"{self.name}: {self.region} cannot be: CloudFront's certificates, firewalls and logs are made in "
                f"{EDGE_REGION} alone"
            )
        if (self.domain_name is None) != (self.hosted_zone_id is None):
            raise ValueError(f"{self.name}: domain_name and hosted_zone_id come together")
        for family in Family:
            self._check(family, self.sizes[family], family)

    def size_of(self, stage: Stage, family: Family) -> WorkerSize:
        """Return the size of the stage's workers, whose engines need `family`. Raise ValueError if it is unfit."""
        size = self.stage_sizes.get(stage, self.sizes[family])
        self._check(stage, size, family)
        return size

    def _check(self, whose: str, size: WorkerSize, family: Family) -> None:
        if not size.suits(family):
            wanted = "with" if family is Family.CUDA_DIFFUSERS else "without"
            raise ValueError(f"{self.name}: {whose} wants a size {wanted} GPUs")

    @property
    def prefix(self) -> str:
        """The prefix of every physical name: `kinora-dev`."""
        return f"kinora-{self.name}"

    @property
    def secret_prefix(self) -> str:
        return f"kinora/{self.name}/"

    def media_bucket(self, account: str) -> str:
        """Bucket names are shared by all accounts, so this one carries the account's number."""
        return f"{self.prefix}-media-{account}"

    @property
    def origin(self) -> str | None:
        """The origin of the studio, if it is known before the deployment."""
        return f"https://{self.domain_name}" if self.domain_name else None

    @property
    def removal_policy(self) -> cdk.RemovalPolicy:
        """The removal policy of stores; a retained store is deleted all the same if the deployment that makes it fails.

        Names are fixed, so what stayed behind would stand in the way of the next try.
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
            point_in_time_recovery=True,
            log_retention_days=7,
            waf=False,
            throttle_rate=20,
            throttle_burst=40,
            snap_start=False,
            monthly_budget_usd=100,
            sizes={Family.CPU_MEDIA: SMALL, Family.CUDA_DIFFUSERS: replace(GPU, max_tasks=1)},
            spot=True,
            signs_films=False,
            endpoint_zones=1,
            canary_every_hours=24,
        ),
        Environment(
            name="staging",
            retain_data=False,
            deletion_protection=True,
            point_in_time_recovery=True,
            log_retention_days=30,
            waf=True,
            throttle_rate=100,
            throttle_burst=200,
            snap_start=True,
            monthly_budget_usd=300,
            sizes={Family.CPU_MEDIA: LARGE, Family.CUDA_DIFFUSERS: replace(GPU, max_tasks=2)},
            spot=True,
        ),
        Environment(
            name="prod",
            retain_data=True,
            deletion_protection=True,
            point_in_time_recovery=True,
            log_retention_days=365,
            waf=True,
            throttle_rate=500,
            throttle_burst=1000,
            snap_start=True,
            monthly_budget_usd=2000,
            cost_monitor=NEW,
            sizes={Family.CPU_MEDIA: LARGE, Family.CUDA_DIFFUSERS: GPU},
            spot=False,
        ),
    )
}
