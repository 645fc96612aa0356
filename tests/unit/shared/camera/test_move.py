from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.camera.catalogue import default_moves
from shared.camera.move import AXES, CameraMove, Easing, Keyframe, Pose, shaken, stack


@st.composite
def moves(draw: st.DrawFn) -> CameraMove:
    times = sorted(draw(st.lists(st.integers(0, 20), min_size=1, max_size=6, unique=True)))
    signed = st.floats(-1, 1, width=32)
    frames = [
        Keyframe(
            at=time / 20, zoom=draw(st.floats(0.5, 4, width=32)), **{axis: draw(signed) for axis in ("truck", "roll")}
        )
        for time in times
    ]
    return CameraMove(
        keyframes=tuple(frames), easing=draw(st.sampled_from(Easing)), strength=draw(st.floats(0, 1, width=32))
    )


@settings(max_examples=40)
@given(moves())
def test_sampling_is_continuous_and_stays_within_its_keyframes(move: CameraMove) -> None:
    poses = [move.sample(i / 4000) for i in range(4001)]
    for axis in ("truck", "roll"):
        values = [getattr(pose, axis) for pose in poses]
        extremes = [getattr(frame, axis) * move.strength for frame in move.keyframes]
        assert min(extremes) - 1e-9 <= min(values) <= max(values) <= max(extremes) + 1e-9
        assert max(abs(b - a) for a, b in pairwise(values)) < 0.08
    assert all(0.5 - 1e-9 <= pose.zoom <= 4 + 1e-9 for pose in poses)


@pytest.mark.parametrize("easing", Easing)
def test_every_easing_rises_from_0_to_1(easing: Easing) -> None:
    steps = [easing(i / 200) for i in range(201)]
    assert (steps[0], steps[-1]) == (0, 1)
    assert all(a <= b for a, b in pairwise(steps))


def test_strength_zero_is_a_still_camera() -> None:
    move = CameraMove(keyframes=(Keyframe(at=0, truck=1, zoom=2, roll=-1, shake=1),), strength=0)
    assert move.sample(0.5) == Pose()


def test_stacked_moves_add_their_axes_and_multiply_their_zooms() -> None:
    both = stack(Pose(truck=0.5, zoom=2), Pose(truck=0.5, pan=1, zoom=4, focus=0.3), weight=0.5)
    assert (both.truck, both.pan, both.zoom, both.focus) == (0.75, 0.5, 4, 0.3)


def test_shake_is_repeatable_and_small() -> None:
    still, hand = Pose(), Pose(shake=1)
    assert shaken(still, 1.3) is still
    assert shaken(hand, 1.3) == shaken(hand, 1.3) != shaken(hand, 1.4)
    assert all(abs(getattr(shaken(hand, i / 24), axis)) < 0.2 for i in range(240) for axis in AXES)


def test_a_glide_passes_through_its_keyframes_without_stopping() -> None:
    frames = (Keyframe(at=0), Keyframe(at=0.5, truck=0.5), Keyframe(at=1, truck=1, zoom=2))
    move = CameraMove(keyframes=frames, easing=Easing.GLIDE)
    assert [move.sample(frame.at) for frame in frames] == [frame.pose() for frame in frames]
    assert move.sample(0.51).truck - move.sample(0.49).truck > 0.02


def _speeds(move: CameraMove) -> list[float]:
    poses = [move.sample(i / 240) for i in range(241)]
    axes = (*AXES, "zoom")
    return [max(abs(getattr(b, axis) - getattr(a, axis)) for axis in axes) for a, b in pairwise(poses)]


@pytest.mark.parametrize("preset", ["orbit-left", "orbit-right", "arc-left", "arc-right", "glam"])
def test_an_open_glide_starts_and_ends_at_rest(preset: str) -> None:
    speeds = _speeds(default_moves()[preset].move)
    assert max(speeds[0], speeds[-1]) < 0.02 * max(speeds)
    assert min(speeds[48:-48]) > 0.3 * max(speeds), "it does not stop in between"


def test_a_closed_glide_does_not_stop_where_it_wraps() -> None:
    speeds = _speeds(default_moves()["orbit-360"].move)
    assert speeds[0] == pytest.approx(speeds[-1], rel=0.05)
    assert speeds[0] > 0.5 * max(speeds)


