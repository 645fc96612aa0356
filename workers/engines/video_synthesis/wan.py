"""The `wan` engine: Wan2.2 TI2V 5B of Alibaba, a clip from a picture, on a GPU. It receives the move as words."""

from typing import Any

import numpy as np
from PIL import Image

from shared.stages.metadata import VideoSynthesisMetadata
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role
from workers.diffusion import wan_latents
from workers.diffusion.files import write_clip
from workers.diffusion.loading import load_runner
from workers.diffusion.sizes import working_frames, working_size
from workers.engines.contract import Output, StageResult, Workspace
from workers.media import pictures
from workers.media.planes import Bytes

_STEPS = 50  # the published example
_FPS = 24  # of its training
_USUAL_SECONDS = 5.0
_PIXELS, _MULTIPLE, _FRAMES_MULTIPLE = 1280 * 704, 32, 4


class Wan:
    """An engine that animates what the picture shows."""

    def load(self) -> None:
        """Load the weights, and compile the model at the size and duration of most films."""
        self._runner = load_runner("wan2.2-ti2v-5b", "WanImageToVideoPipeline", wan_latents.decodable, cacheable=True)
        self._runner.warm_up(_arguments(np.zeros((9, 16, 3), np.uint8), 16, 9, _USUAL_SECONDS))

    def run(self, request: VideoSynthesisJob, workspace: Workspace) -> StageResult:
        """Write `clip.mp4` of the request's size and duration, at the model's frame rate."""
        picture = pictures.read(workspace.fetch(request.image_url))
        move = request.move
        arguments = _arguments(picture, request.width, request.height, request.duration) | {
            "prompt": ", ".join(part for part in (request.prompt, move.prompt_phrase) if part),
            "negative_prompt": ", ".join(move.negatives),
        }
        frames = self._runner.run(arguments, seed=request.seed, steps=_STEPS, during=workspace)
        path = workspace.folder / "clip.mp4"
        metadata: VideoSynthesisMetadata = {"frames": write_clip(path, frames, request, _FPS), "fps": _FPS}
        workspace.progress(1.0)
        return StageResult((Output(Role.CLIP, path, "video/mp4"),), metadata)


def _arguments(picture: Bytes, width: int, height: int, seconds: float) -> dict[str, Any]:
    """Return the arguments of the pipeline without the words, for a clip of about this aspect ratio."""
    width, height = working_size(width, height, pixels=_PIXELS, multiple=_MULTIPLE)
    return {
        "image": Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS),
        "prompt": "",
        "width": width,
        "height": height,
        "num_frames": working_frames(seconds, _FPS, multiple=_FRAMES_MULTIPLE),
    }
