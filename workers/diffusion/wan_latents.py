"""Latents of the Wan models."""

from typing import Any


def decodable(pipeline: Any, latents: Any, _width: int, _height: int) -> Any:
    """Return the latents as the VAE's: its configuration has their mean and deviation per channel."""
    config = pipeline.vae.config
    mean, deviation = (
        latents.new_tensor(each).view(1, -1, 1, 1, 1) for each in (config.latents_mean, config.latents_std)
    )
    return (latents * deviation + mean).to(pipeline.vae.dtype)
