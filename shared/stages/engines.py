"""The engine catalogue. Functions read the data; workers import `code`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.core.config import Config
from shared.stages.failures import StageFailure
from shared.stages.stages import Stage


class Runs(StrEnum):
    """The place where an engine runs."""

    IN_PROCESS = "in-process"  # inside a worker that takes tasks from the stage's queue
    REMOTE = "remote"  # at a provider, through tickets


class Family(StrEnum):
    """The image in `workers/images`, and so the kind of machine, that an in-process engine needs."""

    CPU_MEDIA = "cpu-media"
    CUDA_DIFFUSERS = "cuda-diffusers"  # includes the contents of the other image


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to perform a stage.

    Credits: `credits + credits_per_second x duration + credits_per_picture x pictures after the first`, rounded up. For
    a draft they are multiplied by `draft_share`.
    """

    stage: Stage
    name: str
    code: str  # "module:Class"
    runs: Runs
    about: str
    credits: int
    family: Family = Family.CPU_MEDIA
    credits_per_second: float = 0.0
    credits_per_picture: float = 0.0
    provider_cents_per_second: float = 0.0  # list price of the provider for a request, in US cents per second of clip
    draft_share: float = 1.0  # the part of the price that a draft costs
    max_duration_seconds: float = 30.0
    durations: frozenset[float] | None = None  # the only supported durations, in seconds; None = all up to the maximum
    max_short_side_pixels: int = 2160
    max_pictures: int | None = None  # maximum number of pictures of a film; None = all that a job may have
    loops: bool = True  # whether it can make a film whose first frame follows its last one
    axes: frozenset[str] = frozenset()  # the axes of a camera move that the engine supports
    deprecated_at: date | None = None  # the day on which `sunset_at` was announced
    sunset_at: date | None = None  # the first day, in UTC, on which new jobs do not use it
    fallback: str | None = None  # the engine of the same stage that replaces it from that day
    key: str | None = None  # the secret with the provider's API key; if it has no value, the engine is not offered
    reads_vocabulary: bool = False  # True if it knows only the words of shared/vocabulary
    weights: str | None = None  # the name of its weights in shared/stages/weights.py
    trained: bool = False  # True if a trained model generates the pixels; the film's C2PA manifest declares it
    licence: str = "Apache-2.0"  # of an engine without weights: of its code, or the terms of its provider
    licence_url: str = "https://www.apache.org/licenses/LICENSE-2.0"

    @property
    def prices(self) -> Mapping[str, float]:
        """Return the credits for each unit of a step."""
        return {
            "step": self.credits,
            "second of the film": self.credits_per_second,
            "picture after the first": self.credits_per_picture,
        }

    def is_past(self, at: datetime) -> bool:
        """Return whether the engine is not available to a job that is submitted at `at`."""
        return self.sunset_at is not None and at.date() >= self.sunset_at


TEST_ENGINE = "test"  # of all steps of a job with a test key. No engine has this name, so nothing can run them

_ALL_AXES = frozenset({"truck", "pedestal", "dolly", "pan", "tilt", "roll", "zoom", "focus", "shake", "fisheye"})

_CAMERA_IN_WORDS = frozenset({"truck", "pedestal", "dolly", "pan", "tilt", "roll", "zoom"})

_WITHOUT_GPU: tuple[Engine, ...] = (
    Engine(
        stage=Stage.IMAGE_GENERATION,
        name="procedural",
        code="workers.engines.image_generation.procedural:Procedural",
        runs=Runs.IN_PROCESS,
        about="A painter in code, not a trained model. It composes landscapes from the words in its vocabulary.",
        credits=1,
        reads_vocabulary=True,
    ),
    Engine(
        stage=Stage.VIDEO_SYNTHESIS,
        name="parallax",
        code="workers.engines.video_synthesis.parallax:Parallax",
        runs=Runs.IN_PROCESS,
        about="Renders a camera path over a picture and its depth map.",
        credits=1,
        credits_per_second=0.5,
        credits_per_picture=1,  # each picture is decomposed into layers
        draft_share=0.5,
        axes=_ALL_AXES,
    ),
    Engine(
        stage=Stage.MOTION_TRANSFER,
        name="transfer",
        code="workers.engines.motion_transfer.transfer:Transfer",
        runs=Runs.IN_PROCESS,
        about="Renders the picture along the camera path of a driving clip.",
        credits=1,
        credits_per_second=0.5,
        draft_share=0.5,
        axes=_ALL_AXES,
    ),
    Engine(
        stage=Stage.POST_PROCESSING,
        name="finish",
        code="workers.engines.post_processing.finish:Finish",
        runs=Runs.IN_PROCESS,
        about="Scales, stabilises, grades and encodes the film once.",
        credits=1,
    ),
    Engine(
        stage=Stage.VIDEO_SYNTHESIS,
        name="fal-kling",
        code="workers.engines.video_synthesis.fal:Kling",
        runs=Runs.REMOTE,
        about="Kling O1 at fal, a trained model that receives the camera move as text. Used only if a job names it.",
        credits=5,
        credits_per_second=10,
        provider_cents_per_second=11.2,
        max_duration_seconds=10,
        durations=frozenset(map(float, range(3, 11))),
        max_short_side_pixels=1080,
        max_pictures=1,
        loops=False,
        axes=_CAMERA_IN_WORDS,
        fallback="parallax",
        key="fal-key",
        trained=True,
        licence="Terms of Service of fal",
        licence_url="https://fal.ai/terms",
    ),
)


