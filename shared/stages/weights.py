"""Weights of the GPU engines: where they come from, their licence, and what they need. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of one model. Sizes are those of its bf16 files; memory is at the engine's frame size."""

    repository: str  # on the hub
    licence: str
    licence_url: str
    gib: float
    gpu_memory_gib: float
    # Why a business may not use them without reading the licence: weights with a condition need the operator's consent.
    condition: str | None = None


_HUB = "https://huggingface.co"

WEIGHTS: Mapping[str, Weights] = {
    "flux2-klein-4b": Weights(
        repository="black-forest-labs/FLUX.2-klein-4B",
        licence="Apache-2.0",
        licence_url=f"{_HUB}/black-forest-labs/FLUX.2-klein-4B",
        gib=15,
        gpu_memory_gib=20,
    ),
    "flux2-klein-9b": Weights(
        repository="black-forest-labs/FLUX.2-klein-9B",
        licence="FLUX Non-Commercial License",
        licence_url=f"{_HUB}/black-forest-labs/FLUX.2-klein-9B",
        gib=33,
        gpu_memory_gib=40,
        condition="Commercial use is not allowed.",
    ),
    "sdxl": Weights(
        repository="stabilityai/stable-diffusion-xl-base-1.0",
        licence="CreativeML Open RAIL++-M",
        licence_url=f"{_HUB}/stabilityai/stable-diffusion-xl-base-1.0",
        gib=13,  # its files are fp32
        gpu_memory_gib=12,
    ),
    "wan2.2-ti2v-5b": Weights(
        repository="Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        licence="Apache-2.0",
        licence_url=f"{_HUB}/Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        gib=32,
        gpu_memory_gib=40,
    ),
    "wan2.1-vace-1.3b": Weights(
        repository="Wan-AI/Wan2.1-VACE-1.3B-diffusers",
        licence="Apache-2.0",
        licence_url=f"{_HUB}/Wan-AI/Wan2.1-VACE-1.3B-diffusers",
        gib=18,  # its denoiser's files are fp32
        gpu_memory_gib=24,
    ),
    "swin2sr-x2": Weights(
        repository="caidas/swin2SR-classical-sr-x2-64",
        licence="Apache-2.0",
        licence_url=f"{_HUB}/caidas/swin2SR-classical-sr-x2-64",
        gib=0.1,
        gpu_memory_gib=8,
    ),
    "sana-wm": Weights(
        repository="Efficient-Large-Model/SANA-WM_bidirectional-diffusers",
        licence="Apache-2.0, with the VAE of LTX-2 (LTX-2 Community License)",
        licence_url=f"{_HUB}/Efficient-Large-Model/SANA-WM_bidirectional-diffusers",
        gib=13,
        gpu_memory_gib=40,
        condition="Its VAE is that of LTX-2, whose licence limits the revenue of its users.",
    ),
}
