"""The spec of a job: the creator's request. It is written with the job and does not change."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, StringConstraints

from shared.camera.move import CameraMove
from shared.core.wire import Id, Number, Wire, number
from shared.stages.frames import AspectRatio, Resolution
from shared.stages.requests import TransferMode
from shared.stages.stages import Role, Stage

EngineName = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Operation = Annotated[str, StringConstraints(min_length=1, max_length=60)]


MissedMove = Literal["camera", "repeat", "keep"]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1), BeforeValidator(number)]


class StackedPreset(Wire):
    """A second preset that is added to the first, with a weight of 0..1."""

    preset_id: Id
    weight: Number = Field(default=0.5, ge=0, le=1)


MOST_SOUND_PROMPT = 450  # characters


class JobSettings(Wire):
    """The settings of a job, besides prompt and preset. Durations are in seconds."""

    aspect_ratio: AspectRatio = Field(
        default="16:9", description="With a picture, the default is the ratio that is closest to the first picture's."
    )
    duration: Number = Field(default=5, ge=1, le=30)  # the preset and the engines have narrower limits
    resolution: Resolution = Resolution.FULL_HD
    fps: Literal[24, 25, 30] = 24
    seed: Seed | None = None
    style: str | None = Field(
        default=None, max_length=60, description="Words of the painter's vocabulary, such as `oil`."
    )
    allow_unrelated_picture: StrictBool | None = Field(
        default=None,
        description="If the painter knows no word of the prompt, true paints a picture that is unrelated to it. "
        "Otherwise such a job is refused.",
    )  # None and not False: the previous release does not know the field
    draft: StrictBool | None = Field(
        default=None,
        description="True makes a small, cheaper film of 360 lines, without `upscale`. Its picture is that of the "
        "whole film, which `POST /api/jobs/{jobId}/final` makes from it.",
    )  # None as above
    strength: Number = Field(default=1, ge=0, le=1)
    on_missed_move: MissedMove | None = Field(
        default=None,
        description="If the clip of a trained engine does not follow the camera move: `camera` (default) renders the "
        "move over the picture with the 2.5D camera, at its lower price. `repeat` makes the clip once more with "
        "another seed, without more credits, and uses that one. `keep` uses the clip.",
    )  # None as above
    sound_prompt: str | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_SOUND_PROMPT,
        description="What the film sounds like. Name the engine that makes the sound: `engines.POST_PROCESSING` is "
        "`elevenlabs-effects` or `elevenlabs-music`. Such a film has no input with the role audio.",
    )  # None as above
    stack: StackedPreset | None = None
    operations: tuple[Operation, ...] = Field(default=(), max_length=8)
    engines: dict[Stage, EngineName] = Field(default_factory=dict)  # default: the table of shared/stages/choice.py
    loop: StrictBool = False  # True closes the camera path: the first frame can follow the last one
    transfer: TransferMode = "stabilised"  # how the camera of a driving clip is copied


class JobInput(Wire):
    """An asset of the account that the job uses, with its role in the job."""

    role: Literal[Role.PICTURE, Role.DRIVING, Role.AUDIO, Role.CAPTIONS]
    asset_id: Id


class JobSpec(Wire):
    """The immutable data of a job. `seed` has a value even if the settings have none."""

    prompt: str
    preset_id: str
    move: CameraMove
    settings: JobSettings
    seed: int
    inputs: tuple[JobInput, ...] = ()
    input_keys: dict[Role, str] = Field(default_factory=dict)  # keys of the inputs' verified files
    more_pictures: tuple[str, ...] = ()  # keys of the pictures after the first, in order
    paid: bool = False  # True if the account was on a paid plan: priority queues, and no watermark
    # The previous release does not know the following fields, so they are None while they are not used.
    until: Literal[Stage.IMAGE_GENERATION] | None = None  # the last stage of a still
    batch_id: str | None = None
    origin_id: str | None = None  # the job from whose outputs this job starts
    made_in: dict[Stage, str] | None = None  # of each reused step: the job in which a worker has made it
    test: bool | None = None  # True: a test key submitted the job, so it gets the fixed film and costs nothing
    # Of a step at a provider: its engine, and those that may replace it before it is paid. They cost no more credits.
    fallbacks: dict[Stage, tuple[EngineName, ...]] | None = None
    chosen: dict[Stage, EngineName] | None = None  # engines of providers that the creator did not name
    # Of a step whose clip can miss its move: the engine of the 2.5D camera that replaces it.
    cameras: dict[Stage, EngineName] | None = None
    picture_by: EngineName | None = None  # the engine that made the first picture, if it is not a creator's upload
