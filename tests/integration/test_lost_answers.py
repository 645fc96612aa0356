"""One job's whole life, with a fault at each AWS call: nothing is lost or charged twice (I2, I3, I4, I6).

The small worlds have a film of two steps, and no faults at calls that only read. `make worlds` runs the whole ones.
`make slow` runs those with Retry.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from math import inf

import pytest

from functions.upkeep import audit, sweep
from functions.upkeep.sweep import LEAST_AGE
from shared.core.clock import utc_now
from shared.credits.record import HoldRecord, LedgerRecord
from shared.credits.store import credits
from shared.jobs.record import JobStatus
from shared.jobs.store import jobs
from tests.support.cloud import lose_answer
from tests.support.life import At, Call, Fault, Life, World, expired_leases
from tests.support.steps import stored_keys
from tests.support.studio import Creator, Studio

WORLDS = {
    "in process": World(),
    "remote": World(settings={"engines": {"VIDEO_SYNTHESIS": "fal-kling"}, "duration": 5}),
    "sagemaker": World(on_sagemaker=True),
}
WORLDS |= {f"{name}, retried": replace(world, retried=True) for name, world in WORLDS.items()}
WORLDS["remote, missed"] = MISSED = replace(WORLDS["remote"], missed=True)
REPEAT = dict(MISSED.settings) | {"onMissedMove": "repeat"}
WORLDS["remote, repeated"] = replace(MISSED, settings=REPEAT, repeated=True)
WHOLE = [
    pytest.param(replace(world, reads=True), id=f"{name}, whole", marks=pytest.mark.worlds)
    for name, world in WORLDS.items()
]
RETRIED = {name: [pytest.mark.slow] if world.retried or world.repeated else [] for name, world in WORLDS.items()}
EVERY_WORLD = [*(pytest.param(world, id=name, marks=RETRIED[name]) for name, world in WORLDS.items()), *WHOLE]
EVERY = 4  # in a small world that goes on after a fault, each fourth call has one


@pytest.fixture(autouse=True)
def _expired_leases(studio: Studio) -> Iterator[None]:
    with expired_leases():
        yield


def wrong_with(life: Life, creator: Creator, status: JobStatus) -> list[str]:
    """Return what is wrong with the ended job."""
    job, hold = jobs.get(life.job_id), HoldRecord.get(life.job_id)
    captured = status is JobStatus.COMPLETED
    objects = stored_keys(life.job_id)
    named = {output.key for result in jobs.results(job).values() for output in result.outputs}
    changes = [
        record["dynamodb"]["NewImage"]
        for record in creator.studio.job_changes()
        if record["dynamodb"]["Keys"]["job_id"]["S"] == life.job_id
    ]
    numbers = [int(image["seq"]["N"]) for image in changes]
    ended = [JobStatus(image["status"]["S"]).ended for image in changes]
    account = credits.account(creator.user_id)
    entries = list(LedgerRecord.query(creator.user_id))
    checks = {
        f"status {job.status}, {job.error}": job.status == status,
        f"hold {hold.state}": hold.state == ("CAPTURED" if captured else "RELEASED"),
        "captured once": [e.credits for e in entries if life.job_id in e.operation_id] == [-hold.credits] * captured,
        "books": (account.held, account.available) == (0, sum(entry.credits for entry in entries)),
        f"lost {named - objects}": named <= objects,
        "results": not captured or set(jobs.results(job)) == {stage for stage, _ in job.planned()},
        "seq rises": numbers == sorted(set(numbers)),
        "one end, last": ended == [False] * (len(ended) - 1) + [True],
        "submissions": len(life.provider.submitted) <= sum(int(step.attempts) for _, step in job.planned()),
        f"paid twice {life.provider.at_risk}": len(life.provider.at_risk) <= life.world.repeated,
    }
    return [name for name, holds in checks.items() if not holds]


INTENT = ("remote-engine0", "UpdateItem", 3)  # in a life without an earlier fault


def lives(
    studio: Studio, world: World, fault: Fault, *, every: int = 0, alone: Sequence[Call] = ()
) -> Iterator[tuple[Creator, Life]]:
    """Yield ended lives. Together they have the fault at each call, most of them at each `every`th of a process.

    With 0 they have it at one call of each process. The calls `alone` have lives without another fault.
    """
    ada = studio.arrive("ada@example.com", credits=100_000)
    project, step = ada.project(), 0 if world.reads else every
    if not world.reads:
        world = replace(world, picture=ada.asset())
    seen, faults = list[set[Call]](), set[Call]()

    def life(at: At) -> Life:
        one = Life(ada, project, world, at=at, fault=fault)
        one.run()
        if one.faults:
            seen.append(one.seen)
            faults.update(one.faults)
        return one

    for first in range(step):
        yield ada, life(partial(_is_each, step, first))
    for only in () if step else count(1):
        ended = life(partial(_is_number, only))
        yield ada, ended
        if not ended.faults:
            break
    for call in alone:
        yield ada, life(partial(_is_call, call))
    while missed := set.intersection(*seen) - faults:  # a fault earlier in the same life has prevented these
        call = missed.pop()
        yield ada, life(partial(_is_call, call))
        assert call in faults
    assert len(faults) > 30, "the lives have fewer calls than expected"


def _is_each(step: int, first: int, number: int, _call: Call) -> bool:
    return number % step == first


def _is_number(only: int, number: int, _call: Call) -> bool:
    return number == only


def _is_call(only: Call, _number: int, call: Call) -> bool:
    return call == only


@pytest.mark.parametrize("world", EVERY_WORLD)
def test_an_answer_lost_at_any_call_loses_nothing(studio: Studio, world: World) -> None:
    for ada, life in lives(studio, world, lambda _, operation: lose_answer(operation), every=EVERY):
        assert wrong_with(life, ada, JobStatus.COMPLETED) == [], life.faults
        if not {"SendMessage", "InvokeEndpointAsync"} & {operation for _, operation, _ in life.faults}:
            attempts = [int(step.attempts) for _, step in jobs.get(life.job_id).planned()]  # two tasks make two
            # A worker checks each clip of a provider, and the camera or the provider makes one more.
            clips = 1 + world.retried + bool(world.settings) + world.missed + world.repeated
            assert sorted(attempts) == [1] * (len(attempts) - 1) + [clips], life.faults


MOST_AGAIN = 3  # times that the same call of the same kind of process is carried out again in one life


def _again(after: float, life: Life, _operation: str) -> None:
    """Carry the call out again, after this number of processes.

    Leases expire at once here, so a claim that is carried out again fences the next attempt. If it was each claim of
    the life, no attempt would ever keep the step.
    """
    if life.faults.count(life.faults[-1]) <= MOST_AGAIN:
        life.later(after, life.cloud.again())


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(0, id="at once"),
        pytest.param(1, id="after its process", marks=pytest.mark.worlds),
        pytest.param(3, id="after two others"),
        pytest.param(inf, id="after the job's end", marks=pytest.mark.worlds),
    ],
)
@pytest.mark.parametrize("world", EVERY_WORLD)
def test_a_request_that_is_carried_out_again_loses_nothing(studio: Studio, world: World, after: float) -> None:
    """The network can deliver a request twice. A caller can give up and repeat a request that is carried out later."""
    if world.settings and (
        world.retried or world.repeated
    ):  # a late claim can fence the attempt that polls, and nobody polls then
        world = replace(world, swept=True)
    for ada, life in lives(studio, world, partial(_again, after), every=EVERY):
        assert wrong_with(life, ada, JobStatus.COMPLETED) == [], (life.faults, life.errors)


@pytest.mark.parametrize(
    "world",
    [
        *(
            pytest.param(
                w,
                id=name,
                marks=pytest.mark.worlds if w.retried else pytest.mark.slow if w.on_sagemaker or w.missed else (),
            )
            for name, w in WORLDS.items()
        ),
        *WHOLE,
    ],
)
def test_a_process_that_dies_after_any_call_loses_nothing(studio: Studio, world: World) -> None:
    """A process that dies between the intent and the ticket leaves a submission that nothing can confirm."""
    unconfirmed = 0
    for ada, life in lives(studio, world, lambda life, _: life.cloud.die(), alone=[INTENT] if world.settings else []):
        failed = "did not confirm" in (jobs.get(life.job_id).error or "")
        unconfirmed += failed
        expected = JobStatus.FAILED if failed else JobStatus.COMPLETED
        assert wrong_with(life, ada, expected) == [], (life.faults, life.errors)
    assert bool(unconfirmed) == bool(world.settings)
    assert_the_sweep_leaves_no_orphans(studio)


def assert_the_sweep_leaves_no_orphans(studio: Studio) -> None:
    """Check that something is left over, and that after 24 hours a sweep deletes it and nothing that is named."""
    studio.cloud.may_scan = True
    later = utc_now() + LEAST_AGE + timedelta(hours=1)
    assert {finding.invariant for finding in audit.findings(later, at_rest=True)} == {"I12"}
    assert sweep.sweep(later)["complete"]
    assert list(audit.findings(later, at_rest=True)) == []
