"""Remote engines receive the move of a preset in their own words and commands."""

import pytest

from shared.camera.catalogue import default_moves
from shared.camera.languages import MAX_COMMANDS, avoided, brackets, concepts, gestures, words
from shared.camera.move import CameraMove, Keyframe

MOVES = {preset.id: preset.move for preset in default_moves().values()}


def net(**axes: float) -> CameraMove:
    return CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, **axes)))


def test_brackets_contain_at_most_three_known_commands() -> None:
    assert brackets(MOVES["static"]) == "[Static shot]"
    assert brackets(MOVES["dolly-zoom-in"]) == "[Push in,Zoom out]"
    assert brackets(MOVES["handheld"]) == "[Push in,Shake]"
    assert brackets(MOVES["roll-left"]) == ""
    assert all(brackets(move).count(",") < MAX_COMMANDS for move in MOVES.values())


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


def test_a_pair_is_named_by_the_gestures_of_both_moves() -> None:
    both = stacked("dolly-in", "pan-left")
    assert brackets(both) == "[Pan left,Push in,Zoom in]"
    assert concepts(both) == ["pan_left", "push_in", "zoom_in"]
    assert words(both.model_copy(update={"prompt_phrase": ""})) == ("pans left, the camera pushes in, zooms in")


def test_a_still_preset_in_a_pair_is_not_named() -> None:
    both = stacked("static", "orbit-left")
    assert brackets(both) == brackets(MOVES["orbit-left"])
    assert concepts(both) == ["orbit_left"]
    assert words(both) == MOVES["orbit-left"].prompt_phrase


def test_a_move_of_a_pair_that_returns_is_named_by_its_legs() -> None:
    assert brackets(stacked("pan-left", "yo-yo-zoom")) == "[Pan left,Zoom in,Zoom out]"
    assert brackets(stacked("pan-left", "yo-yo-zoom", 0.05)) == "[Pan left]", "a zoom of this weight is not visible"


def test_the_shake_of_the_second_move_is_named() -> None:
    both = stacked("static", "handheld", 0.5).model_copy(update={"prompt_phrase": ""})
    assert "Shake" in brackets(both)
    assert "handheld" in concepts(both)
    assert "handheld" in words(both)


def test_moves_that_cancel_each_other_have_no_gesture() -> None:
    assert gestures(stacked("pan-left", "pan-right")) == []


def test_a_move_without_strength_is_a_static_camera_in_every_language() -> None:
    unmoved = MOVES["handheld"].model_copy(update={"strength": 0.0})
    assert (brackets(unmoved), concepts(unmoved), words(unmoved)) == (
        "[Static shot]",
        ["static"],
        "static camera, locked off",
    )
    assert avoided(unmoved) == ""


def test_gestures_to_avoid_are_written_in_words() -> None:
    assert avoided(MOVES["dolly-in"]) == "no zoom, no camera shake"


def test_the_words_of_a_move_fit_into_the_prompt_of_kling() -> None:
    """Kling's prompt has at most 2500 characters. The creator has 2000 of them, the move has the rest."""
    longest = CameraMove(keyframes=(Keyframe(at=0),), prompt_phrase="p" * 200, negatives=("n" * 32,) * 6)
    assert len(words(longest)) + len(avoided(longest)) < 450
    for negatives in (("n",) * 7, ("n" * 33,)):
        with pytest.raises(ValueError, match="too_long"):
            CameraMove(keyframes=longest.keyframes, negatives=negatives)
