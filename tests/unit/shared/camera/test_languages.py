"""Engines of others must be told what the preset means, in their own words and signs."""

from cmath import exp

import pytest

from shared.camera.catalogue import default_moves
from shared.camera.languages import MOST_COMMANDS, SLIDER_LIMIT, avoided, brackets, concepts, gestures, sliders, words
from shared.camera.lowerings import Affine, affine, affine_cover
from shared.camera.move import CameraMove, Keyframe, Pose

MOVES = {preset.id: preset.move for preset in default_moves().values()}


def net(**axes: float) -> CameraMove:
    return CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, **axes)))


def test_their_pan_turns_up_and_down_and_their_tilt_left_and_right() -> None:
    up, right = sliders(net(tilt=1)), sliders(net(pan=1))
    assert up is not None
    assert right is not None
    assert (up["pan"], up["tilt"]) == (5, 0)
    assert (right["pan"], right["tilt"]) == (0, 5)


def test_their_zoom_in_is_negative() -> None:
    assert sliders(net(zoom=2)) == {"horizontal": 0, "vertical": 0, "pan": 0, "tilt": 0, "roll": 0, "zoom": -5}


@pytest.mark.parametrize("preset", MOVES)
def test_exactly_one_slider_is_not_zero_and_none_leaves_its_range(preset: str) -> None:
    config = sliders(MOVES[preset])
    if config is not None:
        (value,) = (value for value in config.values() if value)
        assert abs(value) <= SLIDER_LIMIT


def test_what_no_slider_can_do_is_left_to_words() -> None:
    assert [preset for preset in MOVES if sliders(MOVES[preset]) is None] == [
        "static", "dolly-zoom-in", "dolly-zoom-out", "focus-change",
    ]  # fmt: skip


def test_brackets_hold_at_most_three_commands_of_those_there_are() -> None:
    assert brackets(MOVES["static"]) == "[Static shot]"
    assert brackets(MOVES["dolly-zoom-in"]) == "[Push in,Zoom out]"
    assert brackets(MOVES["handheld"]) == "[Push in,Shake]"
    assert brackets(MOVES["roll-left"]) == ""
    assert all(brackets(move).count(",") < MOST_COMMANDS for move in MOVES.values())


def test_gestures_that_oppose_each_other_are_one_concept() -> None:
    assert concepts(MOVES["dolly-zoom-out"]) == ["dolly_zoom"]
    assert concepts(MOVES["orbit-left"]) == ["orbit_left"]
    assert concepts(MOVES["crane-up"]) == ["crane_up", "push_in"]
    assert concepts(MOVES["static"]) == ["static"]


def test_a_move_that_returns_is_named_by_its_legs() -> None:
    assert brackets(MOVES["yo-yo-zoom"]) == "[Zoom in,Zoom out]"
    assert concepts(MOVES["yo-yo-zoom"]) == ["zoom_in"]


def stacked(first: str, second: str, weight: float = 1) -> CameraMove:
    return MOVES[first].with_stacked(MOVES[second], weight)


def test_a_pair_is_named_by_what_both_do() -> None:
    both = stacked("dolly-in", "pan-left")
    assert brackets(both) == "[Pan left,Push in,Zoom in]"
    assert concepts(both) == ["pan_left", "push_in", "zoom_in"]
    leaning = sliders(stacked("dolly-in", "pan-left"))
    assert leaning is not None
    assert leaning["tilt"] < 0
    assert words(both.model_copy(update={"prompt_phrase": ""})) == ("pans left, the camera pushes in, zooms in")


def test_a_still_preset_under_another_is_named_by_the_other_alone() -> None:
    both = stacked("static", "orbit-left")
    assert brackets(both) == brackets(MOVES["orbit-left"])
    assert concepts(both) == ["orbit_left"]
    assert words(both) == MOVES["orbit-left"].prompt_phrase


def test_one_of_a_pair_that_returns_is_named_by_its_legs() -> None:
    assert brackets(stacked("pan-left", "yo-yo-zoom")) == "[Pan left,Zoom in,Zoom out]"
    assert brackets(stacked("pan-left", "yo-yo-zoom", 0.05)) == "[Pan left]", "nobody would see so little"


def test_shake_of_the_second_is_heard() -> None:
    both = stacked("static", "handheld", 0.5).model_copy(update={"prompt_phrase": ""})
    assert "Shake" in brackets(both)
    assert "handheld" in concepts(both)
    assert "handheld" in words(both)


def test_what_a_pair_cancels_is_no_gesture() -> None:
    assert gestures(stacked("pan-left", "pan-right")) == []


def test_a_move_without_strength_is_a_static_camera_in_every_language() -> None:
    none = MOVES["handheld"].model_copy(update={"strength": 0.0})
    assert (brackets(none), concepts(none), words(none)) == ("[Static shot]", ["static"], "static camera, locked off")
    assert avoided(none) == ""


def test_what_to_avoid_is_said_in_words() -> None:
    assert avoided(MOVES["dolly-in"]) == "no zoom, no camera shake"


def test_no_move_says_more_than_kling_hears() -> None:
    """Its prompt may have 2500 characters; 2000 are the creator's, and some are ours."""
    talkative = CameraMove(keyframes=(Keyframe(at=0),), prompt_phrase="p" * 200, negatives=("n" * 32,) * 6)
    assert len(words(talkative)) + len(avoided(talkative)) < 450
    for negatives in (("n",) * 7, ("n" * 33,)):
        with pytest.raises(ValueError, match="too_long"):
            CameraMove(keyframes=talkative.keyframes, negatives=negatives)


def test_frames_of_a_video_move_against_the_camera() -> None:
    assert affine(Pose(), 16 / 9) == Affine(1, 0, 0, 0)
    assert affine(Pose(truck=1), 16 / 9).dx < 0 == affine(Pose(truck=1), 16 / 9).dy
    assert affine(Pose(tilt=1), 16 / 9).dy > 0
    assert affine(Pose(roll=1), 16 / 9).rotation < 0
    assert affine(Pose(dolly=1), 16 / 9).scale > 1
    assert affine(Pose(zoom=2), 16 / 9).scale == 2


@pytest.mark.parametrize("preset", MOVES)
@pytest.mark.parametrize("aspect", [16 / 9, 9 / 16])
def test_no_moved_frame_shows_its_border(preset: str, aspect: float) -> None:
    path = [affine(MOVES[preset].sample(i / 24), aspect) for i in range(25)]
    cover = affine_cover(path, aspect)
    assert 1 <= cover < 3
    for each in path:
        for corner in (0.5 + 0.5j / aspect, 0.5 - 0.5j / aspect, -0.5 + 0.5j / aspect, -0.5 - 0.5j / aspect):
            shown = (corner / cover - complex(each.dx, each.dy)) / (each.scale * exp(1j * each.rotation))
            assert abs(shown.real) <= 0.5 + 1e-9
            assert abs(shown.imag) <= 0.5 / aspect + 1e-9
