"""Runs a pipeline of diffusers as an engine: loading, progress, previews, cancellation, and too little memory.

Only this module and `speed` import torch, so that the catalogue's engines can be imported without it.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

os.environ["HF_HUB_OFFLINE"] = "1"  # read when the hub's library is imported: loading never asks a hub

import diffusers
import numpy as np
import torch

from shared.core.config import Config
from shared.observability import logger
from shared.stages.failures import StageFailure
from workers.diffusion import speed
from workers.diffusion.model_folder import WeightsUnavailable
from workers.media.planes import Bytes, as_bytes
from workers.media.previews import small_jpeg_of

Latents = Callable[[Any, Any, int, int], Any]
"""A function from a pipeline, its latents at a step, and the width and height to what its VAE decodes."""

_TILES = (512, 256, 128)  # sides of the VAE's tiles in pixels, after each lack of memory
_PREVIEW_PIXELS = 256  # a preview decodes latents of about this width
_WARM_UP_STEPS = 2
_NO_PICTURE = "engine_crashed"  # the code of a failure
_BEFORE, _AFTER = 0.02, 0.9  # progress at the first and after the last step; the rest is decoding


class Watcher(Protocol):
    """The observer of a run: the workspace of an engine."""

    @property
    def progress(self) -> Callable[[float], None]: ...

    @property
    def preview(self) -> Callable[[Callable[[], bytes]], None]: ...


class _Nobody:
    """The observer of a run that no job has asked for."""

    def progress(self, _fraction: float) -> None:
        """Report nothing."""

    def preview(self, _draw: Callable[[], bytes]) -> None:
        """Draw nothing."""


class SpeedConfig(Config):
    """The operator's choices of speed over equal pictures."""

    fp8: bool = False
    first_block_cache: bool = False


class PipelineRunner:
    """A loaded pipeline. `latents_of` prepares its latents for the VAE, for previews.

    `cacheable` says that the first-block cache fits the model.
    """

    def __init__(self, folder: Path, pipeline: str, latents_of: Latents, *, cacheable: bool = False) -> None:
        self._latents_of = latents_of
        self._tiles = list(_TILES)
        self._on_gpu = torch.cuda.is_available()
        self.pipeline: Any = getattr(diffusers, pipeline).from_pretrained(
            str(folder),
            torch_dtype=torch.bfloat16 if self._on_gpu else torch.float32,
            local_files_only=True,
            use_safetensors=True,  # other weights are pickles, which can run code
        )
        self.pipeline.set_progress_bar_config(disable=True)
        self._cached = cacheable and SpeedConfig().first_block_cache
        if self._on_gpu:
            self.pipeline.to("cuda")
            speed.prepare(self.pipeline)
            if SpeedConfig().fp8:
                speed.use_fp8(self.pipeline)
            (speed.compile_forwards if self._cached else speed.compile_blocks)(self.pipeline)
        if self._cached:
            speed.cache_first_block(self.pipeline)

    def warm_up(self, arguments: Mapping[str, Any]) -> None:
        """Compile the model for these arguments with a short run, so that no creator waits for the compiler.

        Do nothing on a CPU, where nothing is compiled. Raise WeightsUnavailable if the model makes no numbers. Any
        other failure does not prevent a later run, and is logged.
        """
        if not self._on_gpu:
            return
        try:
            self.run(arguments, seed=0, steps=_WARM_UP_STEPS, during=_Nobody())
        except StageFailure as failure:
            if failure.code == _NO_PICTURE:
                raise WeightsUnavailable(f"{failure.public_message} Its weights are damaged.") from failure
            logger.warning("warm-up failed", code=failure.code)
        except Exception:  # noqa: BLE001  # errors of a compiler have no common base class
            logger.exception("warm-up failed")

    def run(self, arguments: Mapping[str, Any], *, seed: int, steps: int, during: Watcher) -> Bytes:
        """Return the frames (frames x height x width x RGB). The same seed gives the same noise on every machine.

        Raise StageFailure `out_of_memory`, after which the next run decodes in smaller tiles.
        """
        width, height = arguments["width"], arguments["height"]

        def after_step(pipeline: Any, step: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            during.progress(_BEFORE + (_AFTER - _BEFORE) * (step + 1) / steps)
            during.preview(lambda: self._preview(pipeline, tensors["latents"], width, height))
            return tensors

        during.progress(_BEFORE)
        if self._cached:  # a cancelled run leaves its values
            speed.denoiser(self.pipeline)._reset_stateful_cache()
        try:
            made = self.pipeline(
                **arguments,
                num_inference_steps=steps,
                generator=torch.Generator("cpu").manual_seed(seed),
                output_type="np",
                callback_on_step_end=after_step,
            )
        except torch.OutOfMemoryError as error:
            raise self._out_of_memory() from error
        frames = np.asarray(made.images if "images" in made else made.frames, np.float32).reshape(-1, height, width, 3)
        if not np.isfinite(frames).all():
            raise StageFailure(_NO_PICTURE, "The model made no usable picture.", retryable=True)
        return as_bytes(np.clip(frames * 255 + 0.5, 0, 255))

    def _out_of_memory(self) -> StageFailure:
        torch.cuda.empty_cache()
        message = "The GPU had too little memory for this size."
        if not self._tiles:
            return StageFailure("out_of_memory", message)
        side = self._tiles.pop(0)
        logger.warning("out of memory", tiles=side)
        _tile(self.pipeline.vae, side)
        return StageFailure("out_of_memory", message, retryable=True)

    def _preview(self, pipeline: Any, latents: Any, width: int, height: int) -> bytes:
        """Return the small JPEG of a step: its latents, shrunk and decoded. Of a clip, the first frame."""
        with torch.no_grad():
            whole = self._latents_of(pipeline, latents, width, height)
            flat = whole[:1, :, 0] if whole.ndim == 5 else whole[:1]
            shrink = min(1.0, _PREVIEW_PIXELS / width)
            small = torch.nn.functional.interpolate(flat.float(), scale_factor=shrink, mode="area").to(whole.dtype)
            decoded = pipeline.vae.decode(small[:, :, None] if whole.ndim == 5 else small, return_dict=False)[0]
        picture = (decoded[0, :, 0] if decoded.ndim == 5 else decoded[0]).float().permute(1, 2, 0) / 2 + 0.5
        return small_jpeg_of(as_bytes(np.clip(np.nan_to_num(picture.cpu().numpy()) * 255, 0, 255)))


def _tile(vae: Any, side: int) -> None:
    """Let the VAE decode in tiles of `side` pixels. Tiles overlap by a quarter."""
    vae.enable_tiling()
    if hasattr(vae, "tile_sample_min_size"):  # pictures
        ratio = 2 ** (len(vae.config.block_out_channels) - 1)
        vae.tile_sample_min_size, vae.tile_latent_min_size = side, max(1, side // ratio)
        return
    vae.tile_sample_min_height = vae.tile_sample_min_width = side
    vae.tile_sample_stride_height = vae.tile_sample_stride_width = side * 3 // 4
