"""The bodies of `/api/jobs`, and its answers besides jobs."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from shared.assets.record import AssetType
from shared.core.wire import Id, Integer, View, Wire, number
from shared.jobs.batches import MOST_JOBS
from shared.jobs.spec import JobInput, JobSettings, MissedMove
from shared.stages.engines import Runs
from shared.stages.requests import MAX_PICTURES
from shared.stages.stages import Role, Stage

INPUT_TYPES = {
    Role.PICTURE: AssetType.IMAGE,
    Role.DRIVING: AssetType.VIDEO,
    Role.AUDIO: AssetType.AUDIO,
    Role.CAPTIONS: AssetType.OTHER,
}
_MOST_INPUTS = len(INPUT_TYPES) - 1 + MAX_PICTURES
MaxCredits = Annotated[
    Annotated[int, Field(ge=0, le=10**9), BeforeValidator(number)] | None,
    Field(
        examples=[20],
        description="The most that the request may cost, such as `credits` of a quote. If the price is higher now, the "
        "request is refused with `max_credits_exceeded` and nothing is held.",
    ),
]


class JobCreate(Wire):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "projectId": "prj_01K0M3T5V7X9Z1B3D5F7H9K1M3",
                    "prompt": "a lighthouse at dusk",
                    "presetId": "crash-zoom-in",
                    "settings": {"duration": 5, "aspectRatio": "16:9", "resolution": "1080p"},
                }
            ]
        }
    )

    project_id: Id
    prompt: str = Field(min_length=1, max_length=2000, examples=["a lighthouse at dusk"])
    preset_id: Id = "crash-zoom-in"
    settings: JobSettings = JobSettings()
    inputs: tuple[JobInput, ...] = Field(default=(), max_length=_MOST_INPUTS)
    until: Literal[Stage.IMAGE_GENERATION] | None = Field(
        default=None,
        examples=[None],
        description="The last step of the job, which is charged up to it. `IMAGE_GENERATION` makes a still, from which "
        "`POST /api/jobs/{jobId}/continue` makes the film.",
    )
    count: Integer = Field(
        default=1,
        ge=1,
        le=MOST_JOBS,
        description="The number of jobs, with the seeds `seed`, `seed` + 1 and so on. All are accepted, or none. The "
        "answer is the first job, with the ids of all in `batch`.",
    )
    max_credits: MaxCredits = None


class JobContinue(Wire):
    """The changes for the film that follows. What the body leaves out is as in the older job."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"presetId": "orbit-left", "settings": {"duration": 4, "fps": 30}}]}
    )

    preset_id: Id | None = None
    settings: JobSettings | None = Field(
        default=None, description="The settings that change. The shape and the style of the picture cannot change."
    )
    inputs: tuple[JobInput, ...] = Field(
        default=(), max_length=_MOST_INPUTS, description="A driving clip, sound or captions. The picture is given."
    )
    max_credits: MaxCredits = None


class JobExtend(JobContinue):
    model_config = ConfigDict(json_schema_extra={"examples": [{"presetId": "truck-left", "prompt": "a lake at night"}]})

    prompt: str | None = Field(default=None, min_length=1, max_length=2000, examples=["the same lake at night"])


class JobAgain(Wire):
    """The optional body of a request that makes an older job again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"maxCredits": 20}]})

    max_credits: MaxCredits = None


class PriceLineView(View):
    """One reason for the price of a step: `quantity` units cost `each` credits, which makes `credits`."""

    unit: str = Field(examples=["second of the film"])
    quantity: float
    each: float
    credits: float


class QuotedMissView(View):
    """The end of a step whose clip does not follow the camera move."""

    motion_promise: float = Field(description="The lowest motion score of a clip that follows its move.")
    then: MissedMove = Field(
        description="As `settings.onMissedMove` says. If a `repeat` is not possible, the camera follows."
    )
    engine: str = Field(description="The engine of the 2.5D camera.")
    credits: int = Field(description="The lower price of the step if that engine does it.")


class QuotedStepView(View):
    step_type: Stage
    engine: str
    runs: Runs = Field(description="`remote`: a provider makes it, and receives what it is made from.")
    chosen_by: Literal["creator", "table"] = Field(
        description="`creator`: `settings.engines` names it, or the engine that it replaces. `table`: it is the first "
        "of the engines that can do the step, in the order of `GET /api/engines`."
    )
    row: int | None = Field(description="The engine's row in that table. null: it has none.")
    motion_score: float | None = Field(
        description="The measured score of the engine's clips in that table. null: nobody has measured it."
    )
    missed_move: QuotedMissView | None = Field(
        description="null: the clip is used whatever its score is, or our renderer moves the camera."
    )
    credits: int = Field(description="The sum of `price`, rounded up.")
    seconds: float | None = Field(
        description="Median of recent steps of this engine at this resolution and duration, with their wait for a "
        "worker. null until such a step was measured."
    )
    price: list[PriceLineView]


class QuoteView(View):
    """The price of a job before its submit, and the part of its settings and its prompt that the film gets."""

    credits: int = Field(
        description="The most that the job costs, or all `count` jobs. They are held at the submit. Send them as "
        "`maxCredits`, so that a submit costs no more."
    )
    balance: int = Field(description="The credits that the account can spend.")
    sufficient: bool = Field(
        description="Whether the caller can pay for the job now, from the balance and within the monthly caps of the "
        "member and of the key."
    )
    seconds: float | None = Field(description="From the start to the end of the job. null until all steps are known.")
    steps: list[QuotedStepView]
    settings: JobSettings = Field(description="The settings, with the duration and the ratio that the job gets.")
    from_settings: tuple[str, ...] | None = Field(
        description="The fields that the body leaves out and that come from `/api/settings`."
    )
    dropped_axes: tuple[str, ...] = Field(description="Axes of the camera move that the engine cannot follow.")
    understood: tuple[str, ...] | None = Field(
        description="The phrases of style and prompt that the painter knows. null if it paints nothing."
    )
    not_understood: tuple[str, ...] | None = Field(description="The words of which nothing is painted.")
    read_as: dict[str, str] | None = Field(
        description="Words that the painter does not know -> the near phrases that it paints instead."
    )
