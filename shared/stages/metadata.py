"""Metadata of a step by stage: the keys of `StepView.metadata` on the wire. Pure.

Keys are camelCase, as in all data for clients. An engine reports the keys that apply to its run.
"""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from shared.stages.stages import Stage

FOCAL_POINT: Final = "focalPoint"
SUBJECT_PLACE: Final = "subjectPlace"
MOTION_SCORE: Final = "motionScore"
MOTION_PROMISE: Final = "motionPromise"
UNDERSTOOD: Final = "understood"
NOT_UNDERSTOOD: Final = "notUnderstood"
READ_AS: Final = "readAs"


class ImageGenerationMetadata(TypedDict, total=False):
    """Metadata of a picture."""

    painter: str
    understood: list[str]  # phrases of the prompt and the style, in order
    notUnderstood: list[str]  # wire name; the other words, of which nothing is painted
    readAs: dict[str, str]  # wire name; a word that the painter does not know -> the near phrase that it painted
    place: str
    timeOfDay: str  # wire name
    weather: str
    mood: str
    palette: str
    style: str
    accents: list[str]
    focalPoint: list[float]  # wire name; x and y of the subject, as fractions of width and height


class FramePath(TypedDict):
    """The path of the frame over the picture at its mean distance. Each list has one number for each moment."""

    right: list[float]  # of the frame's centre, in frame widths
    up: list[float]  # of the frame's centre, in frame widths
    zoom: list[float]  # magnification: 1 at the start, 2 if the frame shows half the width
    roll: list[float]  # degrees clockwise


class MeasuredPath(TypedDict):
    """A stretch of a clip in which landmarks of the picture were followed. Both paths start at 0, and at zoom 1."""

    at: list[float]  # moments, as fractions of the clip's duration
    asked: FramePath  # of the camera move, for the same landmarks
    measured: FramePath  # from the frames of the clip, before post-processing


class RenderedMetadata(TypedDict, total=False):
    """Metadata of a clip that Kinora's renderer filmed."""

    cameraPath: list[MeasuredPath]  # wire name; absent if no landmark could be followed
    subjectPlace: list[float]  # wire name; the frame's part with the subject in it: left, top, right, bottom, 0..1


class PhotographMetadata(TypedDict, total=False):
    """Metadata of a clip of photographs, whose depth is estimated."""

    shapeScore: float  # wire name; 0..1, how well straight lines, faces and the subject keep their shape
    pathKept: float  # wire name; 0..1, the share of the camera path that keeps shapes, and the subject in the frame
    reliefKept: float  # wire name; 0..1, the share of the estimated depth that keeps the shapes
    subject: Literal["face", "object", "point"]  # how the subject of the first photograph was found
    subjectCutOut: bool  # wire name; True if the subject is a layer of its own, which a trained model cut out


class _ClipMetadata(TypedDict, total=False):
    """Metadata of moving pictures."""

    frames: int
    framesPerSecond: float  # wire name; frames that the worker rendered per second of its time
    motionScore: float  # wire name; 0..1, how well the clip follows the camera move
    fps: float  # of the clip
    droppedAxes: list[str]  # wire name; axes of the move that the engine does not support


class VideoSynthesisMetadata(_ClipMetadata, RenderedMetadata, PhotographMetadata, total=False):
    """Metadata of a clip made from a picture."""

    depth: Literal["given", "estimated"]
    layers: int  # of the picture, with the background, if a provider's model cut it into layers
    motionPromise: float  # wire name; lowest motion score of a clip of this engine that follows its move


class MotionTransferMetadata(_ClipMetadata, RenderedMetadata, PhotographMetadata, total=False):
    """Metadata of a clip that follows a driving clip."""

    pathLength: float  # wire name; length of the driving clip's camera path, in frame widths
    inlierRatio: float  # wire name; 0..1, share of the tracked corners that agree with the camera path


class PostProcessingMetadata(_ClipMetadata, total=False):
    """Metadata of a finished film."""

    bytes: int
    operations: list[str]
    signed: bool  # True if the film carries a C2PA manifest
    jitterBefore: float  # wire name; jitter of the camera path before stabilising
    jitterAfter: float  # wire name; jitter of the camera path after stabilising
    crop: float  # zoom factor of stabilising
    cuts: int  # number of cuts that interpolation found
    captions: int  # number of captions in the film
    captionsAfterEnd: int  # wire name; number of captions that begin after the film's end and are not in it
    lufsBefore: float  # wire name; loudness of the uploaded track
    lufs: float
    gainDb: float  # wire name


@with_config(ConfigDict(extra="allow"))  # steps of older releases may have other keys
class StepMetadata(
    ImageGenerationMetadata, VideoSynthesisMetadata, MotionTransferMetadata, PostProcessingMetadata, total=False
):
    """Metadata of a step as clients read it: the keys of every stage."""


METADATA: Mapping[Stage, type[Mapping[str, object]]] = {
    Stage.IMAGE_GENERATION: ImageGenerationMetadata,
    Stage.VIDEO_SYNTHESIS: VideoSynthesisMetadata,
    Stage.MOTION_TRANSFER: MotionTransferMetadata,
    Stage.POST_PROCESSING: PostProcessingMetadata,
}


def declared(stage: Stage) -> frozenset[str]:
    """Return the keys that a step of the stage may report. A stage without an entry reports none."""
    return frozenset(METADATA[stage].__annotations__ if stage in METADATA else ())
