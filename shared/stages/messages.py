"""The messages on the queues. They are versioned, because a new version of the code reads older messages."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from shared.core.wire import Wire
from shared.stages.requests import ImageGenerationJob, MotionTransferJob, PostProcessingJob, VideoSynthesisJob
from shared.stages.stages import Stage


class _Task(Wire):
    version: Literal[1] = 1
    job_id: str
    step_id: str
    engine: str


class ImageGenerationTask(_Task):
    stage: Literal[Stage.IMAGE_GENERATION] = Stage.IMAGE_GENERATION
    request: ImageGenerationJob


class VideoSynthesisTask(_Task):
    stage: Literal[Stage.VIDEO_SYNTHESIS] = Stage.VIDEO_SYNTHESIS
    request: VideoSynthesisJob


class MotionTransferTask(_Task):
    stage: Literal[Stage.MOTION_TRANSFER] = Stage.MOTION_TRANSFER
    request: MotionTransferJob


class PostProcessingTask(_Task):
    stage: Literal[Stage.POST_PROCESSING] = Stage.POST_PROCESSING
    request: PostProcessingJob


StageTask = ImageGenerationTask | VideoSynthesisTask | MotionTransferTask | PostProcessingTask

STAGE_TASK: TypeAdapter[StageTask] = TypeAdapter(
    Annotated[StageTask, Field(discriminator="stage")], config=ConfigDict(hide_input_in_errors=True)
)


class RemoteTask(Wire):
    """A request to submit a step to its provider, or to make poll number `poll_no` of `attempt`."""

    version: Literal[1] = 1
    task: StageTask = Field(discriminator="stage")
    attempt: str | None = None
    poll_no: int = Field(default=0, ge=0)


class AssetVerificationTask(Wire):
    """A request to verify the upload of an asset."""

    version: Literal[1] = 1
    asset_id: str
