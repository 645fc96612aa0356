"""What each stage is asked to do: the seed's job data, with the fields that its engines need beside them.

Every `..._url` is an `s3://bucket/key` address of our own storage; sizes are pixels, durations seconds.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.camera.move import CameraMove
from shared.core.wire import Wire
from shared.stages.failures import StageFailure
from shared.stages.roles import Role

Pixels = Annotated[int, Field(ge=64, le=8192)]
Fps = Annotated[int, Field(ge=12, le=60)]
Duration = Annotated[float, Field(ge=1, le=30)]
Fraction = Annotated[float, Field(ge=0, le=1)]
FocalPoint = tuple[Fraction, Fraction]
TransferMode = Literal["handheld", "stabilised", "exact"]

MOST_PICTURES = 4
"""So many pictures one move may lead over."""

_SHORTEST_DRIVING_SECONDS, _LONGEST_DRIVING_SECONDS = 3, 30
_LOST_SECONDS = 0.1  # a clip of 3 seconds may have lost a few frames on its way
_LONGEST_SHAPE = 4  # how many times as long as high a frame or a picture may be; film's widest is 21:9


class StageRequest(Wire):
    job_id: str
    user_id: str


class FramedRequest(StageRequest):
    """A request for pictures of one size, none of them a stripe: no stage can draw, film or sample those."""

    width: Pixels
    height: Pixels

    @model_validator(mode="after")
    def _no_stripe(self) -> Self:
        if max(self.width, self.height) > _LONGEST_SHAPE * min(self.width, self.height):
            raise ValueError(f"{self.width} x {self.height} is longer than {_LONGEST_SHAPE}:1")
        return self


class ImageGenerationJob(FramedRequest):
    """Paint `prompt`; the picture is larger than the film's frame so that the camera has room to move."""

    prompt: str
    style: str | None = None
    aspect_ratio: str
    seed: int = Field(ge=0, le=2**32 - 1)


class VideoSynthesisJob(FramedRequest):
    """Move the camera over a picture. Without depth or focal point (x, y) the engine estimates them itself; with the
    picture's scenery it need not guess what near things hide.

    With more pictures the one move leads over all of them in turn and ends on the last; depth, scenery and
    focal point are the first one's. A film that loops leads from its last frame into its first.
    """

    image_url: str
    more_image_urls: tuple[str, ...] = Field(default=(), max_length=MOST_PICTURES - 1)
    loop: bool = False
    depth_url: str | None = None
    scenery_url: str | None = None
    focal_point: FocalPoint | None = None
    prompt: str
    preset_id: str
    move: CameraMove
    duration: Duration
    fps: Fps
    seed: int = Field(ge=0, le=2**32 - 1)


class MotionTransferJob(FramedRequest):
    """Shoot the picture again along the camera path of a driving clip; `video_url` is the clip made before.

    `mode` says what of the path counts: `exact` all of it, `stabilised` what is left without shake, `handheld` that
    with the clip's shake upon it as fast and as large as it was filmed.
    """

    video_url: str
    mode: TransferMode = "stabilised"
    driving_url: str
    image_url: str
    depth_url: str | None = None
    scenery_url: str | None = None
    focal_point: FocalPoint | None = None
    preset_id: str
    move: CameraMove
    duration: Duration
    fps: Fps
    seed: int = Field(ge=0, le=2**32 - 1)


class Ingredient(Wire):
    """What went into a film: `engine` made it, or the creator brought it."""

    role: Role
    url: str
    engine: str | None = None


class PostProcessingJob(FramedRequest):
    """Finish a clip: scale it to `width` x `height`, do the `operations`, lay sound and captions over it, encode."""

    video_url: str
    operations: tuple[str, ...] = ()
    seed: int = Field(ge=0, le=2**32 - 1)
    audio_url: str | None = None
    captions_url: str | None = None
    ingredients: tuple[Ingredient, ...] = ()  # for the film's provenance
    asked_move: CameraMove | None = None  # of a clip that a provider filmed: how well its camera did this is scored


def check_driving_seconds(seconds: float) -> None:
    """StageFailure `driving_clip_too_short` or `driving_clip_too_long` if no camera is copied from such a clip."""
    lengths = f"it lasts {_SHORTEST_DRIVING_SECONDS} to {_LONGEST_DRIVING_SECONDS} seconds"
    if seconds < _SHORTEST_DRIVING_SECONDS - _LOST_SECONDS:
        raise StageFailure("driving_clip_too_short", f"The driving clip is too short: {lengths}.")
    if seconds > _LONGEST_DRIVING_SECONDS + _LOST_SECONDS:
        raise StageFailure("driving_clip_too_long", f"The driving clip is too long: {lengths}.")
