"""The plan of a job: its steps, its engines, its price."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.jobs.plan import NoEngine, Plan, PromptNotUnderstood, fitted, plan
from shared.camera.catalogue import DefaultMove, default_moves
from shared.camera.move import CameraMove, Keyframe
from shared.core.errors import Invalid
from shared.jobs.spec import JobSettings
from shared.stages.engines import ENGINES, Engine, Runs
from shared.stages.engines import catalogue as deployed
from shared.stages.frames import AspectRatio, Resolution
from shared.stages.stages import Role, Stage

STILL = CameraMove(keyframes=(Keyframe(at=0),))
PAINT, MOVE, COPY, FINISH = (
    Stage.IMAGE_GENERATION, Stage.VIDEO_SYNTHESIS, Stage.MOTION_TRANSFER, Stage.POST_PROCESSING,
)  # fmt: skip
NOTHING: frozenset[Role] = frozenset()
OURS = tuple(engine for engine in ENGINES if engine.runs is Runs.IN_PROCESS)
AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
TODAY = AT.date()


def planned(
    settings: JobSettings,
    move: CameraMove,
    inputs: frozenset[Role],
    catalogue: Sequence[Engine],
    *,
    prompt: str = "a lake",
    **others: Any,
) -> Plan:
    return plan(settings, move, inputs, catalogue, prompt=prompt, at=AT, **others)


def first(stage: Stage) -> Engine:
    """Return the stage's first in-process engine of the catalogue."""
    return next(engine for engine in OURS if engine.stage is stage)


@pytest.mark.parametrize(
    ("inputs", "stages"),
    [
        (NOTHING, [PAINT, MOVE, FINISH]),
        ({Role.PICTURE}, [MOVE, FINISH]),
        ({Role.DRIVING}, [PAINT, MOVE, COPY, FINISH]),
        ({Role.PICTURE, Role.DRIVING}, [MOVE, COPY, FINISH]),
    ],
)
def test_the_inputs_of_a_job_decide_its_steps(inputs: set[Role], stages: list[Stage]) -> None:
    assert list(planned(JobSettings(), STILL, frozenset(inputs), ENGINES).engines) == stages


def test_the_price_is_the_sum_of_the_rounded_prices_of_the_engines() -> None:
    prices = {PAINT: (2, 0.0), MOVE: (1, 0.3), FINISH: (3, 0.0)}
    made = [
        replace(first(stage), credits=credits, credits_per_second=per_second)
        for stage in Stage
        for credits, per_second in [prices.get(stage, (0, 0.0))]
    ]
    assert planned(JobSettings(duration=4), STILL, NOTHING, made).credits == 2 + 3 + 3  # 1 + 1.2, rounded up


@pytest.mark.parametrize(
    ("size", "ratio"),
    [((3000, 2000), "3:2"), ((1170, 2532), "9:16"), ((500, 500), "1:1"), ((5000, 1000), "21:9"), ((1600, 1000), "3:2")],
)
def test_the_first_picture_decides_the_ratio_that_the_creator_did_not_choose(
    size: tuple[int, int], ratio: AspectRatio
) -> None:
    assert fitted(JobSettings(), STILL, size).aspect_ratio == ratio
    assert fitted(JobSettings(aspect_ratio="4:5"), STILL, size).aspect_ratio == "4:5"
    assert fitted(JobSettings(), STILL, None).aspect_ratio == "16:9"


def test_a_style_that_would_change_nothing_is_refused() -> None:
    for style in ("oil", "a moody watercolour of some kind", "Noir", ""):
        planned(JobSettings(style=style), STILL, NOTHING, ENGINES)
    with pytest.raises(Invalid, match="vaporwave") as refused:
        planned(JobSettings(style="nonsense"), STILL, NOTHING, ENGINES)
    assert "oil" in refused.value.facts["suggestions"]
    with pytest.raises(Invalid, match="painted picture"):
        planned(JobSettings(style="oil"), STILL, frozenset({Role.PICTURE}), ENGINES)


