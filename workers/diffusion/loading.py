"""Loading of an engine's pipeline. It imports torch only then, so a worker without a GPU can import every engine."""

from typing import TYPE_CHECKING

from workers.diffusion.model_folder import model_folder

if TYPE_CHECKING:
    from workers.diffusion.enlarger import Enlarger
    from workers.diffusion.runner import Latents, PipelineRunner


def load_runner(weights: str, pipeline: str, latents_of: "Latents", *, cacheable: bool = False) -> "PipelineRunner":
    """Return the runner of a class of diffusers with these weights. Raise WeightsUnavailable."""
    folder = model_folder(weights)
    from workers.diffusion.runner import PipelineRunner  # noqa: PLC0415  # it imports torch

    return PipelineRunner(folder, pipeline, latents_of, cacheable=cacheable)


def load_enlarger(weights: str) -> "Enlarger":
    """Return the enlarger with these weights. Raise WeightsUnavailable."""
    folder = model_folder(weights)
    from workers.diffusion.enlarger import Enlarger  # noqa: PLC0415  # it imports torch

    return Enlarger(folder)
