"""The four stages: what each consumes and produces, and the one spelling of its name."""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """A kind of work, the seed's `StepType`; a job's run of it is a *step*."""

    IMAGE_GENERATION = "IMAGE_GENERATION"
    VIDEO_SYNTHESIS = "VIDEO_SYNTHESIS"
    MOTION_TRANSFER = "MOTION_TRANSFER"
    POST_PROCESSING = "POST_PROCESSING"

    @property
    def folder(self) -> str:
        """Name of its engine folder: `image_generation`."""
        return self.value.lower()

    @property
    def queue(self) -> str:
        """Name of its queue, without the environment's prefix: `image-generation`."""
        return self.folder.replace("_", "-")

    @property
    def priority_queue(self) -> str:
        """Name of its queue for paid plans: `image-generation-priority`. Workers look there first."""
        return f"{self.queue}-priority"

    @property
    def state(self) -> str:
        """Name of its state in the state machine: `ImageGeneration`."""
        return "".join(word.capitalize() for word in self.folder.split("_"))

    @property
    def key(self) -> str:
        """Its name inside camelCase JSON: `imageGeneration`."""
        return self.state[0].lower() + self.state[1:]


class Role(StrEnum):
    """What a piece of media is to the job."""

    PICTURE = "picture"  # the still: RGB, PNG
    DEPTH = "depth"  # nearness of each point of the picture: 16-bit grey PNG, 0 far, 65535 near, any size
    SCENERY = "scenery"  # the picture in parts: backdrop, its depth, and what stands before it; ZIP of PNGs
    DRIVING = "driving"  # an uploaded clip whose camera path is copied
    AUDIO = "audio"  # an uploaded track that is laid under the film
    CAPTIONS = "captions"  # uploaded SRT, drawn into the film
    CLIP = "clip"  # moving pictures between stages: nearly lossless H.264
    VIDEO = "video"  # the finished film: faststart MP4 of H.264
    AV1 = "av1"  # the same in AV1
    STREAM = "stream"  # the same film as one fragmented MP4, cut by byte ranges for HLS
    PLAYLIST = "playlist"  # its HLS playlist, unsigned
    POSTER = "poster"  # full-size JPEG
    THUMBNAIL = "thumbnail"  # small JPEG
    PREVIEW = "preview"  # the film's first seconds, small and silent: animated WebP
    GIF = "gif"  # the same as GIF
    SPRITES = "sprites"  # small frames at even steps on one JPEG, for scrubbing
    SCRUBBING = "scrubbing"  # WebVTT: which part of the sprites belongs to which time


@dataclass(frozen=True, slots=True)
class StageSpec:
    """The contract of one stage."""

    consumes: frozenset[Role]
    produces: frozenset[Role]
    timeout_seconds: int  # backstop of the state machine: queueing and the boot of a GPU included
    heartbeat_seconds: int  # backstop too: leases and queue visibility are what notices a dead worker first
    on_request: frozenset[Role] = frozenset()  # what it produces only where it is asked to, or has something to show


STAGES: dict[Stage, StageSpec] = {
    Stage.IMAGE_GENERATION: StageSpec(
        consumes=frozenset(),
        produces=frozenset({Role.PICTURE, Role.DEPTH}),
        on_request=frozenset({Role.SCENERY}),
        timeout_seconds=3600,
        heartbeat_seconds=1800,
    ),
    Stage.VIDEO_SYNTHESIS: StageSpec(
        consumes=frozenset({Role.PICTURE, Role.DEPTH, Role.SCENERY}),
        produces=frozenset({Role.CLIP}),
        timeout_seconds=3600,
        heartbeat_seconds=1800,
    ),
    Stage.MOTION_TRANSFER: StageSpec(
        consumes=frozenset({Role.PICTURE, Role.DEPTH, Role.SCENERY, Role.CLIP, Role.DRIVING}),
        produces=frozenset({Role.CLIP}),
        timeout_seconds=3600,
        heartbeat_seconds=1800,
    ),
    Stage.POST_PROCESSING: StageSpec(
        consumes=frozenset({Role.CLIP, Role.AUDIO, Role.CAPTIONS}),
        produces=frozenset(
            {
                Role.VIDEO,
                Role.STREAM,
                Role.PLAYLIST,
                Role.POSTER,
                Role.THUMBNAIL,
                Role.PREVIEW,
                Role.SPRITES,
                Role.SCRUBBING,
            }
        ),
        on_request=frozenset({Role.AV1, Role.GIF}),
        timeout_seconds=3600,
        heartbeat_seconds=1800,
    ),
}
