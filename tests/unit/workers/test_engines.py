"""Properties of all engines: they offer previews of their work, and they refuse extreme aspect ratios."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from shared.camera.move import CameraMove, Keyframe
from shared.stages.requests import (
    ImageGenerationJob,
    MotionTransferJob,
    PostProcessingJob,
    StageRequest,
    VideoSynthesisJob,
)
from tests.support.clips import driving_clip, picture
from workers.engines.contract import StageResult, Workspace
from workers.engines.image_generation.procedural import Procedural
from workers.engines.motion_transfer.transfer import Transfer
from workers.engines.post_processing.finish import Finish
from workers.engines.video_synthesis.parallax import Parallax
from workers.media.codecs import read_planes
from workers.media.planes import Bytes, as_bytes, to_rgb

SIZE = {"width": 160, "height": 90}
IDS = {"job_id": "job_1", "user_id": "usr_1"}
MOVE = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, dolly=1)))
FILM = {"preset_id": "dolly-in", "move": MOVE, "duration": 1, "fps": 12, "seed": 1, **SIZE}

REQUESTS: dict[str, tuple[Callable[..., StageResult], Callable[[Path], StageRequest]]] = {
    "procedural": (
        Procedural().run,
        lambda _: ImageGenerationJob.model_validate(
            {**IDS, "prompt": "a lighthouse at dusk", "aspect_ratio": "16:9", "seed": 3, **SIZE}
        ),
    ),
    "parallax": (
        Parallax().run,
        lambda folder: VideoSynthesisJob.model_validate(
            {**IDS, "image_url": str(picture(folder / "in.png", width=320, height=180)), "prompt": "", **FILM}
        ),
    ),
    "transfer": (
        Transfer().run,
        lambda folder: MotionTransferJob.model_validate(
            {
                **IDS,
                "video_url": "",
                "driving_url": str(driving_clip(folder / "driving.mp4", seconds=3)),
                "image_url": str(picture(folder / "in.png", width=320, height=180)),
                **FILM,
            }
        ),
    ),
    "finish": (
        Finish().run,
        lambda folder: PostProcessingJob.model_validate(
            {**IDS, "video_url": str(driving_clip(folder / "clip.mp4", seconds=1)), "seed": 1, **SIZE}
        ),
    ),
}


def last_picture(path: Path) -> Bytes:
    if path.suffix == ".png":
        return as_bytes(cv2.cvtColor(as_bytes(cv2.imread(str(path))), cv2.COLOR_BGR2RGB))
    return [to_rgb(planes) for planes in read_planes(path)][-1]


@pytest.mark.parametrize(("run", "request_of"), REQUESTS.values(), ids=REQUESTS.keys())
def test_the_last_preview_is_a_small_jpeg_of_the_output(
    tmp_path: Path, run: Callable[..., StageResult], request_of: Callable[[Path], StageRequest]
) -> None:
    previews: list[bytes] = []
    (tmp_path / "work").mkdir()
    workspace = Workspace(tmp_path / "work", Path, lambda _: None, lambda draw: previews.append(draw()))
    result = run(request_of(tmp_path), workspace)
    assert len(previews) >= 3
    assert all(preview.startswith(b"\xff\xd8\xff") and len(preview) < 40_000 for preview in previews)
    seen = as_bytes(cv2.cvtColor(as_bytes(cv2.imdecode(np.frombuffer(previews[-1], np.uint8), 1)), cv2.COLOR_BGR2RGB))
    assert seen.shape == (180, 320, 3)
    made = as_bytes(cv2.resize(last_picture(result.outputs[0].path), (320, 180)))
    assert np.abs(cv2.blur(seen, (9, 9)).astype(int) - cv2.blur(made, (9, 9))).mean() < 4


def test_the_painter_shows_the_sky_before_the_land(tmp_path: Path) -> None:
    previews: list[bytes] = []
    run, request_of = REQUESTS["procedural"]
    run(request_of(tmp_path), Workspace(tmp_path, Path, lambda _: None, lambda draw: previews.append(draw())))
    sky, land, done = (as_bytes(cv2.imdecode(np.frombuffer(preview, np.uint8), 1)).astype(int) for preview in previews)
    assert np.abs(sky[:40] - done[:40]).mean() < 12
    assert np.abs(sky[-40:] - done[-40:]).mean() > 2 * np.abs(land[-40:] - done[-40:]).mean()


@pytest.mark.parametrize(("width", "height"), [(8192, 64), (64, 8192), (1024, 255)])
def test_a_ratio_beyond_four_to_one_is_refused(tmp_path: Path, width: int, height: int) -> None:
    for _, request_of in REQUESTS.values():
        good = request_of(tmp_path)
        with pytest.raises(ValidationError, match="longer than 4:1"):
            type(good).model_validate(good.model_dump() | {"width": width, "height": height})
