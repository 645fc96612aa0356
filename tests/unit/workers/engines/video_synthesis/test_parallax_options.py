"""Films that loop, and films of several pictures."""

from itertools import pairwise
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from shared.camera.catalogue import default_moves
from shared.camera.move import CameraMove, Keyframe, Pose
from shared.stages.metadata import MeasuredPath
from shared.stages.requests import VideoSynthesisJob
from workers.engines.contract import StageResult, Workspace
from workers.engines.video_synthesis.parallax import Parallax
from workers.media import pictures
from workers.media.codecs import read_planes
from workers.media.planes import as_bytes, from_rgb
from workers.renderer.motif import motif_of
from workers.renderer.path import camera_path
from workers.renderer.photograph import filming
from workers.renderer.reel import schedule

FORWARD = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, dolly=1)))
Lumas = list[NDArray[np.int_]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, seed, brightness in (("a.png", 1, 0.4), ("b.png", 2, 0.7), ("c.png", 3, 1.0)):
        noise = np.random.default_rng(seed).integers(0, 255, (90, 160, 3)).astype(np.uint8)
        soft = cv2.GaussianBlur(noise, (0, 0), 2)
        cv2.imwrite(str(tmp_path / name), cv2.normalize(soft, soft, 0, 255 * brightness, cv2.NORM_MINMAX))
    cv2.imwrite(str(tmp_path / "depth.png"), np.tile(np.arange(0, 65535, 800, dtype=np.uint16)[:80, None], (1, 160)))
    return tmp_path


def film(folder: Path, *pictures: str, move: CameraMove = FORWARD, loop: bool = False) -> tuple[Lumas, StageResult]:
    request = VideoSynthesisJob(
        job_id="job_1",
        user_id="usr_1",
        image_url=pictures[0],
        more_image_urls=pictures[1:],
        loop=loop,
        depth_url="depth.png",
        prompt="",
        preset_id="dolly-in",
        move=move,
        duration=3,
        width=128,
        height=72,
        fps=12,
        seed=1,
    )
    result = Parallax().run(request, Workspace(folder, lambda url: folder / url, lambda _: None))
    return [planes.y.astype(int) for planes in read_planes(result.outputs[0].path)], result


def test_a_picture_without_features_has_no_motion_score(folder: Path) -> None:
    for name in ("grey.png", "black.png"):
        cv2.imwrite(str(folder / name), np.full((90, 160, 3), 130, np.uint8))
    _, result = film(folder, "grey.png", "black.png")
    assert not {"motionScore", "cameraPath"} & set(result.metrics)
    _, result = film(folder, "a.png", "grey.png")
    assert float(str(result.metrics["motionScore"])) > 0.9, "the score of the picture with features"


def seam(frames: Lumas) -> tuple[float, float]:
    """Return the difference of first and last frame, and the largest difference of neighbouring frames."""
    steps = [float(np.abs(b - a).mean()) for a, b in pairwise(frames)]
    return float(np.abs(frames[0] - frames[-1]).mean()), max(steps)


@pytest.mark.parametrize("pictures", [("a.png",), ("a.png", "b.png")], ids=len)
def test_the_last_frame_of_a_loop_leads_into_its_first(folder: Path, pictures: tuple[str, ...]) -> None:
    from_last, between = seam(film(folder, *pictures, loop=True)[0])
    assert from_last <= between
    from_last, between = seam(film(folder, *pictures)[0])
    assert from_last > 2 * between


@pytest.mark.parametrize("preset", default_moves())
def test_every_preset_loops(preset: str) -> None:
    path = camera_path(default_moves()[preset].move, 96, 24, loop=True)
    for axis in (*Pose._fields[:7], "fisheye"):
        values = np.array([getattr(pose, axis) for pose in path])
        assert abs(values[0] - values[-1]) <= np.abs(np.diff(values)).max() + 1e-9, axis
    assert len({pose.shake for pose in path}) == 1


def test_a_round_trip_runs_once_in_a_loop() -> None:
    round_once = CameraMove(keyframes=tuple(Keyframe(at=t / 4, pan=p) for t, p in enumerate((0, 1, 0, -1, 0))))
    path = camera_path(round_once, 40, 24, loop=True)
    assert (path[0].pan, path[20].pan) == pytest.approx((0, 0), abs=1e-9)
    assert path[10].pan == pytest.approx(1)
    assert path[30].pan == pytest.approx(-1)


def test_a_film_over_pictures_begins_with_the_first_and_ends_with_the_last_of_one_camera_path(folder: Path) -> None:
    frames, result = film(folder, "a.png", "b.png", "c.png")
    path, shown = camera_path(FORWARD, 36, 12), schedule(3, 36, 6)
    for at, name in ((0, "a.png"), (35, "c.png")):
        depth = folder / "depth.png" if at == 0 else None
        motif = motif_of(folder / name, (128, 72), depth=depth, scenery=None, focal_point=None)
        [shot] = filming([motif], path, (128, 72), 12, 0.5).shots
        shot.prepare([pose for pose, on in zip(path, shown, strict=True) if shown[at].picture in on[:2]])
        following = path[at + 1] if at == 0 else None
        assert np.abs(frames[at] - shot.frame(path[at], following=following).y).mean() < 1
    assert [round(float(np.mean(frames[i]))) // 20 for i in (0, 18, 35)] == [2, 4, 6]  # each brighter than the last
    assert float(str(result.metrics["motionScore"])) > 0.8
    paths = cast("list[MeasuredPath]", result.metrics["cameraPath"])
    assert [(path["at"][0] > 0.5, path["asked"]["zoom"][0], path["measured"]["zoom"][0]) for path in paths] == [
        (False, 1, 1),
        (False, 1, 1),
        (True, 1, 1),
    ], "each picture has a path of its own"
    assert all(path["measured"]["zoom"][-1] == pytest.approx(path["asked"]["zoom"][-1], rel=0.05) for path in paths)


@pytest.mark.parametrize(
    "still",
    [default_moves()["static"].move, FORWARD.model_copy(update={"strength": 0.0})],
    ids=["static", "strength 0"],
)
def test_a_film_leads_from_a_start_frame_to_an_end_frame(folder: Path, still: CameraMove) -> None:
    """The first frame is the first picture, unchanged, and the last frame is the second picture."""
    frames, _ = film(folder, "a.png", "b.png", move=still)
    for frame, shown, other in ((frames[0], "a.png", "b.png"), (frames[-1], "b.png", "a.png")):
        alike, unlike = (
            np.abs(frame - from_rgb(as_bytes(cv2.resize(pictures.read(folder / name), (128, 72)))).y)
            for name in (shown, other)
        )
        assert alike.mean() < 3
        assert unlike.mean() > 20


def test_pictures_have_equal_durations_and_crossfade_for_half_a_second() -> None:
    shown = schedule(2, 120, 12)
    assert shown[0] == (0, 0, 0)
    assert shown[-1] == (1, 1, 0)
    assert [i for i, on in enumerate(shown) if on.amount > 0] == list(range(54, 66))
    assert [round(on.amount, 2) for on in shown[54:66:11]] == [0.04, 0.96]


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("pictures", [1, 2, 3, 4])
def test_every_picture_has_a_frame_alone_in_the_shortest_film(pictures: int, loop: bool) -> None:
    shown = schedule(pictures, 12, 6, loop)
    assert {on.picture for on in shown if on.amount == 0} == set(range(pictures))
    assert shown[0][:2] == (0, 0)
    assert shown[-1].following == (0 if loop else pictures - 1)
