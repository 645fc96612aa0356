"""Motion transfer from a driving clip to a clip with the same camera path."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from shared.camera.move import CameraMove, Keyframe
from shared.stages.failures import StageFailure
from shared.stages.requests import MotionTransferJob, TransferMode
from tests.unit.workers.motion.test_camera_path import HEIGHT, WIDTH, alike, filmed, known_path, straight, wall
from workers.engines.contract import StageResult, Workspace
from workers.engines.motion_transfer.transfer import Transfer
from workers.media.codecs import ClipWriter, read_planes, remux
from workers.media.planes import Bytes, Planes
from workers.media.probe import probe
from workers.motion import camera_path


def clip_of(lumas: Iterable[Bytes], path: Path, fps: int = 30) -> Path:
    grey = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    with ClipWriter(path, WIDTH, HEIGHT, fps) as writer:
        for luma in lumas:
            writer.write(Planes(luma, grey, grey))
    return path


def transfer(driving: Path, folder: Path, mode: TransferMode = "stabilised") -> StageResult:
    """Transfer the motion to a picture of constant depth, so that the clip shows the camera path without parallax."""
    cv2.imwrite(str(folder / "picture.png"), wall())
    cv2.imwrite(str(folder / "depth.png"), np.full((HEIGHT, WIDTH), 32768, np.uint16))
    here = {"s3://m/driving": driving, "s3://m/picture": folder / "picture.png", "s3://m/depth": folder / "depth.png"}
    (folder / "work").mkdir()
    request = MotionTransferJob(
        job_id="job_1",
        user_id="usr_1",
        video_url="s3://m/clip",
        mode=mode,
        driving_url="s3://m/driving",
        image_url="s3://m/picture",
        depth_url="s3://m/depth",
        preset_id="driven",
        move=CameraMove(keyframes=(Keyframe(at=0),), needs_driving_clip=True),
        duration=1.5,
        width=WIDTH,
        height=HEIGHT,
        fps=24,
        seed=1,
    )
    return Transfer().run(request, Workspace(folder / "work", here.__getitem__, lambda _: None))


def test_the_clip_moves_as_the_driving_clip_did(tmp_path: Path) -> None:
    known = known_path(90)
    result = transfer(clip_of(filmed(known), tmp_path / "driving.mp4"), tmp_path)

    clip = result.outputs[0].path
    facts = probe(clip)
    assert (facts.width, facts.height, facts.frames, float(facts.fps)) == (WIDTH, HEIGHT, 36, 24)
    found = camera_path.accumulate(camera_path.estimate(camera_path.tracked(read_planes(clip))))
    at = np.linspace(0, 89, 36)
    for axis in ("dx", "dy", "scale", "rotation"):
        assert alike(getattr(found, axis), np.interp(at, np.arange(90), getattr(known, axis))) > 0.95, axis
    assert result.metrics["frames"] == 36
    assert float(str(result.metrics["inlierRatio"])) > 0.8
    assert float(str(result.metrics["pathLength"])) == pytest.approx(known.length(), rel=0.05)


def test_handheld_shake_has_its_filmed_size_in_a_film_with_a_base_zoom(tmp_path: Path) -> None:
    """A pan over half a frame needs a base zoom. The zoom does not magnify the shake, of 3 Hz."""
    shake = 0.006 * np.sin(2 * np.pi * 3 * np.arange(90) / 30)
    driving = clip_of(filmed(straight(np.linspace(-0.25, 0.25, 90) + shake)), tmp_path / "driving.mp4")
    clip = transfer(driving, tmp_path, "handheld").outputs[0].path
    found = camera_path.accumulate(camera_path.estimate(camera_path.tracked(read_planes(clip)))).dx[6:-6]
    times = np.arange(len(found)) / 24
    waves = np.stack([np.sin(2 * np.pi * 3 * times), np.cos(2 * np.pi * 3 * times), *(times**n for n in range(4))])
    sine, cosine = np.linalg.lstsq(waves.T, found, rcond=None)[0][:2]
    assert np.hypot(sine, cosine) == pytest.approx(0.006, rel=0.15)


def test_unusable_driving_clips_are_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (30, HEIGHT, WIDTH), np.uint8)
    still = np.zeros(30)
    text, whole = tmp_path / "text.mp4", tmp_path / "whole.mp4"
    text.write_text("not a clip")
    remux(clip_of(filmed(straight(still)), tmp_path / "clip.mp4", fps=10), whole, "+faststart")
    half = tmp_path / "half.mp4"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    refused = {
        "driving_clip_unusable": clip_of(noise, tmp_path / "noise.mp4", fps=10),
        "driving_clip_still": whole,
        "driving_clip_too_short": clip_of(filmed(straight(still[:28])), tmp_path / "short.mp4", fps=10),
        "driving_clip_too_long": clip_of(filmed(straight(np.zeros(31))), tmp_path / "long.mp4", fps=1),
        "driving_clip_unreadable": text,
        "driving_clip_truncated": half,
    }
    for code, driving in refused.items():
        folder = tmp_path / code
        folder.mkdir()
        with pytest.raises(StageFailure) as failure:
            transfer(driving, folder)
        assert failure.value.code == code
        assert not failure.value.retryable
        assert "driving clip" in failure.value.public_message


def test_the_path_of_an_uneven_recording_follows_its_timestamps(tmp_path: Path) -> None:
    """A screen recorder writes a frame only on a change. Here a steady motion has fewer frames in its second half."""
    times = [*range(45), *range(45, 90, 5), 89]
    walk = straight(np.array([0.12 * time / 89 for time in times]))
    with av.open(str(tmp_path / "driving.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "10", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 30)
        for time, luma in zip(times, filmed(walk), strict=True):
            frame = av.VideoFrame.from_ndarray(luma, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = time, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    result = transfer(tmp_path / "driving.mp4", tmp_path)
    found = camera_path.accumulate(camera_path.estimate(camera_path.tracked(read_planes(result.outputs[0].path)))).dx
    assert (found[18] - found[0]) / (found[-1] - found[0]) == pytest.approx(0.5, abs=0.08)
