"""The engine catalogue. Functions read the data; workers import `code`."""

from collections.abc import Iterable

from shared.core.config import Config
from shared.stages.catalogue_entry import ALL_AXES, CAMERA_IN_WORDS, Engine, Family, Runs
from shared.stages.failures import StageFailure
from shared.stages.remote_engines import REMOTE_ENGINES
from shared.stages.stages import Stage

__all__ = [
    "ALL_ENGINES",
    "ENGINES",
    "GPU_ENGINES",
    "Engine",
    "Family",
    "Runs",
    "catalogue",
    "completer_of",
    "engine",
    "promise_of",
    "runs_at_provider",
]

TEST_ENGINE = "test"  # of all steps of a job with a test key. No engine has this name, so nothing can run them

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
        axes=ALL_AXES,
        motion_score=0.93,
        motion_source="docs/motion.json",
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
        axes=ALL_AXES,
    ),
    Engine(
        stage=Stage.POST_PROCESSING,
        name="finish",
        code="workers.engines.post_processing.finish:Finish",
        runs=Runs.IN_PROCESS,
        about="Scales, stabilises, grades and encodes the film once.",
        credits=1,
    ),
    *REMOTE_ENGINES,
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
        axes=CAMERA_IN_WORDS,
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
        axes=CAMERA_IN_WORDS | {"shake"},
        weights="sana-wm",
        trained=True,
    ),
    Engine(
        stage=Stage.MOTION_TRANSFER,
        name="vace",
        code="workers.engines.motion_transfer.vace:Vace",
        runs=Runs.IN_PROCESS,
        about="Wan2.1 VACE 1.3B, a trained model. The picture moves as the driving clip does, without the camera move.",
        credits=5,
        credits_per_second=5,
        family=Family.CUDA_DIFFUSERS,
        max_duration_seconds=5,
        max_short_side_pixels=1080,
        max_pictures=1,
        loops=False,
        copies_performance=True,
        weights="wan2.1-vace-1.3b",
        trained=True,
    ),
    Engine(
        stage=Stage.POST_PROCESSING,
        name="finish-swin2sr",
        code="workers.engines.post_processing.finish:FinishOnGpu",
        runs=Runs.IN_PROCESS,
        about="As finish, but Swin2SR, a trained model, does the operation upscale.",
        credits=1,
        credits_per_second=1,
        family=Family.CUDA_DIFFUSERS,
        weights="swin2sr-x2",
    ),
)

ALL_ENGINES = (*_WITHOUT_GPU, *GPU_ENGINES)
"""The engines of every deployment, for films that were made in another one."""


def catalogue(gpu_engines: Iterable[str]) -> tuple[Engine, ...]:
    """Return the engines of a deployment: those without a GPU, and the named ones. Raise ValueError for other names."""
    names = set(gpu_engines)
    if unknown := names - {entry.name for entry in GPU_ENGINES}:
        raise ValueError(f"no GPU engine is called {', '.join(sorted(unknown))}")
    return (*_WITHOUT_GPU, *(entry for entry in GPU_ENGINES if entry.name in names))


class CatalogueConfig(Config):
    """The GPU engines of this deployment, by name, separated by commas."""

    gpu_engines: str = ""


ENGINES = catalogue(name for name in CatalogueConfig().gpu_engines.split(",") if name)
"""The engines of this deployment."""


def runs_at_provider(stage: Stage, name: str) -> bool:
    """Return whether the catalogue lists this engine as remote. An engine that it no longer lists is not remote."""
    return any((entry.stage, entry.name, entry.runs) == (stage, name, Runs.REMOTE) for entry in ALL_ENGINES)


def completer_of(stage: Stage, name: str) -> str | None:
    """Return the in-process engine that completes the work of this remote one, or None. A worker can write the name."""
    return next((one.completed_by for one in ALL_ENGINES if (one.stage, one.name) == (stage, name)), None)


def promise_of(stage: Stage, name: str) -> float:
    """Return the lowest motion score of a clip of this engine that follows its move. A worker can write the name."""
    return next((one.motion_promise for one in ALL_ENGINES if (one.stage, one.name) == (stage, name)), 0.0)


def engine(stage: Stage, name: str) -> Engine:
    """Return the catalogue's entry. Raise StageFailure `engine_unknown`."""
    for entry in ALL_ENGINES:
        if entry.stage is stage and entry.name == name:
            return entry
    raise StageFailure("engine_unknown", f"This deployment has no engine called {name} for this stage.")