def test_a_prompt_without_a_known_word_is_refused_unless_the_creator_allows_an_unrelated_picture() -> None:
    unknown = "perfume bottle, product shot"
    with pytest.raises(PromptNotUnderstood) as refused:
        planned(JobSettings(style="oil"), STILL, NOTHING, ENGINES, prompt=unknown)
    assert "lake" in refused.value.facts["suggestions"]
    allowed = planned(JobSettings(allow_unrelated_picture=True), STILL, NOTHING, ENGINES, prompt=unknown).words
    assert allowed is not None
    assert allowed.not_understood == ("perfume", "bottle", "product", "shot")
    assert planned(JobSettings(), STILL, frozenset({Role.PICTURE}), ENGINES, prompt=unknown).words is None
    others = [replace(engine, reads_vocabulary=False) for engine in ENGINES]
    assert planned(JobSettings(), STILL, NOTHING, others, prompt=unknown).words is None


def test_a_move_that_copies_a_clip_needs_one() -> None:
    copying = STILL.model_copy(update={"needs_driving_clip": True})
    with pytest.raises(Invalid):
        planned(JobSettings(), copying, NOTHING, ENGINES)
    assert COPY in planned(JobSettings(), copying, frozenset({Role.DRIVING}), ENGINES).engines


def test_a_duration_outside_the_limits_of_a_move_is_refused() -> None:
    short = STILL.model_copy(update={"min_duration_seconds": 2, "max_duration_seconds": 4})
    for duration in (2.0, 4.0):
        planned(JobSettings(duration=duration), short, NOTHING, ENGINES)
    for duration in (1.99, 4.01):
        with pytest.raises(Invalid, match="2 to 4 seconds"):
            planned(JobSettings(duration=duration), short, NOTHING, ENGINES)


def test_the_first_suitable_engine_is_chosen() -> None:
    move = first(MOVE)
    small = replace(move, name="small", max_short_side_pixels=480, max_duration_seconds=3)
    others = [engine for engine in ENGINES if engine.stage is not MOVE]
    sd, hd = JobSettings(resolution=Resolution.SD, duration=3), JobSettings(duration=3)
    assert planned(sd, STILL, NOTHING, [small, move, *others]).engines[MOVE] == "small"
    assert planned(hd, STILL, NOTHING, [small, move, *others]).engines[MOVE] == first(MOVE).name
    with pytest.raises(NoEngine):
        planned(hd, STILL, NOTHING, [small, *others])
    with pytest.raises(NoEngine):
        planned(JobSettings(resolution=Resolution.SD, duration=3.5), STILL, NOTHING, [small, *others])


def test_a_plan_names_the_axes_that_its_engine_cannot_follow() -> None:
    spinning = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, roll=1, zoom=2)))
    move = first(MOVE)
    others = [engine for engine in ENGINES if engine.stage is not MOVE]
    assert planned(JobSettings(), spinning, NOTHING, ENGINES).dropped_axes == frozenset()
    simple = replace(move, axes=frozenset({"zoom"}))
    assert planned(JobSettings(), spinning, NOTHING, [simple, *others]).dropped_axes == {"roll"}


@pytest.mark.parametrize("preset", default_moves().values(), ids=lambda preset: preset.id)
def test_every_preset_can_be_planned_within_its_durations(preset: DefaultMove) -> None:
    move = preset.move
    inputs = frozenset({Role.DRIVING}) if move.needs_driving_clip else NOTHING
    for duration in (move.min_duration_seconds, move.max_duration_seconds):
        assert planned(JobSettings(duration=duration), move, inputs, ENGINES).credits > 0


