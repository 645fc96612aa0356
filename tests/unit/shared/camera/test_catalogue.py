import pytest

from shared.camera.catalogue import DefaultMove, default_moves, nearest
from shared.camera.languages import words
from shared.camera.lowerings import DOLLY, PAN, TRUCK, dropped_axes, inverse_distance, view
from shared.camera.move import AXES, CameraMove, Keyframe, Pose


@pytest.mark.parametrize("preset", default_moves().values(), ids=lambda preset: preset.id)
def test_every_preset_stays_within_the_limits_of_the_axes(preset: DefaultMove) -> None:
    assert preset.id == preset.id.lower().replace(" ", "-")
    assert preset.description.endswith(".")
    assert preset.move.prompt_phrase
    for i in range(101):
        pose = preset.move.sample(i / 100)
        assert all(abs(getattr(pose, axis)) <= 1 for axis in AXES)
        assert 0.5 <= pose.zoom <= 4


def test_only_static_never_moves() -> None:
    assert [preset.id for preset in default_moves().values() if not preset.move.moves()] == ["static"]


def test_a_misspelt_preset_suggests_the_nearest_ones() -> None:
    assert "crash-zoom-in" in nearest("Crash Zoom")
    assert nearest("orbt_left")[0] == "orbit-left"
    assert nearest("qqqqqq") == []


def test_orbits_counter_their_truck_around_the_middle_distance() -> None:
    first = default_moves()["orbit-right"].move.keyframes[0]
    assert first.pan == pytest.approx(-first.truck * TRUCK * inverse_distance(0.5) / PAN, abs=0.01)


def test_a_dolly_zoom_keeps_the_size_of_the_middle_distance() -> None:
    for pose in (default_moves()["dolly-zoom-in"].move.sample(t) for t in (0.0, 1.0)):
        assert pose.zoom == pytest.approx(1 - DOLLY * pose.dolly * inverse_distance(0.5), abs=0.04)


def test_a_pose_becomes_physical_units() -> None:
    assert view(Pose(truck=-0.5, zoom=2, focus=0.4)) == view(Pose())._replace(right=-TRUCK / 2, focal=2, focus=0.4)


def test_axes_that_an_engine_cannot_follow_are_named() -> None:
    move = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, truck=1, roll=0.5, zoom=2)))
    assert dropped_axes(move, {"truck", "pan"}) == {"roll", "zoom"}


def test_words_describe_the_keyframes_with_the_strongest_axis_first() -> None:
    assert words(CameraMove(keyframes=(Keyframe(at=0),))) == "static camera, locked off"
    move = CameraMove(keyframes=(Keyframe(at=0, pan=0.2), Keyframe(at=1, dolly=1, zoom=0.8)))
    assert words(move) == "the camera pushes in, zooms out, pans left"
    assert words(default_moves()["dolly-in"].move) == default_moves()["dolly-in"].move.prompt_phrase
