"""The four stages: their inputs and outputs, and the spellings of their names."""

from dataclasses import dataclass
from enum import StrEnum

from shared.stages.requests import (
    ImageGenerationJob,
    MotionTransferJob,
    PostProcessingJob,
    StageRequest,
    VideoSynthesisJob,
)
from shared.stages.roles import Role

__all__ = ["FILM", "STAGES", "Role", "Stage", "StageSpec"]  # Role has its own module because the requests use it too


class Stage(StrEnum):
    """A kind of work. A job's run of it is a *step*. In the API contract its name is `StepType`."""

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
        """Name of its queue for paid plans: `image-generation-priority`. Workers poll it first."""
        return f"{self.queue}-priority"

    @property
    def state(self) -> str:
        """Name of its state in the state machine: `ImageGeneration`."""
        return "".join(word.capitalize() for word in self.folder.split("_"))

    @property
    def key(self) -> str:
        """Its name inside camelCase JSON: `imageGeneration`."""
        return self.state[0].lower() + self.state[1:]


FILM = Stage.POST_PROCESSING  # the stage that makes the film
WORK_SECONDS = 7200  # maximum time from the start of a job to its end, with all waits in the queues of its stages


@dataclass(frozen=True, slots=True)
class StageSpec:
    """The contract of one stage."""

    request: type[StageRequest]
    consumes: frozenset[Role]
    produces: frozenset[Role]  # every result has these outputs
    main: Role  # the output that a step shows as its result
    invocation_seconds: int  # maximum duration of one invocation of the stage's SageMaker endpoint
    on_request: frozenset[Role] = frozenset()  # optional outputs
    delivers: frozenset[Role] = frozenset()  # the outputs that the creator may read when the job is paid
    only_with: Role | None = None  # a job has the step only if it has an input with this role
    not_with: Role | None = None  # a job does not have the step if it has an input with this role

    def needed_for(self, inputs: frozenset[Role]) -> bool:
        """Return whether a job with these inputs has a step of this stage."""
        return (self.only_with is None or self.only_with in inputs) and self.not_with not in inputs


_FILM_FILES = frozenset(
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
)
_EXTRAS = frozenset({Role.AV1, Role.GIF})
_LAST_FRAME = frozenset({Role.PICTURE})  # the film's last frame without treatments, from which another film can go on

STAGES: dict[Stage, StageSpec] = {
    Stage.IMAGE_GENERATION: StageSpec(
        request=ImageGenerationJob,
        consumes=frozenset(),
        produces=frozenset({Role.PICTURE, Role.DEPTH}),
        main=Role.PICTURE,
        on_request=frozenset({Role.SCENERY}),
        delivers=frozenset({Role.PICTURE}),
        not_with=Role.PICTURE,
        invocation_seconds=3600,
    ),
    Stage.VIDEO_SYNTHESIS: StageSpec(
        request=VideoSynthesisJob,
        consumes=frozenset({Role.PICTURE, Role.DEPTH, Role.SCENERY}),
        produces=frozenset({Role.CLIP}),
        main=Role.CLIP,
        invocation_seconds=3600,
    ),
    Stage.MOTION_TRANSFER: StageSpec(
        request=MotionTransferJob,
        only_with=Role.DRIVING,
        consumes=frozenset({Role.PICTURE, Role.DEPTH, Role.SCENERY, Role.CLIP, Role.DRIVING}),
        produces=frozenset({Role.CLIP}),
        main=Role.CLIP,
        invocation_seconds=3600,
    ),
    Stage.POST_PROCESSING: StageSpec(
        request=PostProcessingJob,
        main=Role.VIDEO,
        consumes=frozenset({Role.CLIP, Role.AUDIO, Role.CAPTIONS}),
        produces=_FILM_FILES,
        on_request=_EXTRAS | _LAST_FRAME,
        delivers=_FILM_FILES | _EXTRAS,
        invocation_seconds=3600,
    ),
}
