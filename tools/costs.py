"""docs/cost.md: the cost of each idle environment in US dollars a month, and the cost of a thousand jobs.

The numbers have three sources: the resources in the templates, the operations of one job in an in-process studio, and
the list prices and assumptions in docs/prices.toml.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any

import tests.conftest  # noqa: F401  # sets the variables that records read at import

# isort: split
from functions.pipeline.dispatch import handler as dispatch
from functions.pipeline.settle import handler as settle
from infra.environments import ENVIRONMENTS as ENVIRONMENTS_OF
from infra.functions import JOBS_STREAM, WEBHOOKS_STREAM
from infra.releases import KEPT
from local.environment import ROOT
from shared.core.clock import utc_now
from shared.jobs.steps import steps
from shared.jobs.store import jobs
from shared.observability import Metric, Panel
from shared.stages.engines import Family
from shared.stages.stages import STAGES, Stage
from tests.support.steps import LEASE, allow, claim, stored_result
from tests.support.studio import studio
from tools.template import ENVIRONMENTS, Assembly, Resource, synthesized
from tools.workers import ARRIVALS, RANGES, SLOW, course
from tools.write_units import Meter, metered
from workers.runtime.beat import TICK_SECONDS, write_due
from workers.runtime.config import WorkerConfig
from workers.runtime.queue_loop import polled
from workers.runtime.queues import QUIET_WAIT_SECONDS

PRICES: dict[str, Any] = tomllib.loads((ROOT / "docs" / "prices.toml").read_text())
MONTH, USE, HOUR, ASSUMED = (PRICES[part] for part in ("month", "use", "hour", "assumed"))
PLANNED = [stage for stage, spec in STAGES.items() if spec.needed_for(frozenset())]  # stages of a job from a prompt
WORKER_SECONDS: dict[Stage, float] = {
    stage: ASSUMED["worker_seconds"].get(stage.value, ASSUMED["worker_seconds"]["default"]) for stage in Stage
}
FLEET = Family.CPU_MEDIA.value  # the workers of all stages
JOBS = 1000  # number of jobs in the tables of use
HOURS = 30 * 24  # hours of a month
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
Line = tuple[str, str, float]  # item, quantity, US dollars


@dataclass(frozen=True)
class JobFlow:
    """The numbers of operations of one job from a prompt."""

    writes: Meter
    beats: int  # writes of progress and leases by workers
    extensions: int  # requests that extend a message's visibility
    messages: int
    transitions: int
    functions: int


def one_job() -> JobFlow:
    """Submit a job, write what a worker writes for each step, with beats as long as the work takes, and settle."""
    with studio() as deployed:
        creator = deployed.arrive("ada@example.com")
        project_id = creator.project()
        beats = extensions = 0
        with metered() as writes:
            job_id = str(creator.job(project_id, duration=5)["id"])
            for stage in PLANNED:
                dispatch({"jobId": job_id, "stage": stage.value, "taskToken": "t" * 600}, None)
                beats += _work(job_id, stage)
                extensions += ceil(WORKER_SECONDS[stage] / WorkerConfig().beat_seconds) - 1
            settle({"jobId": job_id}, None)
        messages = sum(len(deployed.messages(stage.queue)) for stage in PLANNED)
    changes = len(PLANNED) * 2 + beats + 2  # records of the stream
    return JobFlow(
        writes=writes,
        beats=beats,
        extensions=extensions,
        messages=messages + 1,  # the last one is the notice of the end
        transitions=3 + len(PLANNED) + 1 + 1,  # the choices, the stages, Settle, the start
        # 2 a step: its dispatch, its grant. A record calls each reader of the stream at most once.
        functions=ASSUMED["rest_requests"] + 2 + 2 * len(PLANNED) + 2 + len((*JOBS_STREAM, *WEBHOOKS_STREAM)) * changes,
    )


def _work(job_id: str, stage: Stage) -> int:
    """Write one attempt on the step: claim, beats with even progress, result. Return the number of beats."""
    at = utc_now()
    attempt = claim(job_id, stage)
    allow(job_id, stage, attempt)
    due = written_at(WORKER_SECONDS[stage], WorkerConfig())
    for seconds, percent in due:
        now = at + timedelta(seconds=seconds)
        progress = (percent, percent)
        steps.beat(job_id, stage, attempt=attempt, lease_until=now + LEASE, at=now, progress=progress)
    steps.record_result(
        jobs.get(job_id), stage, stored_result(job_id, stage, attempt), attempt=attempt, at=at + timedelta(minutes=1)
    )
    return len(due)


def written_at(takes_seconds: float, config: WorkerConfig) -> list[tuple[float, int]]:
    """Return the time of each beat that writes, in seconds, and its percentage, for work with even progress."""
    due, seconds, last, written = list[tuple[float, int]](), 0.0, 0.0, 0
    while (seconds := seconds + TICK_SECONDS) < takes_seconds:
        percent = int(100 * seconds / takes_seconds)
        if write_due(seconds - last, percent - written, config):
            due.append((seconds, percent))
            last, written = seconds, percent
    return due


# --- idle


def idle(cloud: Assembly) -> list[Line]:
    """Return the monthly cost of an idle environment."""
    endpoints = sum(
        len(endpoint.properties.get("SubnetIds", ())) for endpoint in cloud.resources("AWS::EC2::VPCEndpoint")
    )
    count = {
        "interface endpoints, per zone": (endpoints, MONTH["interface_endpoint"]),
        "encryption keys": (len(cloud.resources("AWS::KMS::Key")), MONTH["kms_key"]),
        "secrets": (len(cloud.resources("AWS::SecretsManager::Secret")), MONTH["secret"]),
        "metrics of alarms": (sum(map(watched, cloud.resources("AWS::CloudWatch::Alarm"))), MONTH["alarm"]),
        "metrics of the alarms of scaling": (sum(map(tracked, cloud.resources(POLICY))), MONTH["alarm"]),
        "metrics of our own": (metrics(cloud), MONTH["metric"]),
        "measurements of queues, once a minute": (HOURS * 60 * measured_queues(cloud), USE["queue_request"]),
        "polls of idle queues by functions": (polls(cloud), USE["queue_request"]),
        "dashboards": (len(cloud.resources("AWS::CloudWatch::Dashboard")), MONTH["dashboard"]),
        "health checks of the probe": (len(checks(cloud)), MONTH["health_check"]),
        "options of the health checks": (sum(map(options, checks(cloud))), MONTH["health_check_option"]),
        "firewalls": (len(cloud.resources("AWS::WAFv2::WebACL")), MONTH["web_acl"]),
        "firewall rules": (
            sum(len(acl["Rules"]) for acl in cloud.resources("AWS::WAFv2::WebACL")), MONTH["web_acl_rule"],
        ),
        "snapshots of functions, GB": (
            KEPT * sum(f["MemorySize"] for f in cloud.functions().values() if "SnapStart" in f.properties) / 1024,
            MONTH["snapshot_gb"],
        ),
    }  # fmt: skip
    lines: list[Line] = [(what, f"{number:.12g}", number * price) for what, (number, price) in count.items() if number]
    sweeps = HOURS * 60
    reconcile = cloud.functions()["pipeline-reconcile"]["MemorySize"] / 1024 * ASSUMED["function_seconds"]
    lines.append(
        (
            "reconcile runs, one a minute",
            f"{sweeps}",
            sweeps * (USE["lambda_request"] + reconcile * USE["lambda_gb_second"]),
        )
    )
    lines += requests_of_the_probe(cloud)
    films = films_of_the_canary(cloud)
    lines.append(("workers of the canary's films", f"{films}", films * dollars_of_workers(cloud, at_a_time=1)))
    if warm := warm_workers(cloud):
        lines.append(("warm workers", f"{warm}", warm * HOURS * worker_hour(cloud)))
    return lines


def warm_workers(cloud: Assembly) -> int:
    """Return the number of workers of films that run while nothing is to do."""
    return int(_scaled(cloud)["MinCapacity"])


def _scaled(cloud: Assembly) -> Resource:
    targets = cloud.resources("AWS::ApplicationAutoScaling::ScalableTarget")
    [found] = [one for one in targets if FLEET.replace("-", "") in str(one["ResourceId"]).replace("-", "")]
    return found


def metrics(cloud: Assembly) -> int:
    """Return the number of our metrics. Those of workers exist for each service."""
    of_fleets = sum(metric.panel is Panel.WORKERS for metric in Metric)
    return len(Metric) + of_fleets * (len(cloud.resources("AWS::ECS::Service")) - 1)


def measured_queues(cloud: Assembly) -> int:
    variables = cloud.functions()["pipeline-reconcile"]["Environment"]["Variables"]
    return sum(map(len, json.loads(variables["KINORA_WORKER_FLEETS"]).values()))


def checks(cloud: Assembly) -> list[dict[str, Any]]:
    """Return the settings of the health checks, of the API and of a picture of the site."""
    return [check["HealthCheckConfig"] for check in cloud.resources("AWS::Route53::HealthCheck")]


def options(check: dict[str, Any]) -> int:
    """Return the number of options that AWS charges for: HTTPS, and a text in the answer."""
    return ("HTTPS" in check["Type"]) + ("SearchString" in check)


def requests_of_the_probe(cloud: Assembly) -> Iterator[Line]:
    for check in checks(cloud):
        number = ASSUMED["checkers"] * HOURS * 3600 / check["RequestInterval"]
        price = USE["edge_request"]
        if check["ResourcePath"].startswith("/api/"):
            memory = cloud.functions()["rest-health"]["MemorySize"] / 1024
            price += USE["rest_request"] + USE["trace"] + USE["lambda_request"] + 2 * USE["read_unit"]
            price += memory * ASSUMED["probe_seconds"] * USE["lambda_gb_second"]
        else:
            price += ASSUMED["picture_kb"] / 1024**2 * USE["edge_gb"]
        yield f"requests of the probe, {check['ResourcePath']}", f"{number:,.0f}", number * price


def tracked(policy: Resource) -> int:
    """Return the number of metrics in the alarms that AWS creates for a target-tracking policy outside the template."""
    configuration = policy.properties.get("TargetTrackingScalingPolicyConfiguration")
    if configuration is None:
        return 0
    metrics = configuration.get("CustomizedMetricSpecification", {}).get("Metrics", ())
    return int(ASSUMED["tracking_alarms"] * (sum("MetricStat" in metric for metric in metrics) or 1))


def polls(cloud: Assembly) -> float:
    """Return the number of requests with which Lambda polls empty queues in a month."""
    queues = sum(
        ":sqs:" in str(source["EventSourceArn"]) for source in cloud.resources("AWS::Lambda::EventSourceMapping")
    )
    return float(queues * ASSUMED["pollers"] * HOURS * 3600 / ASSUMED["poll_seconds"])


def films_of_the_canary(cloud: Assembly) -> int:
    """Return the number of films in a month, from the rule's `rate(6 hours)`."""
    rule = cloud.by("Name", "AWS::Events::Rule")["canary"]
    number, unit = str(rule["ScheduleExpression"]).removeprefix("rate(").removesuffix(")").split()
    return HOURS // (int(number) * (24 if unit.startswith("day") else 1))


