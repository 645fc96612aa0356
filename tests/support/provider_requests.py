"""Requests that remote engines can do."""

from pathlib import Path
from typing import Any

from shared.camera.catalogue import default_moves
from shared.stages.engines import Engine
from shared.stages.requests import ImageGenerationJob, MotionTransferJob, PostProcessingJob, VideoSynthesisJob


class Files:
    """Inputs whose content is their address."""

    webhook_url = webhook_secret = None

    def __call__(self, address: str) -> str:
        return f"https://signed/{address}"

    def fetch(self, address: str, path: Path) -> None:
        path.write_text(address)


def video_request(entry: Engine, **other: Any) -> VideoSynthesisJob:
    """Return a request within the limits of the engine, with as many pictures as it accepts."""
    fields: dict[str, Any] = {
        "job_id": "job_1", "user_id": "usr_1", "image_url": "s3://media/1.png", "prompt": "a lake",
        "preset_id": "static", "move": default_moves()["dolly-in"].move, "width": 1280, "height": 720, "fps": 24,
        "seed": 7, "duration": min(entry.durations or {5.0}),
        "more_image_urls": ("s3://media/2.png",) * (0 if other.get("loop") else (entry.max_pictures or 1) - 1),
    }  # fmt: skip
    return VideoSynthesisJob(**fields | other)


def performance_request(**other: Any) -> MotionTransferJob:
    fields: dict[str, Any] = {
        "job_id": "job_1", "user_id": "usr_1", "video_url": "s3://media/clip.mp4", "image_url": "s3://media/1.png",
        "driving_url": "s3://media/driving.mp4", "preset_id": "static",
        "move": default_moves()["dolly-in"].move, "width": 1280, "height": 720, "fps": 24, "seed": 7, "duration": 5,
    }  # fmt: skip
    return MotionTransferJob(**fields | other)


def sound_request(**other: Any) -> PostProcessingJob:
    fields: dict[str, Any] = {
        "job_id": "job_1", "user_id": "usr_1", "video_url": "s3://media/clip.mp4", "width": 1280, "height": 720,
        "seed": 7, "sound_prompt": "slow waves", "duration": 5,
    }  # fmt: skip
    return PostProcessingJob(**fields | other)


def picture_request(**other: Any) -> ImageGenerationJob:
    fields: dict[str, Any] = {
        "job_id": "job_1", "user_id": "usr_1", "prompt": "a lake", "style": "oil", "aspect_ratio": "16:9",
        "width": 1536, "height": 864, "seed": 7,
    }  # fmt: skip
    return ImageGenerationJob(**fields | other)
