"""The engines of providers. Model names, limits and list prices are data, because providers change them often. Pure.

Limits of the models of Runway and Luma: the types of their SDKs (runwayml 5.24, luma-agents 0.5), which tests compare.
Limits of fal's apps: the pages of the apps. A duration that a type leaves open is limited to 5 to 10 seconds.
Prices are list prices of 2026. `price_source` is the page on which a price was read. A price without one is our
estimate: an operator compares it with the bill, and corrects it here.
"""

from collections.abc import Mapping
from dataclasses import replace

from shared.stages.catalogue_entry import Engine, Runs
from shared.stages.stages import Stage

CAMERA_IN_WORDS = frozenset({"truck", "pedestal", "dolly", "pan", "tilt", "roll", "zoom"})
"""The axes of a camera move that a model can follow when it reads the move as text."""


def _seconds(first: int, last: int) -> frozenset[float]:
    return frozenset(map(float, range(first, last + 1)))


_RUNWAY = Engine(
    stage=Stage.VIDEO_SYNTHESIS,
    name="",
    code="workers.engines.video_synthesis.runway:RunwayVideo",
    runs=Runs.REMOTE,
    about="",
    credits=5,
    max_short_side_pixels=1080,
    max_pictures=1,
    max_prompt_units=1000,
    loops=False,
    axes=CAMERA_IN_WORDS,
    fallback="parallax",
    key="runway-key",
    trained=True,
    licence="Terms of Use of Runway",
    licence_url="https://runwayml.com/terms-of-use",
)
_GEN4_RATIOS: Mapping[str, str] = {
    "16:9": "1280:720",
    "9:16": "720:1280",
    "4:3": "1104:832",
    "1:1": "960:960",
    "3:4": "832:1104",
    "21:9": "1584:672",
}
_WIDE_AND_TALL: Mapping[str, str] = {"16:9": "1280:720", "9:16": "720:1280"}

_SEEDANCE_RATIOS: Mapping[str, str] = {
    "16:9": "1280:720",
    "9:16": "720:1280",
    "4:3": "1112:834",
    "1:1": "960:960",
    "3:4": "834:1112",
    "21:9": "1470:630",
}
_KLING_RATIOS: Mapping[str, str] = {"16:9": "1280:720", "9:16": "720:1280", "1:1": "960:960"}
_RUNWAY_PRICES = "https://github.com/runwayml/skills/blob/main/skills/rw-api-reference/SKILL.md"

_FAL = replace(
    _RUNWAY,
    code="workers.engines.video_synthesis.fal:FalVideo",
    max_prompt_units=2500,
    key="fal-key",
    licence="Terms of Service of fal",
    licence_url="https://fal.ai/terms",
)

_PICTURE = replace(
    _RUNWAY,
    stage=Stage.IMAGE_GENERATION,
    credits=4,
    max_short_side_pixels=2160,
    max_pictures=None,
    max_prompt_units=None,
    loops=True,
    axes=frozenset(),
    fallback=None,
)

