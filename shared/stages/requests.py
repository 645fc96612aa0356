"""What each stage is asked to do: the seed's job data, with the fields that its engines need beside them.

Every `..._url` is an `s3://bucket/key` address of our own storage; sizes are pixels, durations seconds.
"""

from typing import Annotated, Literal

from pydantic import Field

from shared.camera.move import CameraMove
from shared.core.wire import Wire
from shared.stages.stages import Role

Pixels = Annotated[int, Field(ge=64, le=8192)]
Fps = Annotated[int, Field(ge=12, le=60)]
Duration = Annotated[float, Field(ge=1, le=30)]
Fraction = Annotated[float, Field(ge=0, le=1)]
FocalPoint = tuple[Fraction, Fraction]
TransferMode = Literal["handheld", "stabilised", "exact"]

MOST_PICTURES = 4
"""So many pictures one move may lead over."""


class StageRequest(Wire):
    job_id: str
    user_id: str


class ImageGenerationJob(StageRequest):
    """Paint `prompt`; the picture is larger than the film's frame so that the camera has room to move."""

    prompt: str
    style: str | None = None
    aspect_ratio: str
    width: Pixels
    height: Pixels
    seed: int = Field(ge=0, le=2**32 - 1)


class VideoSynthesisJob(StageRequest):
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
    width: Pixels
    height: Pixels
    fps: Fps
    seed: int = Field(ge=0, le=2**32 - 1)


class MotionTransferJob(StageRequest):
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
    width: Pixels
    height: Pixels
    fps: Fps
    seed: int = Field(ge=0, le=2**32 - 1)


class Ingredient(Wire):
    """What went into a film: `engine` made it, or the creator brought it."""

    role: Role
    url: str
    engine: str | None = None


class PostProcessingJob(StageRequest):
    """Finish a clip: scale it to `width` x `height`, do the `operations`, lay sound and captions over it, encode."""

    video_url: str
    operations: tuple[str, ...] = ()
    width: Pixels
    height: Pixels
    seed: int = Field(ge=0, le=2**32 - 1)
    audio_url: str | None = None
    captions_url: str | None = None
    ingredients: tuple[Ingredient, ...] = ()  # for the film's provenance
