from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from shared.camera.move import CameraMove, Keyframe
from shared.stages.failures import StageFailure
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role
from workers.engines.contract import Stopped, Workspace
from workers.engines.video_synthesis.parallax import Parallax
from workers.media.scenery import Scenery


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture = np.random.default_rng(0).integers(0, 255, (90, 160, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "picture.png"), picture)
    cv2.imwrite(str(tmp_path / "depth.png"), np.tile(np.arange(0, 65535, 800, dtype=np.uint16)[:80, None], (1, 160)))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG not really")
    (tmp_path / "empty.png").write_bytes(b"")
    return tmp_path


def request(image: str = "picture.png", depth: str | None = "depth.png") -> VideoSynthesisJob:
    return VideoSynthesisJob(
        job_id="job_1",
        user_id="usr_1",
        image_url=image,
        depth_url=depth,
        prompt="",
        preset_id="dolly-in",
        move=CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, dolly=1))),
        duration=1,
        width=128,
        height=72,
        fps=12,
        seed=1,
    )


@pytest.mark.parametrize("content", [b"PK not really", None])
def test_unusable_scenery_fails_with_its_own_code(folder: Path, content: bytes | None) -> None:
    if content is None:  # scenery of another picture
        other = np.zeros((72, 128, 3), np.uint8)
        Scenery(other, np.zeros((72, 128), np.float32), ()).save(folder)
    else:
        (folder / "scenery.zip").write_bytes(content)
    with_scenery = request().model_copy(update={"scenery_url": "scenery.zip"})
    with pytest.raises(StageFailure) as failed:
        Parallax().run(with_scenery, workspace(folder, []))
    assert failed.value.code == "scenery_unreadable"


def workspace(folder: Path, progress: list[float]) -> Workspace:
    return Workspace(folder=folder, fetch=lambda url: folder / url, progress=progress.append)


@pytest.mark.parametrize(("depth", "reported"), [("depth.png", "given"), (None, "estimated")])
def test_a_clip_has_every_frame_and_reports_each(folder: Path, depth: str | None, reported: str) -> None:
    progress: list[float] = []
    result = Parallax().run(request(depth=depth), workspace(folder, progress))
    (clip,) = result.outputs
    assert (clip.role, clip.media_type) == (Role.CLIP, "video/mp4")
    with av.open(str(clip.path)) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == len(progress) == result.metrics["frames"] == 12
    assert progress == pytest.approx([(i + 1) / 12 for i in range(12)])
    assert frames[0].shape == (72, 128)
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 2
    assert result.metrics["depth"] == reported


@pytest.mark.parametrize(
    ("image", "depth", "code"),
    [
        ("broken.png", None, "picture_unreadable"),
        ("empty.png", None, "picture_unreadable"),
        ("picture.png", "broken.png", "depth_unreadable"),
    ],
)
def test_an_unreadable_input_is_a_final_failure(folder: Path, image: str, depth: str | None, code: str) -> None:
    with pytest.raises(StageFailure) as failure:
        Parallax().run(request(image, depth), workspace(folder, []))
    assert (failure.value.code, failure.value.retryable) == (code, False)


def test_a_stopped_run_ends_at_once_and_leaves_no_clip(folder: Path) -> None:
    reported: list[float] = []

    def stop(fraction: float) -> None:
        reported.append(fraction)
        raise Stopped

    with pytest.raises(Stopped):
        Parallax().run(request(), Workspace(folder=folder, fetch=lambda url: folder / url, progress=stop))
    assert len(reported) == 1
    assert not (folder / "clip.mp4").exists()