def test_a_pair_of_moves_is_sampled_as_both_and_shrinks_into_the_limits() -> None:
    left = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, truck=-1)), negatives=("zoom", "cut"))
    right = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, truck=-1, pan=0.6)), negatives=("cut",))
    pair = left.with_stacked(right, 0.5)
    assert pair.sample(1) == Pose(truck=-1, pan=0.3)
    assert pair.sample(0.5).truck == pytest.approx(-0.5), "the whole path is scaled down"
    assert pair.negatives == ("cut",)
    assert pair.moves() == {"truck", "pan"}
    assert CameraMove.model_validate_json(pair.model_dump_json(by_alias=True)) == pair
    with pytest.raises(ValueError, match="only two moves"):
        pair.with_stacked(right, 0.5)


def test_a_pair_that_stays_within_the_limits_does_not_shrink() -> None:
    """Both moves reach the limit, but on opposite sides or at different times."""
    there = CameraMove(keyframes=(Keyframe(at=0, truck=1), Keyframe(at=1, truck=-1)))
    back = CameraMove(keyframes=(Keyframe(at=0, truck=-1), Keyframe(at=1, truck=1)))
    assert there.with_stacked(back, 0.5).sample(1).truck == pytest.approx(-0.5)
    early = CameraMove(keyframes=(Keyframe(at=0, pan=1), Keyframe(at=0.5), Keyframe(at=1)))
    late = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=0.5), Keyframe(at=1, pan=1)))
    assert [early.with_stacked(late, 1).sample(t).pan for t in (0, 1)] == [1, 1]


@settings(max_examples=30)
@given(moves(), moves(), st.floats(0, 1, width=32))
def test_no_pair_leaves_the_limits(one: CameraMove, other: CameraMove, weight: float) -> None:
    pair = one.with_stacked(other, weight)
    assert all(abs(getattr(pair.sample(i / 97), axis)) <= 1 for i in range(98) for axis in AXES)


def test_a_pair_stays_within_the_limits_between_two_samples() -> None:
    """The sum is largest between the keyframes: both are at half the limit when the second drops suddenly."""
    rising = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, roll=1)), easing=Easing.LINEAR)
    dropping = CameraMove(keyframes=(Keyframe(at=0, roll=1), Keyframe(at=1, roll=-1)), easing=Easing.CRASH)
    pair = rising.with_stacked(dropping, 1)
    assert max(pair.sample(i / 5000).roll for i in range(5001)) == 1


def test_a_second_move_with_weight_zero_has_no_effect() -> None:
    pull = CameraMove(keyframes=(Keyframe(at=0, focus=0.2), Keyframe(at=1, focus=0.8)), prompt_phrase="rack focus")
    push = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, dolly=1)), prompt_phrase="push in")
    pair = push.with_stacked(pull, 0)
    assert [pair.sample(t) for t in (0, 0.5, 1)] == [push.sample(t) for t in (0, 0.5, 1)]
    assert pair.prompt_phrase == "push in"


def test_strength_scales_a_focus_pull_and_strength_zero_removes_it() -> None:
    frames = (Keyframe(at=0, focus=1), Keyframe(at=1, focus=0.2))
    ends = {strength: CameraMove(keyframes=frames, strength=strength) for strength in (1, 0.5, 0)}
    assert [(move.sample(0).focus, move.sample(1).focus) for move in ends.values()] == [
        (1, pytest.approx(0.2)),
        (1, pytest.approx(0.6)),
        (None, None),
    ]
    assert ends[0].moves() == frozenset()


def test_a_pair_omits_the_text_of_a_still_move() -> None:
    still = CameraMove(keyframes=(Keyframe(at=0),), prompt_phrase="locked off", negatives=("zoom", "pan"))
    orbit = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, truck=1)), prompt_phrase="orbits", negatives=("cut",))
    for pair in (still.with_stacked(orbit, 0.5), orbit.with_stacked(still, 0.5)):
        assert (pair.prompt_phrase, pair.negatives) == ("orbits", ("cut",))
    assert still.with_stacked(still, 1).prompt_phrase == "locked off"


def test_moves_without_a_common_duration_do_not_stack() -> None:
    short = CameraMove(keyframes=(Keyframe(at=0),), max_duration_seconds=2)
    long = CameraMove(keyframes=(Keyframe(at=0),), min_duration_seconds=5)
    with pytest.raises(ValueError, match="duration"):
        short.with_stacked(long, 1)
