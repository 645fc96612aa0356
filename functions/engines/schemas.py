"""The bodies of `/api/engines`."""

from datetime import date
from enum import StrEnum

from pydantic import Field

from shared.core.wire import View
from shared.stages.engines import Family, Runs
from shared.stages.stages import Stage


class Obstacle(StrEnum):
    """The reason why new jobs of this deployment cannot use an engine."""

    NO_GPU = "no_gpu"
    NO_KEY = "no_key"
    PAST_SUNSET = "past_sunset"
    DISABLED = "disabled"  # by an admin, until it works again


class LicenceView(View):
    """The licence of the engine: of its code, or of the weights of its model, or the terms of its provider."""

    name: str
    url: str
    condition: str | None = Field(description="What a business must know before it uses the films.")


class EnginePriceView(View):
    """The price of a step: the sum of `credits` for each of `unit`, rounded up."""

    unit: str = Field(examples=["second of the film"])
    credits: float


class EngineLimitsView(View):
    max_duration_seconds: float
    durations: list[float] | None = Field(description="The only durations, in seconds. null: all up to the maximum.")
    max_short_side_pixels: int
    max_pictures: int | None = Field(description="null: as many as a job may have.")
    loops: bool = Field(description="Whether the first frame of a film can follow its last one.")


class EngineView(View):
    step_type: Stage
    name: str
    row: int | None = Field(
        description="The engine's row in the table of its stage. A job that names no engine gets the first engine of "
        "the table that is available, is offered by default, and can do the step. null: only a job that names it."
    )
    by_default: bool = Field(
        description="Whether a job that does not name the engine may get it. The operator decides it for engines of "
        "providers."
    )
    motion_score: float | None = Field(
        description="The lowest score of measured clips: how well they follow their camera moves, 0 to 1. null: nobody "
        "has measured it, and the row is after those that have a score."
    )
    motion_source: str | None = Field(description="The published measurement of `motionScore`.")
    motion_promise: float | None = Field(
        description="The lowest score of a clip of this engine that follows its move. Below it, "
        "`settings.onMissedMove` of the job decides. null: the engine does not choose its camera."
    )
    seconds: float | None = Field(
        description="Median of this deployment's recent steps for a film with the default settings, with their wait "
        "for a worker. null until such a step was measured."
    )
    about: str
    runs: Runs
    family: Family | None = Field(description="The kind of machine that the engine needs. null at a provider.")
    licence: LicenceView
    trained: bool = Field(description="Whether a trained model generates the pixels. Films declare it.")
    price: list[EnginePriceView]
    draft_share: float = Field(description="The part of the price that a draft costs.")
    limits: EngineLimitsView
    axes: list[str] = Field(description="The axes of a camera move that the engine follows.")
    deprecated_at: date | None = Field(description="The day on which the shutdown was announced.")
    sunset_at: date | None = Field(description="The first day, in UTC, on which new jobs do not use the engine.")
    fallback: str | None = Field(description="The engine that replaces it from that day.")
    available: bool
    reason: Obstacle | None = Field(description="Why the engine is not available.")
