"""The `sana-wm` engine: SANA-WM of NVIDIA, a clip along a camera path that it receives as matrices, on a GPU.

Only its first stage runs. The second stage, a refiner, has weights that derive from LTX-2.
"""

from typing import Any

import numpy as np
from PIL import Image

from shared.camera.lowerings import dropped_axes
from shared.camera.move import Pose
from shared.stages.engines import engine
from shared.stages.metadata import VideoSynthesisMetadata
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role, Stage
from workers.diffusion.files import write_clip
from workers.diffusion.loading import load_runner
from workers.diffusion.sizes import working_frames, working_size
from workers.engines.contract import Output, StageResult, Workspace
from workers.media import pictures
from workers.media.planes import Bytes
from workers.motion.camera_matrices import camera_matrices
from workers.renderer.path import camera_path

_STEPS = 60  # the published example
_FPS = 16  # of its training
_USUAL_SECONDS = 5.0
_PIXELS, _MULTIPLE, _FRAMES_MULTIPLE = 1280 * 704, 32, 8


class SanaWm:
    """An engine that takes the keyframes literally."""

    def load(self) -> None:
        """Load the weights, and compile the model at the size and duration of most films."""
        self._runner = load_runner("sana-wm", "SanaWMPipeline", _latents)
        usual = [Pose()] * round(_USUAL_SECONDS * _FPS)
        self._runner.warm_up(_arguments(np.zeros((9, 16, 3), np.uint8), 16, 9, usual))

    def run(self, request: VideoSynthesisJob, workspace: Workspace) -> StageResult:
        """Write `clip.mp4` of the request's size and duration, at the model's frame rate."""
        picture = pictures.read(workspace.fetch(request.image_url))
        asked = max(round(request.duration * _FPS), 1)
        poses = camera_path(request.move, asked, _FPS, request.loop)
        arguments = _arguments(picture, request.width, request.height, poses) | {
            "prompt": request.prompt,
            "negative_prompt": ", ".join(request.move.negatives),
        }
        made = self._runner.run(arguments, seed=request.seed, steps=_STEPS, during=workspace)
        path = workspace.folder / "clip.mp4"
        metadata: VideoSynthesisMetadata = {"frames": write_clip(path, made, request, _FPS), "fps": _FPS}
        if dropped := dropped_axes(request.move, engine(Stage.VIDEO_SYNTHESIS, "sana-wm").axes):
            metadata["droppedAxes"] = sorted(dropped)
        workspace.progress(1.0)
        return StageResult((Output(Role.CLIP, path, "video/mp4"),), metadata)


def _arguments(picture: Bytes, width: int, height: int, poses: list[Pose]) -> dict[str, Any]:
    """Return the arguments of the pipeline without the words, for a clip of about this aspect ratio."""
    width, height = working_size(width, height, pixels=_PIXELS, multiple=_MULTIPLE)
    frames = working_frames(len(poses) / _FPS, _FPS, multiple=_FRAMES_MULTIPLE)
    poses = poses + poses[-1:] * (frames - len(poses))  # the model needs a multiple of 8; the clip is cut later
    cameras, lenses = camera_matrices(poses, width, height)
    return {
        "image": Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS),
        "prompt": "",
        "c2w": cameras,
        "intrinsics": lenses,
        "width": width,
        "height": height,
        "num_frames": frames,
    }


def _latents(pipeline: Any, latents: Any, _width: int, _height: int) -> Any:
    vae = pipeline.vae
    mean, deviation = (each.view(1, -1, 1, 1, 1) for each in (vae.latents_mean, vae.latents_std))
    return latents / vae.config.scaling_factor * deviation + mean
