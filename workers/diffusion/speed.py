"""Faster denoising on a GPU, by what `bench.gpu` measured (ADR 41): compiled blocks. FP8 and the first-block cache are
the operator's choice.

Nothing here changes shapes, so a block is compiled once for each frame size.
"""

from importlib.util import find_spec
from typing import Any

import torch
from diffusers import FirstBlockCacheConfig

# Attention of packages that an operator can add. Without them torch's own is used: cuDNN's was not faster.
_ATTENTION = (("flash_attn_interface", "_flash_3"), ("sageattention", "sage"))
_FP8_MULTIPLE = 16  # torch._scaled_mm needs both sides of a weight to be multiples of it
_FP8_MAX = 448.0  # largest number of float8_e4m3fn
_FP8_SINCE = (8, 9)  # the first compute capability with FP8 products


def denoiser(pipeline: Any) -> Any:
    """Return the model that a pipeline runs at each step."""
    return getattr(pipeline, "transformer", None) or pipeline.unet


def prepare(pipeline: Any) -> None:
    """Use TF32 in fp32 layers, cuDNN's fastest kernels, channels-last convolutions, and an installed attention.

    Channels-last makes an eager U-Net slower, and a compiled one faster.
    """
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    for model in (pipeline.vae, denoiser(pipeline)):
        for layer in model.modules():
            if isinstance(layer, torch.nn.Conv2d):
                layer.to(memory_format=torch.channels_last)
            elif isinstance(layer, torch.nn.Conv3d):
                layer.to(memory_format=torch.channels_last_3d)
    backend = next((backend for package, backend in _ATTENTION if find_spec(package)), None)
    if backend and torch.cuda.is_available():
        denoiser(pipeline).set_attention_backend(backend)


def compile_blocks(pipeline: Any, backend: str = "inductor") -> None:
    """Compile the denoiser's repeated blocks. Compiling the whole model takes minutes instead of seconds."""
    denoiser(pipeline).compile_repeated_blocks(dynamic=False, backend=backend)


def compile_forwards(pipeline: Any, backend: Any = "inductor") -> None:
    """Compile the blocks before the cache adds hooks to them: with a hook, each block would be compiled on its own."""
    for block in _repeated_blocks(denoiser(pipeline)):
        block.forward = torch.compile(block.forward, dynamic=False, backend=backend)


def _repeated_blocks(model: Any) -> list[Any]:
    return [module for module in model.modules() if type(module).__name__ in model._repeated_blocks]


def cache_first_block(pipeline: Any) -> None:
    """Skip the other blocks in a step in which the first block changes its input almost as in the step before.

    It pays with many steps (from 20), and needs blocks in one row. VACE adds to the states between its blocks.
    """
    denoiser(pipeline).enable_cache(FirstBlockCacheConfig())


class Fp8Linear(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where mypy runs
    """A linear layer in FP8: one scale for each row of the weight, and for each token of the input."""

    def __init__(self, linear: Any) -> None:
        super().__init__()
        scale = linear.weight.abs().amax(dim=1, keepdim=True).float().clamp(min=1e-12) / _FP8_MAX
        self.register_buffer("weight", (linear.weight / scale).to(torch.float8_e4m3fn))
        self.register_buffer("scale", scale.t().contiguous())
        self.bias = linear.bias

    def forward(self, x: Any) -> Any:
        rows = x.reshape(-1, x.shape[-1])
        scale = rows.abs().amax(dim=1, keepdim=True).float().clamp(min=1e-12) / _FP8_MAX
        product = torch._scaled_mm(  # torch's public name for it, torch.nn.functional.scaled_mm, is newer than 2.11
            (rows / scale).to(torch.float8_e4m3fn),
            self.weight.t(),
            scale_a=scale,
            scale_b=self.scale,
            bias=self.bias,
            out_dtype=x.dtype,
            use_fast_accum=True,
        )
        return product.reshape(*x.shape[:-1], -1)


def use_fp8(pipeline: Any) -> int:
    """Replace the linear layers in a transformer's repeated blocks by FP8 layers, and return their number.

    A U-Net, whose layers are small, was slower with them. It keeps its layers, as does a GPU without such products.
    """
    model, replaced = getattr(pipeline, "transformer", None), 0
    if model is None or torch.cuda.get_device_capability() < _FP8_SINCE:
        return 0
    for block in _repeated_blocks(model):
        for name, layer in list(block.named_modules()):
            if isinstance(layer, torch.nn.Linear) and all(side % _FP8_MULTIPLE == 0 for side in layer.weight.shape):
                block.set_submodule(name, Fp8Linear(layer))
                replaced += 1
    return replaced