GPU_ENGINES: tuple[Engine, ...] = (
    Engine(
        stage=Stage.IMAGE_GENERATION,
        name="flux2-klein",
        code="workers.engines.image_generation.flux2_klein:Flux2Klein",
        runs=Runs.IN_PROCESS,
        about="FLUX.2 klein 4B, a trained model. It paints what the prompt says, in 4 steps.",
        credits=2,
        family=Family.CUDA_DIFFUSERS,
        weights="flux2-klein-4b",
        trained=True,
    ),
    Engine(
        stage=Stage.IMAGE_GENERATION,
        name="sdxl",
        code="workers.engines.image_generation.sdxl:Sdxl",
        runs=Runs.IN_PROCESS,
        about="Stable Diffusion XL, a trained model. It paints what the prompt says.",
        credits=3,
        family=Family.CUDA_DIFFUSERS,
        weights="sdxl",
        trained=True,
    ),
    Engine(
        stage=Stage.VIDEO_SYNTHESIS,
        name="wan",
        code="workers.engines.video_synthesis.wan:Wan",
        runs=Runs.IN_PROCESS,
        about="Wan2.2 TI2V 5B, a trained model that receives the camera move as text.",
        credits=5,
        credits_per_second=5,
        family=Family.CUDA_DIFFUSERS,
        max_duration_seconds=5,
        max_short_side_pixels=1080,
        max_pictures=1,
        loops=False,
        axes=_CAMERA_IN_WORDS,
        weights="wan2.2-ti2v-5b",
        trained=True,
    ),
    Engine(
        stage=Stage.VIDEO_SYNTHESIS,
        name="sana-wm",
        code="workers.engines.video_synthesis.sana_wm:SanaWm",
        runs=Runs.IN_PROCESS,
        about="SANA-WM, a trained model that receives the camera of each frame as a matrix.",
        credits=5,
        credits_per_second=5,
        family=Family.CUDA_DIFFUSERS,
        max_duration_seconds=10,
        max_short_side_pixels=1080,
        max_pictures=1,
        axes=_CAMERA_IN_WORDS | {"shake"},
        weights="sana-wm",
        trained=True,
    ),
)

ALL_ENGINES = (*_WITHOUT_GPU, *GPU_ENGINES)
"""The engines of every deployment, for films that were made in another one."""


def catalogue(gpu_engines: Iterable[str]) -> tuple[Engine, ...]:
    """Return the engines of a deployment: those without a GPU, and the named ones. Raise ValueError for other names.

    Pictures of a GPU engine come first, because creators get what they asked for. Clips come last, because the renderer
    follows the camera move exactly.
    """
    names = set(gpu_engines)
    if unknown := names - {entry.name for entry in GPU_ENGINES}:
        raise ValueError(f"no GPU engine is called {', '.join(sorted(unknown))}")
    chosen = [entry for entry in GPU_ENGINES if entry.name in names]
    pictures = [entry for entry in chosen if entry.stage is Stage.IMAGE_GENERATION]
    return (*pictures, *_WITHOUT_GPU, *(entry for entry in chosen if entry not in pictures))


class CatalogueConfig(Config):
    """The GPU engines of this deployment, by name, separated by commas."""

    gpu_engines: str = ""


ENGINES = catalogue(name for name in CatalogueConfig().gpu_engines.split(",") if name)
"""The engines of this deployment."""


def engine(stage: Stage, name: str) -> Engine:
    """Return the catalogue's entry. Raise StageFailure `engine_unknown`."""
    for entry in ALL_ENGINES:
        if entry.stage is stage and entry.name == name:
            return entry
    raise StageFailure("engine_unknown", f"This deployment has no engine called {name} for this stage.")
