"""What a job was asked to do: written once with the job, never changed."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.camera.move import CameraMove
from shared.core.wire import Id, Wire
from shared.stages.frames import AspectRatio, Resolution
from shared.stages.requests import TransferMode
from shared.stages.stages import Role, Stage

EngineName = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Operation = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class StackedPreset(Wire):
    """A second preset on top of the first, weighted."""

    preset_id: Id
    weight: float = Field(default=0.5, ge=0, le=1)


class JobSettings(Wire):
    """What a creator may set beside prompt and preset; durations in seconds."""

    aspect_ratio: AspectRatio = "16:9"
    duration: float = Field(default=5, ge=1, le=30)  # within what the preset and the engines take
    resolution: Resolution = Resolution.FULL_HD
    fps: Literal[24, 25, 30] = 24
    seed: int | None = Field(default=None, ge=0, le=2**32 - 1)
    style: str | None = Field(default=None, max_length=60)
    strength: float = Field(default=1, ge=0, le=1)
    stack: StackedPreset | None = None
    operations: tuple[Operation, ...] = Field(default=(), max_length=8)
    engines: dict[Stage, EngineName] = Field(default_factory=dict)  # who is to do a stage; the studio's own otherwise
    loop: bool = False  # the camera path is closed: the last frame leads into the first
    transfer: TransferMode = "stabilised"  # how the camera of a driving clip is copied


class JobInput(Wire):
    """Media the job starts from: an asset of the creator's, by what it is to the job."""

    role: Literal[Role.PICTURE, Role.DRIVING, Role.AUDIO, Role.CAPTIONS]
    asset_id: Id


class JobSpec(Wire):
    """The immutable half of a job; `seed` is settled here even when the creator set none."""

    prompt: str
    preset_id: str
    move: CameraMove
    settings: JobSettings
    seed: int
    inputs: tuple[JobInput, ...] = ()
    input_keys: dict[Role, str] = Field(default_factory=dict)  # where the inputs' verified media are
    more_pictures: tuple[str, ...] = ()  # the same of the pictures after the first, in order
    paid: bool = False  # the account was on a paid plan: the job's steps go first, and the film bears no mark