def watched(alarm: Resource) -> int:
    """Return the number of metrics that an alarm reads. AWS charges for each."""
    return sum("MetricStat" in metric for metric in alarm.properties.get("Metrics", ())) or 1


# --- in use


def in_use(cloud: Assembly, job: JobFlow) -> list[Line]:
    """Return the cost of JOBS jobs from a prompt with films of five seconds."""
    sizes = [function["MemorySize"] for name, function in cloud.functions().items() if name != "canary"]
    gb_seconds = job.functions * ASSUMED["function_seconds"] * sum(sizes) / len(sizes) / 1024
    requests = 3  # send, receive, delete
    film_gb = ASSUMED["film_mb"] / 1024
    each: list[tuple[str, str, float, float]] = [
        ("DynamoDB writes", "units", job.writes.total, USE["write_unit"]),
        ("DynamoDB reads", "units", 3 * job.writes.total, USE["read_unit"]),
        ("state transitions", "", job.transitions, USE["state_transition"]),
        ("function calls", "", job.functions, USE["lambda_request"]),
        ("function time", "GB-s", gb_seconds, USE["lambda_gb_second"]),
        ("queue requests", "", job.messages * requests + job.extensions, USE["queue_request"]),
        ("REST requests", "", ASSUMED["rest_requests"], USE["rest_request"]),
        ("WebSocket messages", "", ASSUMED["socket_messages"], USE["socket_message"]),
        ("traces", "", ASSUMED["rest_requests"], USE["trace"]),
        ("logs, GB", "", ASSUMED["log_kb"] / 1024**2, USE["log_gb"]),
        ("objects written", "", 20, USE["bucket_put"]),
        ("films stored for a month", "GB", film_gb + ASSUMED["work_mb"] / 1024 * 14 / 30, USE["bucket_gb_month"]),
        ("films streamed", "GB", film_gb * ASSUMED["watched_times"], USE["edge_gb"]),
    ]
    lines: list[Line] = [
        (
            what,
            f"{JOBS * number:,.3g} {unit}".strip() if JOBS * number < 1 else f"{JOBS * number:,.0f} {unit}".strip(),
            JOBS * number * price,
        )
        for what, unit, number, price in each
    ]
    each_job = dollars_of_workers(cloud, at_a_time=int(ASSUMED["jobs_at_a_time"]))
    lines.append(("workers", f"{JOBS * each_job / worker_hour(cloud):,.0f} h", JOBS * each_job))
    return lines


