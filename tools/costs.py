"""docs/cost.md: the cost of each idle environment in US dollars a month, and the cost of a thousand jobs.

The numbers have three sources: the resources in the templates, the operations of one job in an in-process studio, and
the list prices and assumptions in docs/prices.toml. `tests/infra/test_billed.py` names the line of each property that
AWS bills.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from infra.environments import ENVIRONMENTS as REAL
from infra.releases import KEPT
from local.environment import ROOT
from shared.observability import Metric, Panel
from tools import services, worker_costs
from tools.job_flow import JobFlow, one_job
from tools.prices import ASSUMED, HOUR, HOURS, JOBS, MONTH, PRICES, USE, WORKER_SECONDS
from tools.template import ENVIRONMENTS, Assembly, Resource, synthesized
from tools.worker_costs import dollars_of_film, worker_hour

ENVIRONMENTS_OF = {**REAL, services.ENVIRONMENT.name: services.ENVIRONMENT}
SECONDS: dict[str, float] = ASSUMED["function_seconds"]  # of a warm call, by kind of function
INIT: float = ASSUMED["init_seconds"]
KINDS = {  # how the names of the functions of a kind begin
    "rest": ("rest-",),
    "authorizer": ("authorizer",),
    "pipeline": ("pipeline-",),
    "stream": ("realtime-push", "webhooks-notify"),
    "socket": ("socket-",),
    "notice": ("notices-",),
}
# Metrics that `pipeline-reconcile` reports each minute. CloudWatch charges a metric for the hours in which it has data.
STEADY = {
    name
    for module in ("reconcile", "fleets")
    for name in re.findall(r"Metric\.([A-Z_]+)", (ROOT / "functions" / "pipeline" / f"{module}.py").read_text())
}
OF_FLEETS = {metric.name for metric in Metric if metric.panel is Panel.WORKERS}
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
Line = tuple[str, str, float]  # item, quantity, US dollars


@cache
def job() -> JobFlow:
    """Return the counted job, with the assumed seconds of work."""
    return one_job(WORKER_SECONDS)


# --- idle


def idle(cloud: Assembly) -> list[Line]:
    """Return the monthly cost of an idle environment."""
    count = {
        "interface endpoints, per zone": (interface_endpoints(cloud), MONTH["interface_endpoint"]),
        "encryption keys": (len(cloud.resources("AWS::KMS::Key")), MONTH["kms_key"]),
        "secrets": (len(cloud.resources("AWS::SecretsManager::Secret")), MONTH["secret"]),
        "metrics of alarms": (sum(map(watched, cloud.resources("AWS::CloudWatch::Alarm"))), MONTH["alarm"]),
        "metrics of the alarms of scaling": (sum(map(tracked, cloud.resources(POLICY))), MONTH["alarm"]),
        "metrics of our own, each minute": (len(STEADY - OF_FLEETS) + of_fleets(cloud), MONTH["metric"]),
        "metrics of our own, in hours with a film": (
            (len({metric.name for metric in Metric} - STEADY)) * films_of_the_canary(cloud) / HOURS, MONTH["metric"],
        ),
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
    lines: list[Line] = [
        (what, f"{number:.3g}" if number < 1000 else f"{number:,.0f}", number * price)
        for what, (number, price) in count.items()
        if number
    ]
    lines.append(runs_of_schedules(cloud))
    kept = ASSUMED["deployed_gb"]
    lines.append(("images and bundles of deployments", f"{kept:g} GB", kept * MONTH["image_gb"]))
    keys = HOURS * 12 * ASSUMED["quiet_tables"]
    lines.append(("requests for encryption keys of tables", f"{keys:,}", keys * USE["kms_request"]))
    rotations = len(cloud.resources("AWS::SecretsManager::RotationSchedule"))
    reads = HOURS * ASSUMED["secret_reads"] + rotations
    lines.append(("reads of secrets", f"{reads:,}", reads * USE["secret_request"]))
    quiet = ASSUMED["quiet_log_gb"]
    lines.append(("logs of schedules and of the network", f"{quiet:g} GB", quiet * (USE["log_gb"] + MONTH["log_gb"])))
    lines += requests_of_the_probe(cloud)
    films = films_of_the_canary(cloud)
    environment = ENVIRONMENTS_OF[cloud.name]
    lines.append(("workers of the canary's films", f"{films}", films * dollars_of_film(environment, at_a_time=1)))
    if warm := environment.warm_workers:
        lines.append(("warm workers", f"{warm}", warm * HOURS * worker_hour(environment)))
    return lines


def interface_endpoints(cloud: Assembly) -> int:
    """Return the number of interface endpoints, each counted once for each zone. Gateway endpoints are free."""
    return sum(len(endpoint.properties.get("SubnetIds", ())) for endpoint in cloud.resources("AWS::EC2::VPCEndpoint"))


def runs_of_schedules(cloud: Assembly) -> Line:
    """Return the cost of the functions that rules of EventBridge call, except the canary. The rules are free."""
    runs, dollars, functions = 0, 0.0, cloud.functions()
    for name, rule in cloud.by("Name", "AWS::Events::Rule").items():
        if "ScheduleExpression" in rule.properties and name in functions and name != "canary":
            number, unit = str(rule["ScheduleExpression"]).removeprefix("rate(").removesuffix(")").split()
            times = HOURS * 60 // (int(number) * {"minute": 1, "hour": 60, "day": 1440}[unit.removesuffix("s")])
            size = functions[name]["MemorySize"] / 1024
            runs += times
            dollars += times * (USE["lambda_request"] + size * SECONDS["pipeline"] * USE["lambda_gb_second"])
            dollars += times * traced(cloud) * USE["trace"]
    return "runs of schedules", f"{runs:,}", dollars


def traced(cloud: Assembly) -> float:
    """Return the share of requests that X-Ray records at most: all, or the share of our own rule."""
    rules = cloud.resources("AWS::XRay::SamplingRule")
    return float(rules[0]["SamplingRule"]["FixedRate"]) if rules else 1.0


def of_fleets(cloud: Assembly) -> int:
    """Return the number of metrics of workers, which exist for each service."""
    each = sum(metric.panel is Panel.WORKERS for metric in Metric)
    return each * len(cloud.resources("AWS::ECS::Service"))


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
            price += USE["rest_request"] + traced(cloud) * USE["trace"] + USE["lambda_request"] + 2 * USE["read_unit"]
            price += memory * ASSUMED["probe_seconds"] * USE["lambda_gb_second"]
            price += firewalls(cloud) * USE["firewall_request"]
        else:
            price += ASSUMED["picture_kb"] / 1024**2 * USE["edge_gb"]
        yield f"requests of the probe, {check['ResourcePath']}", f"{number:,.0f}", number * price


def firewalls(cloud: Assembly) -> int:
    """Return the number of firewalls that see a request to the API."""
    return len(cloud.resources("AWS::WAFv2::WebACL"))


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


def in_use(cloud: Assembly, counted: JobFlow) -> list[Line]:
    """Return the cost of JOBS jobs from a prompt with films of five seconds."""
    each = [*platform(cloud, counted), *films()]
    lines: list[Line] = [
        (what, _quantity(JOBS * number, unit), JOBS * number * price) for what, unit, number, price in each
    ]
    each_job = dollars_of_film(ENVIRONMENTS_OF[cloud.name], at_a_time=int(ASSUMED["jobs_at_a_time"]))
    lines.append(("workers", f"{JOBS} films", JOBS * each_job))
    return lines


Use = tuple[str, str, float, float]  # item, unit, quantity for a job, US dollars for one


def platform(cloud: Assembly, counted: JobFlow) -> list[Use]:
    """Return the uses of one job, without its film and its workers."""
    sizes = memory(cloud)
    running = sum(calls * SECONDS[kind] * sizes[kind] for kind, calls in counted.functions.items())
    cold = {kind: calls * ASSUMED["cold_share"] * sizes[kind] for kind, calls in counted.functions.items()}
    restored = (
        ("rest", "authorizer") if any("SnapStart" in one.properties for one in cloud.functions().values()) else ()
    )
    stored, logs = MONTH["item_gb"] + MONTH["backup_gb"], ASSUMED["log_kb"] / 1024**2
    unrestored = sum(gigabytes for kind, gigabytes in cold.items() if kind not in restored)
    queues = counted.messages * 3 + counted.extensions  # send, receive, delete
    through_endpoints = ASSUMED["endpoint_kb"] / 1024**2 if interface_endpoints(cloud) else 0.0
    edge = counted.requests + ASSUMED["page_requests"]
    return [
        ("DynamoDB writes", "units", counted.meter.total, USE["write_unit"]),
        ("DynamoDB reads", "units", counted.meter.total_read, USE["read_unit"]),
        ("items and their backup for a month", "GB", ASSUMED["item_kb"] / 1024**2, stored),
        ("state transitions", "", counted.transitions, USE["state_transition"]),
        ("function calls", "", counted.calls, USE["lambda_request"]),
        ("function time", "GB-s", running, USE["lambda_gb_second"]),
        ("INIT of functions", "GB-s", INIT * unrestored, USE["lambda_gb_second"]),
        ("restores of snapshots", "GB", sum(cold[kind] for kind in restored), USE["restore_gb"]),
        ("queue requests", "", queues, USE["queue_request"]),
        ("REST requests", "", counted.requests, USE["rest_request"]),
        ("WebSocket messages", "", counted.socket_messages, USE["socket_message"]),
        ("WebSocket minutes", "", ASSUMED["socket_minutes"], USE["socket_minute"]),
        ("data of WebSockets", "GB", counted.socket_messages * ASSUMED["message_kb"] / 1024**2, USE["internet_gb"]),
        ("requests at the edge", "", edge, USE["edge_request"]),
        ("functions at the edge", "", ASSUMED["page_requests"], USE["edge_function"]),
        ("data of the API and of pages", "GB", edge * ASSUMED["answer_kb"] / 1024**2, USE["edge_gb"]),
        ("requests at firewalls", "", firewalls(cloud) * counted.requests, USE["firewall_request"]),
        ("traces", "", counted.requests * traced(cloud), USE["trace"]),
        ("logs", "GB", logs, USE["log_gb"] + MONTH["log_gb"]),
        ("masked logs", "GB", logs * ASSUMED["masked_share"], USE["masked_gb"]),
        ("requests for encryption keys", "", ASSUMED["kms_requests"], USE["kms_request"]),
        ("reads of secrets", "", ASSUMED["cold_share"] * counted.calls, USE["secret_request"]),
        ("data through interface endpoints", "GB", through_endpoints, USE["endpoint_gb"]),
        ("notices about alarms", "", ASSUMED["alarms"], USE["notice"]),
    ]  # fmt: skip


def films() -> list[Use]:
    """Return the uses of one film: what it stores, and what its watchers receive."""
    film_gb, watched = ASSUMED["film_mb"] / 1024, ASSUMED["watched_times"]
    return [
        ("objects written", "", ASSUMED["objects"], USE["bucket_put"]),
        ("objects read", "", ASSUMED["objects"] * 2, USE["bucket_get"]),
        ("films stored for a month", "GB", film_gb + ASSUMED["work_mb"] / 1024 * 14 / 30, USE["bucket_gb_month"]),
        (
            "logs of the edge and of buckets, for a month",
            "GB",
            ASSUMED["bucket_log_kb"] / 1024**2,
            USE["bucket_gb_month"],
        ),
        ("requests for films at the edge", "", watched * ASSUMED["segments"], USE["edge_request"]),
        ("films streamed", "GB", film_gb * watched, USE["edge_gb"]),
    ]


def extras() -> list[Line]:
    """Return the prices of what an environment can have and none of ours has."""
    gpu = HOUR["g6.xlarge"] + HOUR["managed_instance"]
    return [
        ("an hour of an instance with a GPU", "g6.xlarge", gpu),
        *((f"an hour of {name}", "SageMaker", HOUR[name]) for name in HOUR if name.startswith("ml.")),
        ("a million queries of a name", "1,000,000", 1_000_000 * USE["dns_query"]),
        ("a thousand emails", "1,000", 1_000 * USE["email"]),
    ]


def memory(cloud: Assembly) -> dict[str, float]:
    """Return the mean memory in GB of the functions of each kind."""
    sizes: dict[str, list[float]] = {kind: [] for kind in SECONDS}
    for name, function in cloud.functions().items():
        kind = next((kind for kind, begins in KINDS.items() if name.startswith(begins)), None)
        if kind is not None:
            sizes[kind].append(function["MemorySize"] / 1024)
    return {kind: sum(found) / len(found) for kind, found in sizes.items()}


def _quantity(number: float, unit: str) -> str:
    return f"{number:,.3g} {unit}".strip() if number < 1 else f"{number:,.0f} {unit}".strip()


# --- the page


def table(lines: Sequence[Line]) -> str:
    rows = [f"| {what} | {number} | {dollars:,.2f} |" for what, number, dollars in lines]
    return "\n".join(
        ["| item | quantity | $ |", "|---|---:|---:|", *rows, f"| **total** | | **{sum_of(lines):,.2f}** |"]
    )


def platform_dollars(cloud: Assembly, counted: JobFlow) -> float:
    """Return the cost of JOBS jobs without films and workers."""
    return JOBS * sum(number * price for _, _, number, price in platform(cloud, counted))


def platform_sentence(counted: JobFlow) -> str:
    costs = ", ".join(f"{platform_dollars(synthesized(name), counted):.2f} in {name}" for name in ENVIRONMENTS)
    return f"The platform, without films and workers, costs for {JOBS:,} jobs, in dollars: {costs}."


def sum_of(lines: Iterable[Line]) -> float:
    return sum(dollars for *_, dollars in lines)


def page() -> str:
    """Return the page as Markdown."""
    counted = job()
    by_table = ", ".join(f"{name} {units}" for name, units in counted.meter.units.most_common())
    read = sorted(counted.meter.read.items(), key=lambda entry: -entry[1])
    parts = [
        "# Costs",
        "`make docs` writes this page from the synthesized templates, one job in the in-process studio, "
        f"and the list prices of {PRICES['as_of']} and the assumptions in [prices.toml](prices.toml). Prices are in "
        "US dollars, for us-east-1, without free tiers. `tests/infra/test_billed.py` names the line of each property "
        "that AWS bills.",
        "## One job",
        "A page of the studio asks for a quote, submits a job from a prompt for a film of five seconds, shows its "
        f"progress, and reads it. This uses {counted.meter.total} DynamoDB write units in {counted.meter.requests} "
        f"requests ({by_table}) and {counted.meter.total_read:g} read units "
        f"({', '.join(f'{name} {units:g}' for name, units in read)}). {counted.beats} of the writes are progress and "
        f"leases. It uses {counted.transitions} state transitions, {counted.messages} task messages, "
        f"{counted.requests} REST requests, {counted.socket_messages} messages of a WebSocket, and "
        f"{counted.calls} function calls at most.",
        platform_sentence(counted),
    ]
    for name in ENVIRONMENTS:
        cloud = synthesized(name)
        parts += [
            f"## {name}",
            "Idle, per month:",
            table(idle(cloud)),
            f"{JOBS:,} jobs:",
            table(in_use(cloud, counted)),
        ]
    parts += worker_costs.section()
    rows = [f"| {what} | {number} | {dollars:,.2f} |" for what, number, dollars in extras()]
    parts += ["## Options", "\n".join(["| item | | $ |", "|---|---|---:|", *rows])]
    return "\n\n".join(parts) + "\n"
