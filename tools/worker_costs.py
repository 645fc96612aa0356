"""The cost of the work on films, and the section "Workers" of docs/cost.md.

Functions do the work, or services of ECS do it (docs/adr/0076). Both are calculated for each environment.
"""

from dataclasses import replace
from math import ceil

from infra.constructs.private_network import FOR_ALL, FOR_SIGNING, FOR_STAGES, FOR_TRACES
from infra.environments import ENVIRONMENTS, Environment
from infra.fleets import fleets
from infra.functions import STAGE_CALLER
from shared.stages.engines import Family
from shared.stages.stages import Stage
from tools.prices import ASSUMED, HOUR, HOURS, JOBS, MONTH, PLANNED, USE, WORKER_SECONDS
from tools.workers import ARRIVALS, RANGES, SLOW, Course, course
from workers.runtime.queue_loop import polled
from workers.runtime.queues import QUIET_WAIT_SECONDS

CORE_MB = 1769  # memory of a function with one core, as AWS documents


def dollars_of_film(environment: Environment, *, at_a_time: int) -> float:
    """Return the cost of the work on one of `at_a_time` films that arrive when no process runs."""
    if environment.cpu_functions_mb:
        return dollars_in_functions(environment)
    return dollars_in_services(environment, at_a_time=at_a_time)


# --- functions


def dollars_in_functions(environment: Environment) -> float:
    """Return the cost of the work on one film. Each film finds no process, so it pays for one start."""
    gigabytes = (environment.cpu_functions_mb + STAGE_CALLER.memory_mb) / 1024
    seconds = sum(steps_in_functions(environment)) + SLOW["load"]
    return float(
        seconds * gigabytes * USE["lambda_gb_second"]
        + seconds * ASSUMED["scratch_gb"] * USE["scratch_gb_second"]
        + 2 * len(PLANNED) * USE["lambda_request"]
    )


def steps_in_functions(environment: Environment) -> list[float]:
    """Return the seconds of the steps of a film. A step uses at most the cores for which its seconds are given."""
    slower = max(1.0, ASSUMED["worker_cores"] * CORE_MB / environment.cpu_functions_mb)
    return [WORKER_SECONDS[stage] * slower for stage in PLANNED]


def first_film_seconds(environment: Environment) -> float:
    """Return the time from a submit to its film when no process runs and all is slow."""
    steps = steps_in_functions(environment)
    slow = SLOW["work"] / sum(WORKER_SECONDS[stage] for stage in PLANNED)
    return SLOW["submit"] + SLOW["function"] + slow * sum(steps) + (len(steps) - 1) * SLOW["hand_over"]


def last_film_seconds(environment: Environment, jobs: int) -> float:
    """Return the time until the last of `jobs` films, of which the event sources allow some at once."""
    waves = ceil(jobs / environment.sizes[Family.CPU_MEDIA].max_tasks)
    return first_film_seconds(environment) + (waves - 1) * sum(steps_in_functions(environment))


# --- services


def dollars_in_services(environment: Environment, *, at_a_time: int) -> float:
    """Return the cost of the work on one of `at_a_time` films. They start the workers, which rest at the end."""
    return course_of(environment, at_a_time).worker_seconds / at_a_time / 3600 * worker_hour(environment)


def course_of(environment: Environment, jobs: int, steps: list[float] | None = None) -> Course:
    return course(
        jobs,
        steps or [WORKER_SECONDS[stage] for stage in PLANNED],
        target=fleets(replace(environment, cpu_functions_mb=0))[0].tasks_per_worker,
        most=environment.sizes[Family.CPU_MEDIA].max_tasks,
    )


def first_film_in_services() -> float:
    """Return the time from a submit to its film when no worker runs and all is slow."""
    steps = [WORKER_SECONDS[stage] for stage in PLANNED]
    return course_of(ENVIRONMENTS["dev"], 1, [one * SLOW["work"] / sum(steps) for one in steps]).first_seconds


