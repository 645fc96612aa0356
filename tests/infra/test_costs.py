"""Costs: the counted write units and the estimates of environments and jobs stay below their limits."""

from collections.abc import Iterator

import pytest

from shared.core.clock import utc_now
from shared.jobs.steps import steps
from shared.stages.stages import Stage
from tests.support.steps import LEASE, claim
from tests.support.studio import Creator, studio
from tools.costs import idle, in_use, one_job, sum_of
from tools.template import Assembly
from tools.write_units import metered

# Maximum write units: 39 for state, credits and results, 13 for progress and leases, 20 for the slot (ADR 25), 6 for
# access to media (ADR 21), 1 for the quota (ADR 33) and 2 for the index of the ledger by time (ADR 35).
UNITS_OF_A_JOB = 82
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
    job = one_job()
    assert 40 < job.writes.total <= UNITS_OF_A_JOB, job.writes.units
    assert job.messages == 3 + 1, "the tasks, and the notice of the end"


def test_an_environment_costs_less_idle_than_its_budget_allows(deployed: Assembly) -> None:
    [budget] = deployed.resources("AWS::Budgets::Budget")
    assert 10 < sum_of(idle(deployed)) < float(budget["Budget"]["BudgetLimit"]["Amount"])


def test_a_job_costs_cents(deployed: Assembly) -> None:
    assert 0 < sum_of(in_use(deployed, one_job())) / 1000 < DOLLARS_OF_A_JOB
