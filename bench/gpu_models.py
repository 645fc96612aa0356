"""Pipelines of diffusers with random weights: in the sizes of the published models, or tiny for tests on a CPU.

The sizes are those of the models' configuration files. Weights decide what a picture shows, and not how long a step
takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import diffusers
import torch

_SDXL_UNET = {
    "sample_size": 128,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (320, 640, 1280),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
_KL = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
}
_TINY_KL = _KL | {"block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 4}
_WAN_VAE = {
    "base_dim": 160,
    "decoder_base_dim": 256,
    "z_dim": 48,
    "is_residual": True,
    "in_channels": 12,
    "out_channels": 12,
    "patch_size": 2,
    "scale_factor_spatial": 16,
    "latents_mean": [0.0] * 48,
    "latents_std": [1.0] * 48,
}
_LTX2_RATIOS = {"spatial_compression_ratio": 32, "temporal_compression_ratio": 8}
_TINY_LTX2 = _LTX2_RATIOS | {
    "latent_channels": 8,
    "block_out_channels": (8, 8, 8, 8),
    "decoder_block_out_channels": (8, 16, 32),
    "layers_per_block": (1, 1, 1, 1, 1),
    "decoder_layers_per_block": (1, 1, 1, 1),
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The configurations of a pipeline's denoiser and VAE, each in the published size and tiny."""

    pipeline: str
    denoiser: str  # class
    published: Mapping[str, Any]
    tiny: Mapping[str, Any]
    vae: str  # class
    published_vae: Mapping[str, Any]
    tiny_vae: Mapping[str, Any]
    scheduler: str
    scheduler_options: Mapping[str, Any]
    options: Mapping[str, Any]  # of the pipeline


