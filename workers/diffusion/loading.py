"""Loading of an engine's pipeline. It imports torch only then, so a worker without a GPU can import every engine."""

from importlib import import_module
from typing import TYPE_CHECKING

from workers.diffusion.model_folder import model_folder

if TYPE_CHECKING:
    from workers.diffusion.runner import Latents, Runner


def load_runner(weights: str, pipeline: str, latents_of: "Latents") -> "Runner":
    """Return the runner of a class of diffusers with these weights. Raise WeightsUnavailable."""
    runner: Runner = import_module("workers.diffusion.runner").Runner(model_folder(weights), pipeline, latents_of)
    return runner