def dollars_of_workers(cloud: Assembly, *, at_a_time: int) -> float:
    """Return the cost of the workers for one of `at_a_time` jobs that arrive at a deployment without a worker."""
    most = int(_scaled(cloud)["MaxCapacity"])
    made = course(at_a_time, [WORKER_SECONDS[stage] for stage in PLANNED], target=tasks_per_worker(cloud), most=most)
    return made.worker_seconds / at_a_time / 3600 * worker_hour(cloud)


def tasks_per_worker(cloud: Assembly) -> int:
    """Return the backlog for each worker at which scaling aims."""
    policy = cloud.by("PolicyName", POLICY)[f"{FLEET}-backlog"]
    return int(policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"])


def worker_hour(cloud: Assembly) -> float:
    """Return the cost of one hour of one worker of films in dollars, with the polls of its queues when it is quiet."""
    task = cloud.by("Family", "AWS::ECS::TaskDefinition")[FLEET]
    capacity = str(cloud.by("ServiceName", "AWS::ECS::Service")[FLEET]["CapacityProviderStrategy"])
    cpu, memory = int(task["Cpu"]) / 1024, int(task["Memory"]) / 1024
    hour = (cpu * HOUR["fargate_cpu"] + memory * HOUR["fargate_gb"]) * (ASSUMED["spot"] if "SPOT" in capacity else 1)
    return float(hour + len(polled([*Stage])) * 3600 / QUIET_WAIT_SECONDS * USE["queue_request"])


# --- the page


def table(lines: Sequence[Line]) -> str:
    rows = [f"| {what} | {number} | {dollars:,.2f} |" for what, number, dollars in lines]
    return "\n".join(
        ["| item | quantity | $ |", "|---|---:|---:|", *rows, f"| **total** | | **{sum_of(lines):,.2f}** |"]
    )


def workers_section() -> list[str]:
    """Return the section about the start of workers: the ranges, the times until films, and the cost of workers."""
    steps = [WORKER_SECONDS[stage] for stage in PLANNED]
    slowly = [seconds * SLOW["work"] / sum(steps) for seconds in steps]
    clouds = [synthesized(name) for name in ENVIRONMENTS]
    target = tasks_per_worker(clouds[0])
    first = course(1, slowly, target=target, most=1).first_seconds
    ranges = [f"| {one['name']} | {one['quick']:g} to {one['slow']:g} | {one['source']} |" for one in RANGES]
    rows = []
    for number in ARRIVALS:
        dollars = " | ".join(f"{JOBS * dollars_of_workers(cloud, at_a_time=number):,.2f}" for cloud in clouds)
        burst = course(number, steps, target=target, most=ENVIRONMENTS_OF["prod"].sizes[Family.CPU_MEDIA].max_tasks)
        rows.append(f"| {number} | {dollars} | {burst.boots} | {burst.last_seconds:,.0f} |")
    warm = ", ".join(f"{HOURS * worker_hour(cloud):,.2f} in {cloud.name}" for cloud in clouds)
    return [
        "## Workers",
        "A film starts one worker, which does all its steps "
        "([ADR 66](adr/0066-one-service-does-all-stages-of-a-film.md)). This is a calculation with the slow ends of "
        "the ranges of [starts.toml](starts.toml). Nothing has been measured on AWS.",
        "\n".join(["| time, in seconds | range | source |", "|---|---:|---|", *ranges]),
        f"The first film after a quiet time: {first:,.0f} s.",
        f"Workers of {JOBS:,} jobs in dollars, if they arrive in bursts, and each burst finds no worker. The last two "
        "columns are of one burst in prod:",
        "\n".join(
            [
                f"| jobs at a time | {' | '.join(ENVIRONMENTS)} | workers | seconds until the last film |",
                "|---:|" + "---:|" * (len(clouds) + 2),
                *rows,
            ]
        ),
        "`warm_workers` keeps workers running, so that the first film after a quiet time needs no start. One costs, "
        f"in dollars a month: {warm}.",
    ]


def sum_of(lines: Iterable[Line]) -> float:
    return sum(dollars for *_, dollars in lines)


def page() -> str:
    """Return the page as Markdown."""
    job = one_job()
    by_table = ", ".join(f"{name} {units}" for name, units in job.writes.units.most_common())
    parts = [
        "# Costs",
        "`make docs` writes this page from the synthesized templates, one job in the in-process studio, "
        f"and the list prices of {PRICES['as_of']} and the assumptions in [prices.toml](prices.toml). Prices are in "
        "US dollars, for us-east-1, without free tiers.",
        "## One job",
        f"A job from a prompt with a film of five seconds uses {job.writes.total} DynamoDB write units in "
        f"{job.writes.requests} requests ({by_table}). {job.beats} of the requests write progress and leases. "
        f"It uses {job.transitions} state transitions, {job.messages} task messages and about {job.functions} "
        "function calls.",
    ]
    for name in ENVIRONMENTS:
        cloud = synthesized(name)
        parts += [f"## {name}", "Idle, per month:", table(idle(cloud)), f"{JOBS:,} jobs:", table(in_use(cloud, job))]
    parts += workers_section()
    return "\n\n".join(parts) + "\n"