SIZES: Mapping[str, Sizes] = {
    "flux2-klein-4b": Sizes(
        pipeline="Flux2KleinPipeline",
        denoiser="Flux2Transformer2DModel",
        published={
            "num_layers": 5,
            "num_single_layers": 20,
            "num_attention_heads": 24,
            "joint_attention_dim": 7680,
            "guidance_embeds": False,
        },
        tiny={
            "in_channels": 32,
            "num_layers": 1,
            "num_single_layers": 1,
            "attention_head_dim": 16,
            "num_attention_heads": 2,
            "joint_attention_dim": 48,
            "axes_dims_rope": (4, 4, 4, 4),
            "guidance_embeds": False,
        },
        vae="AutoencoderKLFlux2",
        published_vae={},
        tiny_vae=_TINY_KL | {"latent_channels": 8},
        scheduler="FlowMatchEulerDiscreteScheduler",
        scheduler_options={"use_dynamic_shifting": True},
        options={"is_distilled": True},
    ),
    "sdxl": Sizes(
        pipeline="StableDiffusionXLPipeline",
        denoiser="UNet2DConditionModel",
        published=_SDXL_UNET,
        tiny=_SDXL_UNET
        | {
            "block_out_channels": (16, 32, 32),
            "transformer_layers_per_block": (1, 1, 1),
            "attention_head_dim": (2, 4, 4),
            "layers_per_block": 1,
            "norm_num_groups": 8,
            "cross_attention_dim": 32,
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 64,
        },
        vae="AutoencoderKL",
        published_vae=_KL | {"scaling_factor": 0.13025},
        tiny_vae=_TINY_KL | {"scaling_factor": 0.13025},
        scheduler="EulerDiscreteScheduler",
        scheduler_options={"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
        options={},
    ),
    "wan2.2-ti2v-5b": Sizes(
        pipeline="WanImageToVideoPipeline",
        denoiser="WanTransformer3DModel",
        published={
            "num_attention_heads": 24,
            "in_channels": 48,
            "out_channels": 48,
            "ffn_dim": 14336,
            "num_layers": 30,
        },
        tiny={
            "num_attention_heads": 2,
            "attention_head_dim": 12,
            "in_channels": 48,
            "out_channels": 48,
            "text_dim": 16,
            "ffn_dim": 32,
            "num_layers": 2,
        },
        vae="AutoencoderKLWan",
        published_vae=_WAN_VAE,
        tiny_vae=_WAN_VAE | {"base_dim": 8, "decoder_base_dim": 8, "num_res_blocks": 1},
        scheduler="UniPCMultistepScheduler",
        scheduler_options={"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 5.0},
        options={"expand_timesteps": True},
    ),
    "wan2.1-vace-1.3b": Sizes(
        pipeline="WanVACEPipeline",
        denoiser="WanVACETransformer3DModel",
        published={
            "num_attention_heads": 12,
            "ffn_dim": 8960,
            "num_layers": 30,
            "vace_layers": list(range(0, 30, 2)),
        },
        tiny={
            "num_attention_heads": 2,
            "attention_head_dim": 12,
            "text_dim": 16,
            "ffn_dim": 32,
            "num_layers": 2,
            "vace_layers": [0],
        },
        vae="AutoencoderKLWan",
        published_vae={},
        tiny_vae={"base_dim": 8, "num_res_blocks": 1},
        scheduler="UniPCMultistepScheduler",
        scheduler_options={"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0},
        options={},
    ),
    "sana-wm": Sizes(
        pipeline="SanaWMPipeline",
        denoiser="SanaWMTransformer3DModel",
        published={},
        tiny={
            "in_channels": 8,
            "num_layers": 2,
            "hidden_size": 32,
            "num_attention_heads": 2,
            "linear_head_dim": 16,
            "softmax_every_n": 2,
            "chunk_plucker_post_attn_blocks": 2,
            "caption_channels": 16,
        },
        vae="AutoencoderKLLTX2Video",
        published_vae=_LTX2_RATIOS,
        tiny_vae=_TINY_LTX2,
        scheduler="FlowMatchEulerDiscreteScheduler",
        scheduler_options={},
        options={},
    ),
}


def random_pipeline(
    name: str, *, tiny: bool, device: str = "cpu", dtype: Any = torch.float32, words: Mapping[str, Any] | None = None
) -> Any:
    """Return the pipeline with random weights. `words` are its text encoders and tokenizers; None leaves them out."""
    sizes = SIZES[name]
    pipeline = getattr(diffusers, sizes.pipeline)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)  # so that no fp32 copy of a large model is made
    try:
        torch.manual_seed(0)
        with torch.device(device):
            denoiser = getattr(diffusers, sizes.denoiser)(**(sizes.tiny if tiny else sizes.published))
            vae = getattr(diffusers, sizes.vae)(**(sizes.tiny_vae if tiny else sizes.published_vae))
    finally:
        torch.set_default_dtype(before)
    scheduler = getattr(diffusers, sizes.scheduler)(**sizes.scheduler_options)
    own = "unet" if name == "sdxl" else "transformer"
    absent = {part: None for part in pipeline._get_signature_types() if part.startswith(("text_", "tokenizer"))}
    parts = {own: denoiser, "vae": vae, "scheduler": scheduler} | absent | dict(words or {}) | dict(sizes.options)
    for key, weight in denoiser.named_parameters():  # as loading from a folder does
        if any(part in key for part in denoiser._keep_in_fp32_modules or ()):
            weight.data = weight.data.float()
    made = pipeline(**parts)
    made.set_progress_bar_config(disable=True)
    return made


def text(name: str, *, tiny: bool, device: str, dtype: Any) -> dict[str, Any]:
    """Return random text embeddings in the shapes of the pipeline's text encoders."""
    sizes = SIZES[name].tiny if tiny else SIZES[name].published

    def noise(*shape: int) -> Any:
        return torch.randn(shape, device=device, dtype=dtype)

    match name:
        case "flux2-klein-4b":
            return {"prompt_embeds": noise(1, 512, sizes["joint_attention_dim"])}
        case "sdxl":
            wide = sizes["cross_attention_dim"]
            pooled = sizes["projection_class_embeddings_input_dim"] - 6 * sizes["addition_time_embed_dim"]
            kinds = ("prompt_embeds", "negative_prompt_embeds")
            whole = {kind: noise(1, 77, wide) for kind in kinds}
            return whole | {kind.replace("prompt_", "pooled_prompt_"): noise(1, pooled) for kind in kinds}
        case "wan2.2-ti2v-5b" | "wan2.1-vace-1.3b":
            wide = sizes.get("text_dim", 4096)
            return {"prompt_embeds": noise(1, 512, wide), "negative_prompt_embeds": noise(1, 512, wide)}
        case _:
            wide, mask = sizes.get("caption_channels", 2304), torch.ones(1, 300, device=device, dtype=torch.long)
            return {
                "prompt_embeds": noise(1, 1, 300, wide),
                "prompt_attention_mask": mask,
                "negative_prompt_embeds": noise(1, 1, 300, wide),
                "negative_prompt_attention_mask": mask,
            }
