"""The plan of a job: its steps, its engines, its price."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.jobs.plan import NoEngine, plan
from shared.camera.catalogue import DefaultMove, default_moves
from shared.camera.move import CameraMove, Keyframe
from shared.core.errors import Invalid
from shared.jobs.spec import JobSettings
from shared.stages.engines import ENGINES, Runs
from shared.stages.frames import Resolution
from shared.stages.stages import Role, Stage

STILL = CameraMove(keyframes=(Keyframe(at=0),))
PAINT, MOVE, COPY, FINISH = Stage
NOTHING: frozenset[Role] = frozenset()
OURS = tuple(engine for engine in ENGINES if engine.runs is Runs.IN_PROCESS)


@pytest.mark.parametrize(
    ("inputs", "stages"),
    [
        (NOTHING, [PAINT, MOVE, FINISH]),
        ({Role.PICTURE}, [MOVE, FINISH]),
        ({Role.DRIVING}, [PAINT, MOVE, COPY, FINISH]),
        ({Role.PICTURE, Role.DRIVING}, [MOVE, COPY, FINISH]),
    ],
)
def test_what_a_job_brings_decides_its_steps(inputs: set[Role], stages: list[Stage]) -> None:
    assert list(plan(JobSettings(), STILL, frozenset(inputs), ENGINES).engines) == stages


def test_the_price_is_each_engines_rounded_up() -> None:
    paint, move, finish = (engine for engine in OURS if engine.stage is not COPY)
    made = [replace(paint, credits=2), replace(move, credits=1, credits_per_second=0.3), replace(finish, credits=3)]
    assert plan(JobSettings(duration=4), STILL, NOTHING, made).credits == 2 + 3 + 3  # 1 + 1.2, rounded up


def test_a_move_that_copies_a_clip_wants_one() -> None:
    copying = STILL.model_copy(update={"needs_driving_clip": True})
    with pytest.raises(Invalid):
        plan(JobSettings(), copying, NOTHING, ENGINES)
    assert COPY in plan(JobSettings(), copying, frozenset({Role.DRIVING}), ENGINES).engines


def test_a_move_keeps_to_its_durations() -> None:
    short = STILL.model_copy(update={"min_duration_seconds": 2, "max_duration_seconds": 4})
    for duration in (2.0, 4.0):
        plan(JobSettings(duration=duration), short, NOTHING, ENGINES)
    for duration in (1.99, 4.01):
        with pytest.raises(Invalid, match="2 to 4 seconds"):
            plan(JobSettings(duration=duration), short, NOTHING, ENGINES)


def test_the_first_engine_that_can_do_it_does() -> None:
    [move] = [engine for engine in OURS if engine.stage is MOVE]
    small = replace(move, name="small", max_short_side_pixels=480, max_duration_seconds=3)
    others = [engine for engine in ENGINES if engine.stage is not MOVE]
    sd, hd = JobSettings(resolution=Resolution.SD, duration=3), JobSettings(duration=3)
    assert plan(sd, STILL, NOTHING, [small, move, *others]).engines[MOVE] == "small"
    assert plan(hd, STILL, NOTHING, [small, move, *others]).engines[MOVE] == "parallax"
    with pytest.raises(NoEngine):
        plan(hd, STILL, NOTHING, [small, *others])
    with pytest.raises(NoEngine):
        plan(JobSettings(resolution=Resolution.SD, duration=3.5), STILL, NOTHING, [small, *others])


def test_a_plan_says_which_axes_its_engine_cannot_follow() -> None:
    spinning = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, roll=1, zoom=2)))
    [move] = [engine for engine in OURS if engine.stage is MOVE]
    others = [engine for engine in ENGINES if engine.stage is not MOVE]
    assert plan(JobSettings(), spinning, NOTHING, ENGINES).dropped_axes == frozenset()
    simple = replace(move, axes=frozenset({"zoom"}))
    assert plan(JobSettings(), spinning, NOTHING, [simple, *others]).dropped_axes == {"roll"}


@pytest.mark.parametrize("preset", default_moves().values(), ids=lambda preset: preset.id)
def test_every_preset_can_be_planned_within_its_durations(preset: DefaultMove) -> None:
    move = preset.move
    inputs = frozenset({Role.DRIVING}) if move.needs_driving_clip else NOTHING
    for duration in (move.min_duration_seconds, move.max_duration_seconds):
        assert plan(JobSettings(duration=duration), move, inputs, ENGINES).credits > 0


@given(st.floats(1, 10), st.floats(1, 10))
def test_a_longer_film_is_never_cheaper(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    price = [plan(JobSettings(duration=d), STILL, NOTHING, ENGINES).credits for d in (shorter, longer)]
    assert 0 < price[0] <= price[1]


def test_each_picture_after_the_first_costs_what_the_engine_says() -> None:
    pictures = frozenset({Role.PICTURE})
    prices = [plan(JobSettings(), STILL, pictures, ENGINES, more_pictures=n).credits for n in range(3)]
    [engine] = [engine for engine in OURS if engine.stage is MOVE]
    assert [price - prices[0] for price in prices] == [0, engine.credits_per_picture, 2 * engine.credits_per_picture]


def test_a_providers_engine_works_only_where_it_is_named() -> None:
    first = sorted(ENGINES, key=lambda engine: engine.runs is Runs.IN_PROCESS)  # however early it stands
    assert plan(JobSettings(), STILL, NOTHING, first).engines[MOVE] == "parallax"
    named = JobSettings(engines={MOVE: "fal-kling"})
    made = plan(named, STILL, NOTHING, ENGINES)
    assert made.engines[MOVE] == "fal-kling"
    assert made.credits > plan(JobSettings(), STILL, NOTHING, ENGINES).credits
    with pytest.raises(NoEngine, match="no engine fal-kling here"):
        plan(named, STILL, NOTHING, OURS)


def test_a_providers_clip_is_not_paid_for_where_a_driving_clip_replaces_it() -> None:
    named = JobSettings(engines={MOVE: "fal-kling"})
    with pytest.raises(Invalid, match="leave out the engine fal-kling, or the driving clip"):
        plan(named, STILL, frozenset({Role.DRIVING}), ENGINES)


def test_a_film_is_as_long_as_its_preset_and_its_engine_make_it() -> None:
    static, dolly = (default_moves()[preset].move for preset in ("static", "dolly-in"))
    long = JobSettings(duration=30)
    assert (
        plan(long, static, NOTHING, ENGINES).credits > plan(JobSettings(duration=10), static, NOTHING, ENGINES).credits
    )
    with pytest.raises(Invalid, match="1 to 10 seconds"):
        plan(long, dolly, NOTHING, ENGINES)
    with pytest.raises(NoEngine):
        plan(JobSettings(duration=11, engines={MOVE: "fal-kling"}), static, NOTHING, ENGINES)


@pytest.mark.parametrize(("duration", "made"), [(2.0, False), (3.0, True), (4.5, False), (10.0, True)])
def test_an_engine_that_makes_some_durations_is_not_paid_for_others(duration: float, made: bool) -> None:
    settings = JobSettings(duration=duration, engines={MOVE: "fal-kling"})
    if made:
        assert plan(settings, STILL, NOTHING, ENGINES).engines[MOVE] == "fal-kling"
    else:
        with pytest.raises(NoEngine):
            plan(settings, STILL, NOTHING, ENGINES)