@given(st.floats(1, 10), st.floats(1, 10))
def test_a_longer_film_is_never_cheaper(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    price = [planned(JobSettings(duration=d), STILL, NOTHING, ENGINES).credits for d in (shorter, longer)]
    assert 0 < price[0] <= price[1]


def test_each_extra_picture_costs_the_credits_per_picture_of_the_engine() -> None:
    pictures = frozenset({Role.PICTURE})
    prices = [planned(JobSettings(), STILL, pictures, ENGINES, more_pictures=n).credits for n in range(3)]
    engine = first(MOVE)
    assert [price - prices[0] for price in prices] == [0, engine.credits_per_picture, 2 * engine.credits_per_picture]


def test_a_remote_engine_is_chosen_only_by_name() -> None:
    remote_first = sorted(ENGINES, key=lambda engine: engine.runs is Runs.IN_PROCESS)
    assert planned(JobSettings(), STILL, NOTHING, remote_first).engines[MOVE] == first(MOVE).name
    named = JobSettings(engines={MOVE: "fal-kling"})
    made = planned(named, STILL, NOTHING, ENGINES)
    assert made.engines[MOVE] == "fal-kling"
    assert made.credits > planned(JobSettings(), STILL, NOTHING, ENGINES).credits
    with pytest.raises(NoEngine, match="has no engine fal-kling"):
        planned(named, STILL, NOTHING, OURS)


def test_a_remote_engine_is_refused_with_a_driving_clip() -> None:
    named = JobSettings(engines={MOVE: "fal-kling"})
    with pytest.raises(Invalid, match="not to a clip of the engine fal-kling"):
        planned(named, STILL, frozenset({Role.DRIVING}), ENGINES)


def test_an_engine_of_ours_copies_a_driving_clip_to_the_picture_without_the_move() -> None:
    driven, here = frozenset({Role.DRIVING}), deployed(("vace",))
    named = JobSettings(duration=5, engines={COPY: "vace"})
    made = planned(named, default_moves()["dolly-in"].move, driven, here, driving_seconds=5.0)
    assert made.engines[COPY] == "vace"
    assert "dolly" in made.dropped_axes
    assert planned(JobSettings(duration=5), STILL, driven, here).engines[COPY] == "transfer", "it needs a name"
    with pytest.raises(Invalid, match="not to a clip of the engine fal-kling"):
        planned(JobSettings(duration=5, engines={MOVE: "fal-kling", COPY: "vace"}), STILL, driven, here)
    with pytest.raises(Invalid, match=r"as long as the driving clip, 4\.0 s"):
        planned(named, STILL, driven, here, driving_seconds=4.0)


def test_a_performance_is_copied_to_the_clip_of_a_remote_engine() -> None:
    named = JobSettings(duration=5, engines={MOVE: "runway-gen4.5", COPY: "runway-act-two"})
    made = planned(named, STILL, frozenset({Role.DRIVING}), ENGINES)
    assert (made.engines[MOVE], made.engines[COPY]) == ("runway-gen4.5", "runway-act-two")
    assert made.fallbacks.get(COPY) is None, "no other engine copies a performance"


def test_a_soundtrack_is_made_by_a_named_engine_from_a_prompt() -> None:
    music: dict[str, Any] = {"engines": {FINISH: "elevenlabs-music"}, "sound_prompt": "slow waves"}
    made = planned(JobSettings(**music), STILL, NOTHING, ENGINES)
    assert (made.engines[FINISH], made.steps[FINISH].credits) == ("elevenlabs-music", 4 + 5 * 2)
    assert made.fallbacks.get(FINISH) is None, "a film without the sound is not what the creator asked for"
    cases: list[tuple[dict[str, Any], frozenset[Role], str]] = [
        ({"sound_prompt": "slow waves"}, NOTHING, "Name the engine"),
        ({"engines": {FINISH: "elevenlabs-effects"}}, NOTHING, "Set soundPrompt"),
        (music, frozenset({Role.AUDIO}), "one soundtrack"),
    ]
    for refused, inputs, why in cases:
        with pytest.raises(Invalid, match=why):
            planned(JobSettings(**refused), STILL, inputs, ENGINES)


def test_an_engine_that_takes_over_an_operation_needs_that_operation() -> None:
    upscaled: dict[str, Any] = {"engines": {FINISH: "runway-upscale"}, "operations": ("upscale:2",)}
    made = planned(JobSettings(**upscaled), STILL, NOTHING, ENGINES)
    assert (made.engines[FINISH], made.steps[FINISH].credits) == ("runway-upscale", 2 + 5 * 10)
    assert made.fallbacks[FINISH] == ("runway-upscale", "finish")
    refused: list[tuple[dict[str, Any], str]] = [
        (upscaled | {"operations": ()}, "does the operation upscale"),
        (upscaled | {"draft": True}, "not scaled up"),
        ({"engines": {FINISH: "runway-frame-rate"}, "operations": ("interpolate",)}, "draws the frames"),
    ]
    for settings, why in refused:
        with pytest.raises(Invalid, match=why):
            planned(JobSettings(**settings), STILL, NOTHING, ENGINES)
    filmed: dict[str, Any] = {FINISH: "runway-frame-rate", MOVE: "fal-pika"}
    made = planned(JobSettings(engines=filmed, operations=("interpolate",)), STILL, NOTHING, ENGINES)
    assert made.engines[FINISH] == "runway-frame-rate"


def test_an_engine_that_makes_sound_is_never_chosen_by_default() -> None:
    allowed = ["elevenlabs-music", "elevenlabs-effects"]
    made = plan(JobSettings(), STILL, NOTHING, ENGINES, prompt="a lake", at=AT, default=allowed)
    assert made.engines[FINISH] == "finish"


def test_an_engine_loops_only_clips_that_its_provider_loops() -> None:
    """Luma makes a loop of 5 seconds from one picture."""
    named = JobSettings(duration=5, loop=True, engines={MOVE: "luma-ray"})
    assert planned(named, STILL, NOTHING, ENGINES).engines[MOVE] == "luma-ray"
    with pytest.raises(NoEngine):
        planned(named.model_copy(update={"duration": 10}), STILL, NOTHING, ENGINES)
    with pytest.raises(NoEngine):
        planned(named, STILL, frozenset({Role.PICTURE}), ENGINES, more_pictures=1)


def test_the_preset_and_the_engine_limit_the_duration() -> None:
    static, dolly = (default_moves()[preset].move for preset in ("static", "dolly-in"))
    long = JobSettings(duration=30)
    assert (
        planned(long, static, NOTHING, ENGINES).credits
        > planned(JobSettings(duration=10), static, NOTHING, ENGINES).credits
    )
    with pytest.raises(Invalid, match="1 to 10 seconds"):
        planned(long, dolly, NOTHING, ENGINES)
    with pytest.raises(NoEngine):
        planned(JobSettings(duration=11, engines={MOVE: "fal-kling"}), static, NOTHING, ENGINES)


@pytest.mark.parametrize(("duration", "made"), [(2.0, False), (3.0, True), (4.5, False), (10.0, True)])
def test_an_engine_with_fixed_durations_refuses_other_durations(duration: float, made: bool) -> None:
    settings = JobSettings(duration=duration, engines={MOVE: "fal-kling"})
    if made:
        assert planned(settings, STILL, NOTHING, ENGINES).engines[MOVE] == "fal-kling"
    else:
        with pytest.raises(NoEngine):
            planned(settings, STILL, NOTHING, ENGINES)


def test_an_engine_that_would_drop_pictures_or_the_loop_is_refused() -> None:
    named = {"engines": {MOVE: "fal-kling"}}
    with pytest.raises(NoEngine, match="from 3 pictures for video_synthesis"):
        planned(JobSettings(duration=4, **named), STILL, NOTHING, ENGINES, more_pictures=2)
    with pytest.raises(NoEngine, match="in a loop for video_synthesis"):
        planned(JobSettings(duration=4, loop=True, **named), STILL, NOTHING, ENGINES)


# --- engines past their sunset date


def catalogue(*movers: Engine) -> list[Engine]:
    """Return the in-process engines of the other stages, and the given engines of video synthesis."""
    return [*(engine for engine in OURS if engine.stage is not MOVE), *movers]


def chosen(name: str | None, *movers: Engine, **settings: Any) -> str:
    """Return the engine that is planned for video synthesis if the creator names `name`."""
    engines = {MOVE: name} if name else {}
    return planned(JobSettings(engines=engines, **settings), STILL, NOTHING, catalogue(*movers)).engines[MOVE]


OLD = replace(first(MOVE), name="old", sunset_at=TODAY, fallback="new")
NEW = replace(first(MOVE), name="new", fallback=None)


def test_an_engine_past_its_date_is_not_chosen() -> None:
    assert chosen(None, OLD, NEW) == "new"
    with pytest.raises(NoEngine, match="No engine makes"):
        chosen(None, OLD)


@pytest.mark.parametrize(("days", "engine"), [(-1, "new"), (0, "new"), (1, "old")])
def test_the_date_is_the_first_day_without_the_engine(days: int, engine: str) -> None:
    dated = replace(OLD, sunset_at=TODAY + timedelta(days=days))
    assert chosen("old", dated, NEW) == chosen(None, dated, NEW) == engine


def test_a_named_engine_past_its_date_is_replaced_by_its_fallback_at_its_price() -> None:
    named = JobSettings(engines={MOVE: "old"})
    before = planned(named, STILL, NOTHING, catalogue(replace(OLD, sunset_at=None), NEW))
    after = planned(named, STILL, NOTHING, catalogue(OLD, NEW))
    assert (before.engines[MOVE], after.engines[MOVE]) == ("old", "new")
    assert after.credits == before.credits


def test_a_provider_that_replaces_a_named_engine_is_part_of_the_job() -> None:
    """`dispatch` refuses a provider's engine that the spec does not name."""
    named, provider = JobSettings(engines={MOVE: "old"}), replace(NEW, runs=Runs.REMOTE)
    made = planned(named, STILL, NOTHING, catalogue(OLD, provider))
    assert (made.chosen, made.steps[MOVE].is_named) == ({MOVE: "new"}, True)
    direct = planned(JobSettings(engines={MOVE: "new"}), STILL, NOTHING, catalogue(provider))
    assert direct.chosen == {}


def test_a_cheaper_fallback_lowers_the_price() -> None:
    named, cheap = JobSettings(engines={MOVE: "old"}), replace(NEW, credits=0, credits_per_second=0)
    dear = planned(named, STILL, NOTHING, catalogue(OLD, NEW)).credits
    assert planned(named, STILL, NOTHING, catalogue(OLD, cheap)).credits < dear


@given(st.lists(st.integers(0, 40), min_size=4, max_size=4), st.sampled_from([None, True]))
def test_what_replaces_an_engine_after_the_submit_never_costs_more(credits: list[int], draft: bool | None) -> None:
    """A job costs at most what its request allowed: fallbacks and the camera are charged at the price or lower."""
    kling = next(engine for engine in ENGINES if engine.name == "fal-kling")
    names = ["0", "1", "2"]
    chain = [
        replace(kling, name=name, credits=price, fallback=after)
        for name, price, after in zip(names, credits, [*names[1:], "camera"], strict=False)
    ]
    camera = replace(first(MOVE), name="camera", credits=credits[-1])
    settings = JobSettings(engines={MOVE: "0"}, draft=draft)
    step = planned(settings, STILL, NOTHING, catalogue(*chain, camera)).steps[MOVE]
    assert step.engine.name == "0"
    assert all(price <= step.credits for price in step.lower_credits.values())
    assert step.lower_credits.keys() == {*step.fallbacks, *([step.camera.name] if step.camera else [])}


@pytest.mark.parametrize(
    "unfit",
    [
        replace(NEW, max_duration_seconds=4),
        replace(NEW, durations=frozenset({4.0})),
        replace(NEW, max_short_side_pixels=480),
        replace(NEW, credits=NEW.credits + 1),
        replace(NEW, sunset_at=TODAY),
    ],
    ids=["too short", "other durations", "too small", "more expensive", "past its date too"],
)
def test_a_fallback_that_does_not_fit_is_passed_over_or_the_job_is_refused(unfit: Engine) -> None:
    last = replace(NEW, name="last")
    assert chosen("old", OLD, replace(unfit, fallback="last"), last) == "last"
    with pytest.raises(NoEngine, match=f"old is not offered since {TODAY}"):
        chosen("old", OLD, unfit, last)


@pytest.mark.parametrize("fallback", [None, "gone", "old"])
def test_a_named_engine_past_its_date_without_a_fallback_is_refused(fallback: str | None) -> None:
    with pytest.raises(NoEngine, match=f"old is not offered since {TODAY}"):
        chosen("old", replace(OLD, fallback=fallback), NEW)


def test_a_cycle_of_fallbacks_ends() -> None:
    with pytest.raises(NoEngine, match=f"old is not offered since {TODAY}"):
        chosen("old", OLD, replace(NEW, sunset_at=TODAY, fallback="old"))


def test_a_fallback_does_not_make_a_film_that_the_named_engine_never_made() -> None:
    with pytest.raises(NoEngine, match="does not make 5 s"):
        chosen("old", replace(OLD, max_duration_seconds=4), NEW)
