"""The `flux2-klein` engine: FLUX.2 klein 4B of Black Forest Labs, a picture in 4 steps, on a GPU."""

from typing import Any

from shared.stages.metadata import ImageGenerationMetadata
from shared.stages.requests import ImageGenerationJob
from shared.stages.stages import Role
from workers.diffusion.files import write_depth, write_picture
from workers.diffusion.loading import load_runner
from workers.diffusion.sizes import working_size
from workers.engines.contract import Output, StageResult, Workspace
from workers.renderer.depth_model import nearness

_STEPS = 4  # the model is distilled for it
_PIXELS, _MULTIPLE = 1024 * 1024, 32


class Flux2Klein:
    """An engine that paints what the prompt says."""

    def load(self) -> None:
        """Load the weights, and compile the model at the size of most films."""
        self._runner = load_runner("flux2-klein-4b", "Flux2KleinPipeline", _latents)
        self._runner.warm_up(_arguments("", 16, 9))

    def run(self, request: ImageGenerationJob, workspace: Workspace) -> StageResult:
        """Write `picture.png` and `depth.png` of the request's size."""
        prompt = ", ".join(part for part in (request.prompt, request.style) if part)
        arguments = _arguments(prompt, request.width, request.height)
        [rgb] = self._runner.run(arguments, seed=request.seed, steps=_STEPS, during=workspace)
        metadata: ImageGenerationMetadata = {"painter": "FLUX.2 klein 4B, a trained model"}
        picture, depth = workspace.folder / "picture.png", workspace.folder / "depth.png"
        write_depth(depth, nearness(write_picture(picture, rgb, request)), request)
        workspace.progress(1.0)
        outputs = (Output(Role.PICTURE, picture, "image/png"), Output(Role.DEPTH, depth, "image/png"))
        return StageResult(outputs, metadata)


def _arguments(prompt: str, width: int, height: int) -> dict[str, Any]:
    """Return the arguments of the pipeline for a picture of about this aspect ratio."""
    width, height = working_size(width, height, pixels=_PIXELS, multiple=_MULTIPLE)
    return {"prompt": prompt, "width": width, "height": height}


def _latents(pipeline: Any, latents: Any, width: int, height: int) -> Any:
    """Return packed latents (batch, tokens, channels) as the VAE's: normalised back, and in their places."""
    side = 2 * pipeline.vae_scale_factor
    grid = latents.permute(0, 2, 1).unflatten(2, (height // side, width // side))
    norm = pipeline.vae.bn
    scale = (norm.running_var + pipeline.vae.config.batch_norm_eps).sqrt().view(1, -1, 1, 1)
    return pipeline._unpatchify_latents(grid * scale + norm.running_mean.view(1, -1, 1, 1))