REMOTE_ENGINES: tuple[Engine, ...] = (
    replace(
        _PICTURE,
        name="openai-image",
        code="workers.engines.image_generation.openai:OpenAiPicture",
        about="GPT Image of OpenAI, a trained model. It paints what the prompt says. Used only if a job names it.",
        model="gpt-image-2.5-flare",
        provider_cents=6,  # for one picture of medium quality; OpenAI bills tokens
        key="openai-key",
        licence="Service Terms of OpenAI",
        licence_url="https://openai.com/policies/service-terms",
    ),
    replace(
        _PICTURE,
        name="flux-pro",
        code="workers.engines.image_generation.flux:FluxPicture",
        about="FLUX.2 pro of Black Forest Labs, a trained model. It paints what the prompt says.",
        model="flux-2-pro",
        provider_cents=4.5,  # 3 cents for the first megapixel, and half as much for the second one
        price_source="https://docs.bfl.ai/quick_start/pricing",
        key="flux-key",
        licence="Terms of Service of Black Forest Labs",
        licence_url="https://bfl.ai/legal/terms-of-service",
    ),
    replace(
        _FAL,
        name="fal-kling",
        about="Kling O1 at fal, a trained model that receives the camera move as text. Used only if a job names it.",
        model="fal-ai/kling-video/o1/standard/image-to-video",
        credits_per_second=10,
        provider_cents_per_second=8.4,
        price_source="https://fal.ai/models/fal-ai/kling-video/o1/standard/image-to-video/llms.txt",
        max_duration_seconds=10,
        durations=_seconds(3, 10),
        max_prompt_units=None,
    ),
    replace(
        _FAL,
        name="fal-kling-turbo",
        about="Kling 2.5 Turbo Pro at fal, which makes clips of 5 or 10 seconds, also between two pictures.",
        model="fal-ai/kling-video/v2.5-turbo/pro/image-to-video",
        credits_per_second=7,
        provider_cents_per_second=7,
        price_source="https://fal.ai/models/fal-ai/kling-video/v2.5-turbo/pro/image-to-video/llms.txt",
        max_duration_seconds=10,
        durations=frozenset({5.0, 10.0}),
        max_pictures=2,
    ),
    replace(
        _FAL,
        name="fal-pika",
        about="Pika 2.2 at fal, which makes clips of 5 or 10 seconds.",
        model="fal-ai/pika/v2.2/image-to-video",
        credits_per_second=4,
        provider_cents_per_second=4,
        price_source="https://fal.ai/models/fal-ai/pika/v2.2/image-to-video/llms.txt",
        max_duration_seconds=10,
        durations=frozenset({5.0, 10.0}),
    ),
    replace(
        _RUNWAY,
        name="runway-gen4.5",
        about="Gen-4.5 of Runway, a trained model that receives the camera move as text.",
        model="gen4.5",
        credits_per_second=11,
        provider_cents_per_second=12,
        price_source=_RUNWAY_PRICES,
        max_duration_seconds=10,
        durations=_seconds(2, 10),
        ratios=_GEN4_RATIOS,
        fallback="runway-gen4-turbo",
    ),
    replace(
        _RUNWAY,
        name="runway-gen4-turbo",
        about="Gen-4 Turbo of Runway, which is faster and cheaper than Gen-4.5.",
        model="gen4_turbo",
        credits_per_second=5,
        provider_cents_per_second=5,
        price_source=_RUNWAY_PRICES,
        max_duration_seconds=10,
        durations=_seconds(2, 10),
        ratios=_GEN4_RATIOS,
    ),
    replace(
        _RUNWAY,
        name="runway-veo3.1",
        about="Veo 3.1 of Google at Runway, without sound, also between two pictures.",
        model="veo3.1",
        credits_per_second=18,
        provider_cents_per_second=20,
        price_source=_RUNWAY_PRICES,
        max_duration_seconds=8,
        durations=frozenset({4.0, 6.0, 8.0}),
        ratios=_WIDE_AND_TALL,
        max_pictures=2,
        fallback="runway-veo3.1-fast",
    ),
    replace(
        _RUNWAY,
        name="runway-veo3.1-fast",
        about="Veo 3.1 Fast of Google at Runway, without sound, also between two pictures.",
        model="veo3.1_fast",
        credits_per_second=10,
        provider_cents_per_second=10,
        price_source=_RUNWAY_PRICES,
        max_duration_seconds=8,
        durations=frozenset({4.0, 6.0, 8.0}),
        ratios=_WIDE_AND_TALL,
        max_pictures=2,
    ),
    replace(
        _RUNWAY,
        name="runway-kling",
        about="Kling 2.5 Turbo Pro at Runway, which makes clips of 5 or 10 seconds, also between two pictures.",
        model="kling2.5_turbo_pro",
        credits_per_second=7,
        provider_cents_per_second=7,
        max_duration_seconds=10,
        durations=frozenset({5.0, 10.0}),
        max_pictures=2,
        fallback="fal-kling-turbo",
    ),
    replace(
        _RUNWAY,
        name="runway-kling3",
        about="Kling 3.0 Standard at Runway, without sound, also between two pictures.",
        model="kling3.0_standard",
        credits_per_second=8,
        provider_cents_per_second=8.4,
        max_duration_seconds=10,
        durations=_seconds(5, 10),
        ratios=_KLING_RATIOS,
        max_pictures=2,
    ),
    replace(
        _RUNWAY,
        name="runway-seedance2",
        about="Seedance 2.0 of ByteDance at Runway, without sound, also between two pictures.",
        model="seedance2",
        credits_per_second=27,
        provider_cents_per_second=30,
        max_duration_seconds=10,
        durations=_seconds(5, 10),
        ratios=_SEEDANCE_RATIOS,
        max_pictures=2,
        max_prompt_units=3500,
        fallback="runway-seedance2-fast",
    ),
    replace(
        _RUNWAY,
        name="runway-seedance2-fast",
        about="Seedance 2.0 Fast of ByteDance at Runway, without sound, also between two pictures.",
        model="seedance2_fast",
        credits_per_second=22,
        provider_cents_per_second=24,
        max_duration_seconds=10,
        durations=_seconds(5, 10),
        ratios=_SEEDANCE_RATIOS,
        max_pictures=2,
        max_prompt_units=3500,
    ),
    replace(
        _RUNWAY,
        name="runway-seedance2.5",
        about="Seedance 2.5 of ByteDance at Runway, without sound, also between two pictures.",
        model="seedance2_5",
        credits_per_second=27,
        provider_cents_per_second=30,
        max_duration_seconds=10,
        durations=_seconds(5, 10),
        ratios=_SEEDANCE_RATIOS,
        max_pictures=2,
        max_prompt_units=15_000,
        fallback="runway-seedance2",
    ),
    replace(
        _RUNWAY,
        name="runway-omni",
        about="Gemini Omni Flash 1.1 of Google at Runway, also between two pictures.",
        model="gemini_omni_flash_1.1",
        credits_per_second=11,
        provider_cents_per_second=12,
        max_duration_seconds=10,
        durations=_seconds(3, 10),
        ratios=_WIDE_AND_TALL,
        max_pictures=2,
        max_prompt_units=None,
        fallback="runway-veo3.1-fast",
    ),
    replace(
        _RUNWAY,
        name="luma-ray",
        code="workers.engines.video_synthesis.luma:LumaVideo",
        about="Ray 3.2 of Luma, also between two pictures, and in a loop of 5 seconds.",
        model="ray-3.2",
        credits_per_second=14,
        provider_cents_per_second=15,
        max_duration_seconds=10,
        durations=frozenset({5.0, 10.0}),
        ratios={ratio: ratio for ratio in ("16:9", "9:16", "4:3", "1:1", "3:4", "21:9")},
        max_pictures=2,
        max_prompt_units=6000,
        loops=True,
        max_loop_seconds=5,
        key="luma-key",
        licence="Terms of Service of Luma",
        licence_url="https://lumalabs.ai/legal/tos",
    ),
)
