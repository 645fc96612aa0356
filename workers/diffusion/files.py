"""The files of GPU engines: the model's frames in the size that the request asks for. The excess is cropped."""

from pathlib import Path

import cv2
import numpy as np

from shared.stages.requests import ImageGenerationJob, MotionTransferJob, VideoSynthesisJob
from workers.media.codecs import ClipWriter
from workers.media.planes import Bytes, Floats, as_bytes, from_rgb
from workers.media.scaling import Scale

_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def write_picture(path: Path, rgb: Bytes, request: ImageGenerationJob) -> Bytes:
    """Write a PNG of the request's size, and return its pixels."""
    rows, columns = rgb.shape[:2]
    scale = max(request.width / columns, request.height / rows)
    size = max(request.width, round(columns * scale)), max(request.height, round(rows * scale))
    whole = as_bytes(cv2.resize(rgb, size, interpolation=cv2.INTER_LANCZOS4 if scale > 1 else cv2.INTER_AREA))
    left, top = (size[0] - request.width) // 2, (size[1] - request.height) // 2
    made = whole[top : top + request.height, left : left + request.width]
    cv2.imwrite(str(path), cv2.cvtColor(made, cv2.COLOR_RGB2BGR), _FAST)
    return made


def write_depth(path: Path, nearness: Floats, request: ImageGenerationJob) -> None:
    """Write disparities 0..1 as a grey 16-bit PNG of the request's size."""
    near = cv2.resize(nearness, (request.width, request.height), interpolation=cv2.INTER_LINEAR)
    cv2.imwrite(str(path), (np.clip(near, 0, 1) * 65535).astype(np.uint16), _FAST)


def write_clip(path: Path, frames: Bytes, request: VideoSynthesisJob | MotionTransferJob, fps: int) -> int:
    """Write the frames of the request's duration as an MP4 of its size, and return their number."""
    scale = Scale(request.width, request.height)
    wanted = frames[: max(round(request.duration * fps), 1)]
    with ClipWriter(path, request.width, request.height, fps) as writer:
        for rgb in wanted:
            writer.write(scale(from_rgb(rgb)))
    return len(wanted)
