"""The `vace` engine: Wan2.1 VACE 1.3B of Alibaba, on a GPU. What the picture shows moves as in the driving clip.

The model receives the depth of each frame of the driving clip, and the picture as a reference. So the film has the
places, the motion and the camera of the driving clip, and the look of the picture.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from shared.camera.lowerings import dropped_axes
from shared.stages.failures import StageFailure
from shared.stages.metadata import MotionTransferMetadata
from shared.stages.requests import MotionTransferJob, check_driving_seconds
from shared.stages.stages import Role
from workers.diffusion import wan_latents
from workers.diffusion.files import write_clip
from workers.diffusion.loading import load_runner
from workers.diffusion.sizes import working_frames, working_size
from workers.engines.contract import Output, StageResult, Workspace
from workers.media import pictures
from workers.media.codecs import evenly, read_timed
from workers.media.planes import Bytes, as_bytes, to_rgb
from workers.media.probe import probe
from workers.media.scaling import Scale
from workers.media.unreadable import Unreadable
from workers.renderer.depth_model import nearness

_STEPS = 30  # the published example
_GUIDANCE = 5.0  # the published example
_FPS = 16  # of its training
_USUAL_SECONDS = 5.0
_PIXELS, _MULTIPLE, _FRAMES_MULTIPLE = 832 * 480, 16, 4
_MEASURED = 0.02  # progress when the depth of all frames is known


class Vace:
    """An engine that copies the motion of a driving clip."""

    def load(self) -> None:
        """Load the weights, and compile the model at the size and duration of most films."""
        self._runner = load_runner("wan2.1-vace-1.3b", "WanVACEPipeline", _latents)
        width, height = _size(16, 9)
        black = Image.new("RGB", (width, height))
        frames = working_frames(_USUAL_SECONDS, _FPS, multiple=_FRAMES_MULTIPLE)
        self._runner.warm_up(_arguments([black] * frames, black))

    def run(self, request: MotionTransferJob, workspace: Workspace) -> StageResult:
        """Write `clip.mp4` of the request's size and duration, at the model's frame rate.

        Raise StageFailure `driving_clip_...` if the driving clip cannot be used.
        """
        width, height = _size(request.width, request.height)
        frames = working_frames(request.duration, _FPS, multiple=_FRAMES_MULTIPLE)
        depths = []
        for rgb in _driving(workspace.fetch(request.driving_url), frames, (width, height)):
            near = as_bytes(np.rint(nearness(rgb) * 255))
            depths.append(Image.fromarray(near).convert("RGB").resize((width, height)))
            workspace.progress(_MEASURED * len(depths) / frames)
        picture = Image.fromarray(pictures.read(workspace.fetch(request.image_url)))
        arguments = _arguments(depths, picture) | {
            "prompt": request.prompt or "",
            "negative_prompt": ", ".join(request.move.negatives),
        }
        made = self._runner.run(arguments, seed=request.seed, steps=_STEPS, during=workspace)
        path = workspace.folder / "clip.mp4"
        metadata: MotionTransferMetadata = {"frames": write_clip(path, made, request, _FPS), "fps": _FPS}
        if dropped := dropped_axes(request.move, frozenset()):
            metadata["droppedAxes"] = sorted(dropped)
        workspace.progress(1.0)
        return StageResult((Output(Role.CLIP, path, "video/mp4"),), metadata)


def _size(width: int, height: int) -> tuple[int, int]:
    return working_size(width, height, pixels=_PIXELS, multiple=_MULTIPLE)


def _arguments(depths: list[Image.Image], picture: Image.Image) -> dict[str, Any]:
    """Return the arguments of the pipeline without the words. The clip has the size of the depth maps."""
    width, height = depths[0].size
    return {
        "video": depths,
        "reference_images": [picture.resize((width, height), Image.Resampling.LANCZOS)],
        "prompt": "",
        "guidance_scale": _GUIDANCE,
        "width": width,
        "height": height,
        "num_frames": len(depths),
    }


def _driving(path: Path, frames: int, size: tuple[int, int]) -> Iterator[Bytes]:
    """Yield the clip's first `frames` frames at the model's rate, cropped to `size`. The last frame is repeated."""
    try:
        check_driving_seconds(probe(path).duration_seconds)
        scale = Scale(*size)
        for planes in evenly(read_timed(path), Fraction(_FPS), frames / _FPS):
            yield to_rgb(scale(planes))
    except Unreadable as unreadable:
        sentence = unreadable.public_message.replace("clip", "driving clip", 1)
        raise StageFailure(f"driving_{unreadable.code}", sentence) from unreadable


def _latents(pipeline: Any, latents: Any, width: int, height: int) -> Any:
    """Return the latents of the clip. Those of the reference come before them."""
    return wan_latents.decodable(pipeline, latents[:, :, 1:], width, height)
