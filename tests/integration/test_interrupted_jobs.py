"""One job's life, with a cancel, or a cancel and a deletion, after each AWS call (I2, I3, I5, I12)."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count

import pytest

from shared.credits.record import HoldRecord, LedgerRecord
from shared.credits.store import credits
from shared.jobs.record import JobStatus
from shared.jobs.store import JobNotFound, jobs
from tests.integration.test_lost_answers import WORLDS, assert_the_sweep_leaves_no_orphans
from tests.support.cloud import ProcessDied
from tests.support.life import InterruptedLife, World, expired_leases
from tests.support.studio import Creator, Studio

CASES = [
    pytest.param(WORLDS["in process"], False, False, id="cancel", marks=pytest.mark.slow),
    pytest.param(WORLDS["in process"], True, True, id="delete, the worker dies", marks=pytest.mark.slow),
    pytest.param(WORLDS["in process"], True, False, id="delete", marks=pytest.mark.slow),
    pytest.param(WORLDS["remote, retried"], True, False, id="delete, remote", marks=pytest.mark.slow),
    *(
        pytest.param(whole, deletes, dies, id=f"{name}, {whole.reads=}, {deletes=}, {dies=}", marks=pytest.mark.worlds)
        for name, world in WORLDS.items()
        for whole in (world, replace(world, reads=True))
        for deletes in (False, True)
        for dies in (False, True)
    ),
]


@pytest.fixture(autouse=True)
def _expired_leases(studio: Studio) -> Iterator[None]:
    with expired_leases():
        yield


@pytest.mark.parametrize(("world", "deletes", "dies"), CASES)
def test_a_request_of_the_creator_after_any_call_leaves_books_and_media_in_order(
    studio: Studio, world: World, deletes: bool, dies: bool
) -> None:
    ada = studio.arrive("ada@example.com", credits=100_000)
    project, charges, cancelled = ada.project(), list[bool](), list[str]()
    if not world.reads:
        world = replace(world, picture=ada.asset())

    def interrupt(job_id: str) -> None:
        assert ada.post(f"/api/jobs/{job_id}/cancel").status in {200, 409}
        if deletes:
            assert ada.delete(f"/api/jobs/{job_id}").status == 204
        if dies:
            studio.cloud.die()

    for number in count(1):
        life = InterruptedLife(ada, project, world, number, interrupt)
        life.run()
        if not life.at_call.operation:
            break
        assert_in_order(ada, life, deleted=deletes)
        charges.append(HoldRecord.get(life.job_id).state == "CAPTURED")
        cancelled += life.provider.cancelled
    assert charges.count(False) > 40
    assert charges == sorted(charges), "a later request finds an earlier state"
    assert bool(cancelled) == bool(world.settings)  # at the provider
    assert_the_sweep_leaves_no_orphans(studio)


def assert_in_order(ada: Creator, life: InterruptedLife, *, deleted: bool) -> None:
    where = (life.at_call.operation, life.errors)
    hold = HoldRecord.get(life.job_id)
    captured = hold.state == "CAPTURED"
    charged = [entry.credits for entry in LedgerRecord.query(ada.user_id) if life.job_id in entry.operation_id]
    assert charged == [-hold.credits] * captured, where
    assert hold.open is None, where
    assert credits.account(ada.user_id).held == 0, where
    assert len(life.provider.submitted) <= 1 + life.world.retried, where
    assert not life.provider.at_risk, where
    assert all(isinstance(error, ProcessDied | JobNotFound) for error in life.errors), where
    found = None
    with suppress(JobNotFound):
        found = jobs.get(life.job_id).status
    assert found == (None if deleted else JobStatus.COMPLETED if captured else JobStatus.CANCELLED), where
