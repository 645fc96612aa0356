"""The request bodies of `/api/jobs`."""

from pydantic import ConfigDict, Field

from shared.assets.record import AssetType
from shared.core.wire import Id, Wire
from shared.jobs.spec import JobInput, JobSettings
from shared.stages.requests import MAX_PICTURES
from shared.stages.stages import Role

INPUT_TYPES = {
    Role.PICTURE: AssetType.IMAGE,
    Role.DRIVING: AssetType.VIDEO,
    Role.AUDIO: AssetType.AUDIO,
    Role.CAPTIONS: AssetType.OTHER,
}


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
    inputs: tuple[JobInput, ...] = Field(default=(), max_length=len(INPUT_TYPES) - 1 + MAX_PICTURES)
