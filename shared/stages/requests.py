"""The request of each stage: the job data of the API contract, and the other fields that the engines need.

Each `..._url` is an `s3://bucket/key` address in the media bucket. Sizes are in pixels, durations in seconds.
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
Place = tuple[Fraction, Fraction, Fraction, Fraction]  # left, top, right, bottom
TransferMode = Literal["handheld", "stabilised", "exact"]

MAX_PICTURES = 4
"""Maximum number of pictures in one film."""

_SHORTEST_DRIVING_SECONDS, _LONGEST_DRIVING_SECONDS = 3, 30
_TOLERANCE_SECONDS = 0.1  # encoding may drop or add a few frames
_MAX_ASPECT_RATIO = 4  # maximum of longer side / shorter side; the widest film is 21:9


class StageRequest(Wire):
    job_id: str
    user_id: str


class FramedRequest(StageRequest):
    """A request with a frame size. Aspect ratios beyond 4:1 are rejected, because no stage supports them."""

    width: Pixels
    height: Pixels

    @model_validator(mode="after")
    def _check_aspect_ratio(self) -> Self:
        if max(self.width, self.height) > _MAX_ASPECT_RATIO * min(self.width, self.height):
            raise ValueError(f"{self.width} x {self.height} is longer than {_MAX_ASPECT_RATIO}:1")
        return self


class ImageGenerationJob(FramedRequest):
    """A request to paint `prompt`. The picture is larger than the film's frame, so the camera has room to move."""

    prompt: str
    style: str | None = None
    aspect_ratio: str
    seed: int = Field(ge=0, le=2**32 - 1)


class VideoSynthesisJob(FramedRequest):
    """A request to move the camera over a picture.

    Without depth or focal point (x, y), the engine estimates them. Without scenery, it estimates what near objects
    hide. `layer_urls` are a provider's layers of the first picture, from the nearest one to the background: PNGs of the
    picture's shape with transparency. They replace the scenery. With more pictures, the move goes over all of them in
    order and ends on the last one; depth, scenery, layers and focal point belong to the first picture. If `loop`, the
    first frame can follow the last one.
    """

    image_url: str
    more_image_urls: tuple[str, ...] = Field(default=(), max_length=MAX_PICTURES - 1)
    loop: bool = False
    depth_url: str | None = None
    scenery_url: str | None = None
    layer_urls: tuple[str, ...] | None = None
    focal_point: FocalPoint | None = None
    prompt: str
    preset_id: str
    move: CameraMove
    duration: Duration
    fps: Fps
    seed: int = Field(ge=0, le=2**32 - 1)


class MotionTransferJob(FramedRequest):
    """A request to make a clip of the picture that moves as a driving clip does.

    `video_url` is the clip of video synthesis. Mode `exact` copies the path; `stabilised` removes its shake;
    `handheld` removes the shake and adds it again at its original speed and size, after the path is scaled.
    """

    video_url: str
    mode: TransferMode = "stabilised"
    driving_url: str
    image_url: str
    depth_url: str | None = None
    scenery_url: str | None = None
    focal_point: FocalPoint | None = None
    prompt: str | None = None  # only for an engine that reads it: a worker of the previous release does not know it
    preset_id: str
    move: CameraMove
    duration: Duration
    fps: Fps
    seed: int = Field(ge=0, le=2**32 - 1)


class Ingredient(Wire):
    """A file that a film was made from. `engine` made it, or the creator uploaded it if `engine` is None."""

    role: Role
    url: str
    engine: str | None = None


class PostProcessingJob(FramedRequest):
    """A request to scale a clip to `width` x `height`, do `operations`, add sound and captions, and encode the film."""

    video_url: str
    operations: tuple[str, ...] = ()
    seed: int = Field(ge=0, le=2**32 - 1)
    audio_url: str | None = None
    captions_url: str | None = None
    ingredients: tuple[Ingredient, ...] = ()  # for the film's provenance
    subject_place: Place | None = None  # where the subject is in the clip, so that bars do not cover it
    sound_prompt: str | None = None  # of an engine that makes the soundtrack
    duration: Duration | None = None  # of the film, if a provider does a part of the step
    asked_move: CameraMove | None = None  # the move of a remote engine's clip, to calculate its motion score


def check_driving_seconds(seconds: float) -> None:
    """Raise StageFailure `driving_clip_too_short` or `driving_clip_too_long` if the duration is not supported."""
    allowed = f"It must last {_SHORTEST_DRIVING_SECONDS} to {_LONGEST_DRIVING_SECONDS} seconds."
    if seconds < _SHORTEST_DRIVING_SECONDS - _TOLERANCE_SECONDS:
        raise StageFailure("driving_clip_too_short", f"The driving clip is too short. {allowed}")
    if seconds > _LONGEST_DRIVING_SECONDS + _TOLERANCE_SECONDS:
        raise StageFailure("driving_clip_too_long", f"The driving clip is too long. {allowed}")
