"""docs/scale.md: one million jobs a day against each AWS quota.

The numbers have three sources: the calls of one job in an in-process studio, the assumptions in docs/prices.toml, and
the quotas in docs/quotas.toml.
"""

import tomllib
from collections.abc import Mapping
from math import ceil
from typing import Any

import tests.conftest  # noqa: F401  # sets the variables that records read at import

# isort: split
from functions.pipeline.reconcile import TURNS
from infra.environments import ENVIRONMENTS
from infra.functions import RECONCILE_EVERY_SECONDS
from local.environment import ROOT
from shared.slots.store import SHARD_SLOTS
from shared.stages.engines import Family
from tools.costs import SECONDS, job
from tools.job_flow import JobFlow
from tools.prices import ASSUMED, PLANNED, WORKER_SECONDS
from workers.runtime.config import WorkerConfig

QUOTAS: dict[str, Any] = tomllib.loads((ROOT / "docs" / "quotas.toml").read_text())
PROD = ENVIRONMENTS["prod"]
WORKER = PROD.sizes[Family.CPU_MEDIA]
WAIT_SECONDS = 60  # assumed time of a job in queues, with workers as the table says
OBJECTS = 20  # files that a job stores, and that one visit reads
SLOT_BYTES = 61  # of one job in the deployment's slots: the ids of account and job
OWN = {
    "prod.throttle_rate": PROD.throttle_rate,
    "prod.max_executions": PROD.max_executions,
    "prod.sizes.max_tasks": WORKER.max_tasks,
}


def uses(flow: JobFlow) -> dict[str, float]:
    """Return each use at the peak, by the name of its formula. Rates are per second."""
    rate = QUOTAS["jobs_a_day"] / 86_400 * QUOTAS["peak"]
    tasks = {stage: rate * WORKER_SECONDS[stage] for stage in PLANNED}
    at_once = rate * (sum(WORKER_SECONDS[stage] for stage in PLANNED) + WAIT_SECONDS)
    units = flow.meter.units
    at_work = rate * sum(calls * SECONDS[kind] for kind, calls in flow.functions.items())
    share = rate / 10  # of one account
    films_a_second = rate * ASSUMED["watched_times"]
    return {
        "jobs": rate,
        "emails": rate,  # one for each job
        "api_requests": rate * (flow.requests + flow.socket_messages),
        "rest_requests": rate * flow.requests,
        "functions": rate * flow.calls,
        "functions_at_once": at_work,
        "transitions": rate * flow.transitions,
        **{name: rate * flow.aws[name] for name in ("StartExecution", "SendTaskSuccess")},
        "described": at_once / TURNS / RECONCILE_EVERY_SECONDS,
        "jobs_at_once": at_once,
        "tasks": sum(tasks.values()),
        "tasks_of_the_largest_stage": max(tasks.values()),
        "vcpus": sum(tasks.values()) * WORKER.cpu_units / 1024,
        "task_starts": sum(tasks.values()) / 3600,
        "jobs_table": rate * units["jobs"],
        "one_job_item": 1 / WorkerConfig().progress_seconds,
        # An admission and an end write the item of a shard, in transactions.
        "one_slots_shard": rate * 2 / ceil(at_once / SHARD_SLOTS) * 2 * ceil(SHARD_SLOTS * SLOT_BYTES / 1024),
        "open_holds_index": rate * 4,  # two transactional writes: the hold begins, the hold ends
        "one_account": share * units["credit-accounts"],
        "one_ledger": share * units["credit-ledger"],
        "one_account_index": share * 2,
        "stream_of_one_shard": rate * flow.changes / 4,
        "PutObject": rate * OBJECTS,
        "objects": rate * OBJECTS * 2,
        "film_requests": films_a_second * OBJECTS,
        "film_gbits": films_a_second * ASSUMED["film_mb"] * 8 / 1000,
        "rule_targets": rate,
        "function_starts": at_work / 60,
    }


def _row(quota: Mapping[str, Any], used: float) -> str:
    default = OWN.get(quota["default"], quota["default"])
    headroom = _figures(default / used)
    if default < used:
        headroom = f"**{headroom}**"
    source = f"[{quota['read']}]({quota['source']})" if quota["read"] else f"`{quota['source']}`"
    return f"| {quota['name']} | {default:,.0f} ({source}) | {_figures(used)} | {headroom} | {quota['carried_by']} |"


def _figures(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def page() -> str:
    """Return the page as Markdown."""
    flow = job()
    used = uses(flow)
    counted = ", ".join(
        f"{name} {count}" for name, count in sorted(flow.aws.items(), key=lambda each: (-each[1], each[0]))
    )
    rows = [_row(quota, used[quota["use"]]) for quota in QUOTAS["quota"]]
    parts = [
        "# One million jobs a day",
        "`make docs` writes this page from the calls of one job in the in-process studio, the assumptions in "
        "[prices.toml](prices.toml) and the quotas in [quotas.toml](quotas.toml). It is a calculation. No load test on "
        "AWS confirms it.",
        f"{QUOTAS['jobs_a_day']:,} jobs a day are {QUOTAS['jobs_a_day'] / 86_400:.1f} jobs per second on average and "
        f"{used['jobs']:.0f} in the busiest hour, if that hour has {QUOTAS['peak']} times the average. "
        "A job is one from a prompt with a film of five seconds. At this number services cost less than functions "
        "([ADR 76](adr/0076-functions-without-a-network-do-the-cpu-stages.md)), so the workers are services "
        "(`cpu_functions_mb=0`).",
        f"Calls of one job, without beats: {counted}. Beats add {flow.beats} UpdateItem and {flow.extensions} "
        f"ChangeMessageVisibility. A job uses {flow.meter.total} write units, {flow.transitions} state transitions and "
        f"about {flow.calls} function calls.",
        "## Quotas",
        "A headroom below 1 (bold) does not carry the load. The link at a default is its source, with the source's "
        "year.",
        "\n".join(["| quota | default | use at the peak | headroom | carried by |", "|---|---|---:|---:|---|", *rows]),
    ]
    return "\n\n".join(parts) + "\n"
