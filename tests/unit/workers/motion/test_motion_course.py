"""The score of a remote clip is high for the requested course at any amplitude and speed, and low for others."""

from collections.abc import Callable, Sequence
from copy import copy
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from shared.camera.catalogue import default_moves
from shared.camera.move import AXES, CameraMove, Easing, Keyframe, Pose, shaken
from tests.support.variants import few_quick
from tests.unit.workers.motion.test_motion_check import flat, hills, soft_sky
from workers.media.codecs import FINISHED, ClipWriter, read_planes
from workers.media.planes import Bytes, Floats, Planes, as_bytes, from_rgb
from workers.motion.motion_course import CourseCheck
from workers.renderer.shoot import Shot

SCENE = hills()
FRAMES = 40


@cache
def film(preset: str, strength: float = 1.0, fps: int = 24, size: tuple[int, int] = (480, 270)) -> tuple[Planes, ...]:
    """Return a film of the preset with its axes scaled by `strength`, because remote engines vary the amplitude."""
    move = default_moves()[preset].move
    poses = [shaken(_scaled(move.sample(i / (FRAMES - 1)), strength), i / fps) for i in range(FRAMES)]
    return shot(poses, fps, size)


def shot(
    poses: Sequence[Pose], fps: int = 24, size: tuple[int, int] = (480, 270), scene: tuple[Bytes, Floats] = SCENE
) -> tuple[Planes, ...]:
    camera = Shot(*scene, *size, fps)
    camera.prepare(poses)
    return tuple(Planes(*(plane.copy() for plane in planes)) for planes in camera.film(poses))


def _scaled(pose: Pose, strength: float) -> Pose:
    axes = {axis: getattr(pose, axis) * strength for axis in AXES}
    return pose._replace(**axes, zoom=pose.zoom**strength, shake=pose.shake * strength)


def scored(requested: str | CameraMove, frames: Sequence[Planes], fps: float = 24) -> float | None:
    check = CourseCheck(default_moves()[requested].move if isinstance(requested, str) else requested, fps)
    for planes in frames:
        check.see(planes)
    return check.score()


def measured(requested: str | CameraMove, frames: Sequence[Planes], fps: float = 24) -> float:
    score = scored(requested, frames, fps)
    assert score is not None
    return score


KINDS = ["zoom-in", "dolly-out", "truck-left", "pan-right", "tilt-up", "pedestal-down", "roll-right", "lazy-susan"]


@pytest.mark.parametrize("preset", few_quick([*KINDS, "crash-zoom-out", "yo-yo-zoom", "whip-pan"], 3))
@pytest.mark.parametrize("strength", [0.6, 1.5])
def test_the_requested_move_scores_high_at_any_strength(preset: str, strength: float) -> None:
    assert measured(preset, film(preset, strength)) >= 0.8


@pytest.mark.parametrize(("fps", "size"), [(60, (480, 270)), (12, (320, 320)), (25, (270, 480))])
@pytest.mark.parametrize("preset", ["dolly-in", "pan-right"])
def test_a_clip_may_have_any_rate_and_size(preset: str, fps: int, size: tuple[int, int]) -> None:
    assert measured(preset, film(preset, fps=fps, size=size), fps) >= 0.8


@pytest.mark.parametrize("easing", Easing)
def test_a_camera_may_have_any_easing(easing: Easing) -> None:
    poses = [Pose(zoom=1 + 0.5 * easing(i / (FRAMES - 1))) for i in range(FRAMES)]
    assert measured("zoom-in", shot(poses)) >= 0.9


@pytest.mark.parametrize(
    ("requested", "filmed"),
    [
        ("zoom-in", "zoom-out"),
        ("dolly-in", "dolly-out"),
        ("truck-left", "truck-right"),
        ("pan-left", "pan-right"),
        ("tilt-up", "tilt-down"),
        ("roll-left", "roll-right"),
        ("dolly-in", "pan-left"),
        ("pan-left", "zoom-in"),
        ("pan-left", "tilt-up"),
        ("zoom-in", "roll-left"),
        ("yo-yo-zoom", "zoom-in"),
        ("zoom-in", "yo-yo-zoom"),
        ("static", "handheld"),
        ("static", "zoom-in"),
        ("static", "yo-yo-zoom"),  # returns to its start
    ],
)
def test_another_course_scores_low(requested: str, filmed: str) -> None:
    assert measured(requested, film(filmed)) < 0.5


@pytest.mark.parametrize("preset", ["orbit-left", "orbit-right", "jib-up", "crane-down", "dolly-zoom-in"])
def test_a_move_that_depends_on_estimated_distances_has_no_score(preset: str) -> None:
    assert scored(preset, film(preset)) is None


def test_the_order_of_two_moves_counts() -> None:
    first = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=0.5, zoom=1.3), Keyframe(at=1, zoom=1.3, pan=0.8)))
    second = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=0.5, pan=0.8), Keyframe(at=1, zoom=1.3, pan=0.8)))
    frames = shot([first.sample(i / (FRAMES - 1)) for i in range(FRAMES)])
    assert measured(first, frames) >= 0.8
    assert measured(second, frames) < 0.5


def test_a_move_of_one_percent_scores_low() -> None:
    assert measured("zoom-in", film("zoom-in", 0.01)) < 0.2


@pytest.mark.parametrize("requested", [preset for preset in default_moves() if default_moves()[preset].move.moves()])
def test_a_still_camera_scores_high_only_for_a_focus_change(requested: str) -> None:
    still = requested == "focus-change"  # a focus change needs no camera movement
    check = copy(_check_of_a_still_film())
    check._move = default_moves()[requested].move  # what a check sees does not depend on the move
    score = check.score()
    assert score is not None
    assert (score >= 0.95) is still


@cache
def _check_of_a_still_film() -> CourseCheck:
    check = CourseCheck(default_moves()["static"].move, 24)
    for planes in film("static"):
        check.see(planes)
    return check


def test_a_still_camera_scores_high_after_encoding(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "clip.mp4", 480, 270, Fraction(24), FINISHED) as writer:
        for planes in film("static"):
            writer.write(planes)
    assert measured("static", list(read_planes(tmp_path / "clip.mp4"))) >= 0.95


def test_a_moving_object_is_not_a_camera_move() -> None:
    """A part of the wall slides through a quarter of the frame."""
    frames = []
    for i in range(FRAMES):
        picture = SCENE[0].copy()
        picture[60:200, 40 + 5 * i : 200 + 5 * i] = SCENE[0][100:240, 300:460]
        frames.append(from_rgb(as_bytes(picture)))
    assert measured("static", frames) >= 0.9
    assert measured("truck-left", frames) < 0.2


@pytest.mark.parametrize("scene", [flat, soft_sky])
@pytest.mark.parametrize("requested", ["static", "pan-left"])
def test_a_scene_without_features_has_no_score(requested: str, scene: Callable[[], tuple[Bytes, Floats]]) -> None:
    poses = [default_moves()["pan-left"].move.sample(i / (FRAMES - 1)) for i in range(FRAMES)]
    assert scored(requested, shot(poses, scene=scene())) is None


def test_zero_frames_and_one_frame_have_no_score() -> None:
    assert scored("static", []) is None
    assert scored("static", film("static")[:1]) is None


def test_a_course_counts_only_until_fog_hides_it() -> None:
    whole = film("static")
    fog = [planes._replace(y=np.full_like(planes.y, 120)) for planes in whole]
    assert 0.4 < measured("static", [*whole[:20], *fog[20:]]) < 0.6
