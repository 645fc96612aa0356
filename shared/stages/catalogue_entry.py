"""The entry of an engine in the catalogue. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from shared.stages.stages import Stage


class Runs(StrEnum):
    """The place where an engine runs."""

    IN_PROCESS = "in-process"  # inside a worker that takes tasks from the stage's queue
    REMOTE = "remote"  # at a provider, through tickets


class Family(StrEnum):
    """The image in `workers/images`, and so the kind of machine, that an in-process engine needs."""

    CPU_MEDIA = "cpu-media"
    CUDA_DIFFUSERS = "cuda-diffusers"  # includes the contents of the other image


CAMERA_IN_WORDS = frozenset({"truck", "pedestal", "dolly", "pan", "tilt", "roll", "zoom"})
"""The axes of a camera move that a model can follow when it reads the move as text."""
ALL_AXES = CAMERA_IN_WORDS | {"focus", "shake", "fisheye"}


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
    model: str | None = None  # the provider's name of the model
    provider_cents: float = 0.0  # list price of the provider for a request, in US cents
    provider_cents_per_second: float = 0.0  # added for each second of the clip, in US cents
    price_source: str | None = None  # the provider's page that states the price; None = our estimate
    draft_share: float = 1.0  # the part of the price that a draft costs
    max_duration_seconds: float = 30.0
    durations: frozenset[float] | None = None  # the only supported durations, in seconds; None = all up to the maximum
    max_short_side_pixels: int = 2160
    max_pictures: int | None = None  # maximum number of pictures of a film; None = all that a job may have
    ratios: Mapping[str, str] | None = field(default=None, hash=False)  # the only aspect ratios -> the provider's names
    max_prompt_units: int | None = None  # maximum length of the prompt with the camera's words, in UTF-16 code units
    loops: bool = True  # whether it can make a film whose first frame follows its last one
    max_loop_seconds: float = 30.0  # maximum duration of such a film; a provider's engine makes it from one picture
    makes_sound: bool = False  # True: it makes the soundtrack of the film from the creator's `soundPrompt`
    takes_over: str | None = None  # the operation of post-processing that it does; a job that names it asks for that
    copies_performance: bool = False  # True: what the driving clip shows, not only its camera; as long as that clip
    axes: frozenset[str] = frozenset()  # the axes of a camera move that the engine supports
    deprecated_at: date | None = None  # the day on which `sunset_at` was announced
    sunset_at: date | None = None  # the first day, in UTC, on which new jobs do not use it
    fallback: str | None = None  # the engine of the same stage that replaces it from that day
    completed_by: str | None = None  # the in-process engine of the stage that finishes the work of this remote one
    webhooks: str | None = None  # the provider whose signed webhooks report the end of a request (docs/adr/0073)
    key: str | None = None  # the secret with the provider's API key; if it has no value, the engine is not offered
    reads_vocabulary: bool = False  # True if it knows only the words of shared/vocabulary
    weights: str | None = None  # the name of its weights in shared/stages/weights.py
    motion_score: float | None = None  # lowest measured score of clips that follow presets; None = not measured
    motion_source: str | None = None  # the published measurement of `motion_score`
    motion_promise: float = 0.5  # of a trained engine: lowest motion score of a clip that follows its move
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

    @property
    def chooses_its_camera(self) -> bool:
        """Return whether a trained model moves the camera, so that a clip can miss the move of its job."""
        return self.trained and self.stage is Stage.VIDEO_SYNTHESIS and self.completed_by is None

    @property
    def only_if_named(self) -> bool:
        """Return whether a job gets the engine only if it names it, because it does something of its own."""
        return self.copies_performance or self.makes_sound or self.takes_over is not None

    def credits_for(self, seconds: float) -> float:
        """Return the credits of a film of this duration from one picture, before rounding."""
        return self.credits + seconds * self.credits_per_second

    def is_past(self, at: datetime) -> bool:
        """Return whether the engine is not available to a job that is submitted at `at`."""
        return self.sunset_at is not None and at.date() >= self.sunset_at

    def can_loop(self, seconds: float, *, pictures: int) -> bool:
        """Return whether the engine makes a film that loops, of this duration and from this number of pictures."""
        return self.loops and seconds <= self.max_loop_seconds and (self.max_pictures is None or pictures == 1)

    def charge_cents(self, seconds: float) -> float:
        """Return the list price of a request for a film of this duration, in US cents."""
        return self.provider_cents + seconds * self.provider_cents_per_second
