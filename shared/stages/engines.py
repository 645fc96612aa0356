"""The engine catalogue: data that functions read; workers load the `code` it names."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.stages.failures import StageFailure
from shared.stages.stages import Stage


class Runs(StrEnum):
    """Where an engine's work happens."""

    IN_PROCESS = "in-process"  # inside a worker that takes tasks from the stage's queue
    REMOTE = "remote"  # at a provider, through tickets


class Family(StrEnum):
    """What an in-process engine needs around it: the image in `workers/images`, and so the machine that runs it."""

    CPU_MEDIA = "cpu-media"
    CUDA_DIFFUSERS = "cuda-diffusers"  # has what the other one has, too


@dataclass(frozen=True, slots=True)
class Engine:
    """One way to do a stage.

    Credits: `credits + credits_per_second x duration + credits_per_picture x pictures after the first`, rounded up.
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
    max_duration_seconds: float = 30.0
    durations: frozenset[float] | None = None  # the only ones it makes, seconds; None = any up to the longest
    max_short_side_pixels: int = 2160
    axes: frozenset[str] = frozenset()  # of a camera move, what this engine can follow
    sunset_at: date | None = None  # the first day, in UTC, on which new jobs do not get it
    fallback: str | None = None  # the engine of the same stage that replaces it from then on
    key: str | None = None  # name of the secret with which a remote engine is paid; without one it is not offered
    trained: bool = False  # whether a model that learned from samples makes the pixels: films say so

    def is_past(self, at: datetime) -> bool:
        """Return whether a job that is submitted at `at` is too late for this engine."""
        return self.sunset_at is not None and at.date() >= self.sunset_at


_ALL_AXES = frozenset({"truck", "pedestal", "dolly", "pan", "tilt", "roll", "zoom", "focus", "shake", "fisheye"})

ENGINES: tuple[Engine, ...] = (
    Engine(
        stage=Stage.IMAGE_GENERATION,
        name="procedural",
        code="workers.engines.image_generation.procedural:Procedural",
        runs=Runs.IN_PROCESS,
        about="A painter in code, not a model: it composes landscapes from the words it knows.",
        credits=1,
    ),
    Engine(
        stage=Stage.VIDEO_SYNTHESIS,
        name="parallax",
        code="workers.engines.video_synthesis.parallax:Parallax",
        runs=Runs.IN_PROCESS,
        about="Moves a real camera path over a picture and its depth.",
        credits=1,
        credits_per_second=0.5,
        credits_per_picture=1,  # each is taken apart anew
        axes=_ALL_AXES,
    ),
    Engine(
        stage=Stage.MOTION_TRANSFER,
        name="transfer",
        code="workers.engines.motion_transfer.transfer:Transfer",
        runs=Runs.IN_PROCESS,
        about="Shoots the picture again along the camera path of a driving clip.",
        credits=1,
        credits_per_second=0.5,
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
        about="Kling O1 at fal: a trained model that hears the camera move in words. Chosen by name only.",
        credits=5,
        credits_per_second=10,
        max_duration_seconds=10,
        durations=frozenset(map(float, range(3, 11))),
        max_short_side_pixels=1080,
        axes=frozenset({"truck", "pedestal", "dolly", "pan", "tilt", "roll", "zoom"}),
        fallback="parallax",
        key="fal-key",
        trained=True,
    ),
)


def engine(stage: Stage, name: str) -> Engine:
    """The catalogue's entry; a name it does not hold is a final failure of the stage."""
    for entry in ENGINES:
        if entry.stage is stage and entry.name == name:
            return entry
    raise StageFailure("engine_unknown", f"This deployment has no engine called {name} for this stage.")