def worker_hour(environment: Environment) -> float:
    """Return the cost of one hour of one worker in dollars, with the polls of its queues when it is quiet."""
    size = environment.sizes[Family.CPU_MEDIA]
    hour = size.cpu_units / 1024 * HOUR["fargate_cpu"] + size.memory_mb / 1024 * HOUR["fargate_gb"]
    hour *= ASSUMED["spot"] if environment.spot else 1
    return float(hour + len(polled([*Stage])) * 3600 / QUIET_WAIT_SECONDS * USE["queue_request"])


def network_dollars(environment: Environment) -> float:
    """Return the cost of a month of the endpoints that services need, and functions do not."""
    needed = FOR_ALL | FOR_STAGES | (FOR_TRACES if environment.trace_share else {})
    needed |= FOR_SIGNING if environment.signs_films else {}
    return len(needed) * environment.endpoint_zones * float(MONTH["interface_endpoint"])


def films_of_a_month(environment: Environment) -> float:
    """Return the number of films in a month from which services cost less than functions."""
    each = dollars_in_services(environment, at_a_time=int(ASSUMED["jobs_at_a_time"]))
    return network_dollars(environment) / (dollars_in_functions(environment) - each)


# --- the section


def section() -> list[str]:
    """Return the section about the work on films: its start, its cost, and services as the alternative."""
    environments = list(ENVIRONMENTS.values())
    ranges = [f"| {one['name']} | {one['quick']:g} to {one['slow']:g} | {one['source']} |" for one in RANGES]
    in_functions, in_services = [], []
    for number in ARRIVALS:
        last = " | ".join(f"{last_film_seconds(one, number):,.0f}" for one in environments)
        in_functions.append(f"| {number} | {last} |")
        dollars = " | ".join(f"{JOBS * dollars_in_services(one, at_a_time=number):,.2f}" for one in environments)
        burst = course_of(ENVIRONMENTS["prod"], number)
        in_services.append(f"| {number} | {dollars} | {burst.boots} | {burst.last_seconds:,.0f} |")
    names = " | ".join(one.name for one in environments)
    choice = [
        ("memory of a function, MB", [f"{one.cpu_functions_mb:,}" for one in environments]),
        (f"{JOBS:,} films in functions, $", [f"{JOBS * dollars_in_functions(one):,.2f}" for one in environments]),
        ("the network of services, $ a month", [f"{network_dollars(one):,.2f}" for one in environments]),
        ("films a month from which services cost less", [f"{films_of_a_month(one):,.0f}" for one in environments]),
        ("first film after a quiet time in functions, s", [f"{first_film_seconds(one):,.0f}" for one in environments]),
    ]
    warm = ", ".join(f"{HOURS * worker_hour(one):,.2f} in {one.name}" for one in environments)
    return [
        "## Workers",
        "Functions without a network do the work "
        "([ADR 76](adr/0076-functions-without-a-network-do-the-cpu-stages.md)). This is a calculation with the slow "
        "ends of the ranges of [starts.toml](starts.toml). Nothing has been measured on AWS.",
        "\n".join(["| time, in seconds | range | source |", "|---|---:|---|", *ranges]),
        "\n".join([f"| | {names} |", "|---|" + "---:|" * len(environments),
                   *(f"| {what} | {' | '.join(values)} |" for what, values in choice)]),
        "Seconds until the last film of a burst that finds no process:",
        "\n".join([f"| jobs at a time | {names} |", "|---:|" + "---:|" * len(environments), *in_functions]),
        "### Services instead of functions",
        "With `cpu_functions_mb=0` one service of ECS does all stages "
        "([ADR 66](adr/0066-one-service-does-all-stages-of-a-film.md)). A film starts one worker. The first film after "
        f"a quiet time: {first_film_in_services():,.0f} s. Workers of {JOBS:,} jobs in dollars, if they arrive in "
        "bursts, and each burst finds no worker. The last two columns are of one burst in prod:",
        "\n".join(
            [
                f"| jobs at a time | {names} | workers | seconds until the last film |",
                "|---:|" + "---:|" * (len(environments) + 2),
                *in_services,
            ]
        ),
        "`warm_workers` keeps workers running, so that the first film after a quiet time needs no start. One costs, "
        f"in dollars a month: {warm}.",
    ]  # fmt: skip
