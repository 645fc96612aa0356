"""Costs: the counted write units and the estimates of environments and jobs stay below their limits."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from infra.constructs.scaling import QUIET_MINUTES
from infra.environments import ENVIRONMENTS, Environment
from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.jobs.record import JobRecord, JobSpecRecord, StepResultRecord
from shared.jobs.steps import steps
from shared.stages.stages import Stage
from tests.support.steps import LEASE, claim
from tests.support.studio import Creator, studio
from tools.costs import idle, in_use, job, platform_dollars, sum_of
from tools.sizes import item_bytes
from tools.template import Assembly
from tools.units import metered
from tools.worker_costs import (
    dollars_in_functions,
    dollars_in_services,
    films_of_a_month,
    first_film_in_services,
    first_film_seconds,
    steps_in_functions,
)
from tools.workers import SLOW, course

# Maximum write units: 40 for state, credits and results, 8 for progress and leases, 20 for the slot (ADR 25), 6 for
# access to media (ADR 21), 7 for quotas of requests (ADR 33), 2 for the index of the ledger by time (ADR 35), 4 for the
# answer to the Idempotency-Key and 10 for the page's socket.
UNITS_OF_A_JOB = 97
READ_UNITS_OF_A_JOB = 115
PLATFORM_DOLLARS = 0.45  # of 1,000 jobs, without films and workers
DOLLARS_OF_A_JOB = 0.05


@pytest.fixture
def ada() -> Iterator[Creator]:
    with studio() as deployed:
        yield deployed.arrive("ada@example.com")


def test_a_beat_costs_one_unit(ada: Creator) -> None:
    """The job's item stays below 1 KB, and a beat changes no attribute of an index."""
    job_id = str(ada.job(ada.project())["id"])
    attempt, at = claim(job_id, Stage.IMAGE_GENERATION), utc_now()
    with metered() as writes:
        steps.beat(job_id, Stage.IMAGE_GENERATION, attempt=attempt, lease_until=at + LEASE, at=at, progress=(5, 2))
    assert (dict(writes.units), writes.requests) == ({"jobs": 1}, 1)


def test_a_transaction_and_each_index_cost_units_of_their_own(ada: Creator) -> None:
    project_id = ada.project()
    with metered() as writes:
        ada.job(project_id)
    assert writes.units["job-specs"] == 2  # one item, in a transaction
    assert writes.units["jobs"] == 6 + 2  # likewise, and in two indexes; then the admission


def test_a_job_stays_within_its_budget() -> None:
    counted = job()
    assert 40 < counted.meter.total <= UNITS_OF_A_JOB, counted.meter.units
    assert 40 < counted.meter.total_read <= READ_UNITS_OF_A_JOB, counted.meter.read
    assert counted.messages == 3 + 1, "the tasks, and the notice of the end"


def test_reads_cost_units_by_their_size_and_consistency(ada: Creator) -> None:
    job_id = str(ada.job(ada.project())["id"])
    size = item_bytes(JobRecord.get(job_id).serialize())
    many = [f"job_{number:026}" for number in range(3)]
    with metered() as meter:
        JobRecord.get(job_id)
        JobRecord.get(job_id, consistent_read=True)
        list(JobRecord.batch_get([job_id, *many], consistent_read=True))
        list(JobRecord.by_account.query("usr_nobody"))
    assert size < 4096
    assert (dict(meter.read), meter.total) == ({"jobs": 0.5 + 1 + 4 + 0.5}, 0)


def test_a_query_costs_the_sizes_of_its_items_together(ada: Creator) -> None:
    with transaction() as tx:
        for number in range(3):
            tx.put(JobSpecRecord(f"job_{number}", document="x" * 3000), otherwise=KeyError())
    with metered() as meter:
        list(JobSpecRecord.batch_get([f"job_{number}" for number in range(3)]))
    assert meter.read == {"job-specs": 1.5}
    for number in range(3):
        StepResultRecord("job_1", str(number), outputs=[], metrics="x" * 3000).save()
    with metered() as meter:
        assert len(list(StepResultRecord.query("job_1", consistent_read=True))) == 3
    assert meter.read == {"step-results": 3}  # 9,000 bytes together


def test_the_platform_costs_less_than_its_bar(deployed: Assembly) -> None:
    assert 0.1 < platform_dollars(deployed, job()) <= PLATFORM_DOLLARS


def test_an_environment_costs_less_idle_than_its_budget_allows(deployed: Assembly) -> None:
    [budget] = deployed.resources("AWS::Budgets::Budget")
    assert 10 < sum_of(idle(deployed)) < float(budget["Budget"]["BudgetLimit"]["Amount"])


def test_a_job_costs_cents(deployed: Assembly) -> None:
    assert 0 < sum_of(in_use(deployed, job())) / 1000 < DOLLARS_OF_A_JOB


# --- workers

BEFORE = {"dev": 2.6, "staging": 5.2, "prod": 14.8}  # dollars of 1,000 jobs with a service for each stage (ADR 66)
FIRST_FILM_SECONDS = 240
STEPS = [5.0, 25.0, 20.0]
MISSED = {"dev", "staging"}  # their services have Spot's price; the network costs as much as 15,000 films or more


def test_the_first_film_after_a_quiet_time_comes_within_four_minutes() -> None:
    assert first_film_in_services() <= FIRST_FILM_SECONDS
    for environment in ENVIRONMENTS.values():
        assert first_film_seconds(environment) <= FIRST_FILM_SECONDS, environment.name


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_workers_cost_half_of_what_a_service_for_each_stage_cost(environment: Environment) -> None:
    half = BEFORE[environment.name] / 2
    for at_a_time in (10, 100):
        assert 1000 * dollars_in_services(environment, at_a_time=at_a_time) <= half
    assert (1000 * dollars_in_functions(environment) <= half) is (environment.name not in MISSED)
    assert films_of_a_month(environment) > 10_000


def test_less_memory_makes_a_film_slower_and_more_memory_no_quicker() -> None:
    small, two_cores, large = (
        replace(ENVIRONMENTS["dev"], cpu_functions_mb=memory) for memory in (1769, 2 * 1769, 10_240)
    )
    assert sum(steps_in_functions(small)) == 2 * sum(STEPS)
    assert steps_in_functions(two_cores) == steps_in_functions(large) == STEPS
    assert dollars_in_functions(two_cores) < dollars_in_functions(large)


def test_the_course_of_a_film_has_each_part_once() -> None:
    made = course(1, STEPS, target=8, most=6)
    waits = SLOW["submit"] + SLOW["boot"] + SLOW["load"] + sum(STEPS) + 2 * SLOW["hand_over"]
    assert made.boots == 1
    assert made.first_seconds == pytest.approx(waits, abs=2)
    quiet = 60 * QUIET_MINUTES + SLOW["metric"] + SLOW["stop"]
    used = waits - SLOW["submit"] + quiet
    assert used - 60 <= made.worker_seconds <= used, "the first quiet point can come right after the film"


def test_the_course_of_many_films_uses_no_more_workers_than_allowed() -> None:
    few, many = (course(100, STEPS, target=8, most=most) for most in (2, 60))
    assert (few.boots, len(few.ends)) == (2, 100)
    assert (many.boots, many.last_seconds < few.last_seconds) == (13, True)
