"""Clips of Luma's Ray models."""

from collections.abc import Callable, Mapping

from shared.stages.frames import nearest_ratio
from shared.stages.provider_prompts import with_camera
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role
from workers.engines import limits
from workers.engines.contract import Finished, Pending
from workers.engines.luma_generations import LumaGenerations, first_file

_FRAMES_PER_SECOND = 24  # of the grid on which Luma places pictures, whatever the clip's own frame rate


class LumaVideo(LumaGenerations):
    """The engine of the Ray models: the first frame, and the last one or a loop."""

    def submit(self, request: VideoSynthesisJob, presigned_url: Callable[[str], str]) -> str:
        limits.check(self._entry, request)
        return self._create(request.user_id, self.body(request, presigned_url))

    def body(self, request: VideoSynthesisJob, presigned_url: Callable[[str], str]) -> Mapping[str, object]:
        """Return the body of the request. Only keyframes are possible in 10 seconds, and they exclude a loop."""
        pictures = [{"url": presigned_url(url)} for url in (request.image_url, *request.more_image_urls)]
        seconds = round(request.duration)
        if request.loop:
            frames: dict[str, object] = {"start_frame": pictures[0], "loop": True}
        else:
            places = (0, seconds * _FRAMES_PER_SECOND)
            frames = {"keyframes": pictures, "keyframe_indexes": list(places[: len(pictures)])}
        return {
            "type": "video",
            "model": self._entry.model,
            "prompt": with_camera(request.prompt, request.move),
            "aspect_ratio": nearest_ratio(request.width, request.height),
            "video": {"duration": f"{seconds}s", "resolution": "720p", **frames},
        }

    def poll(self, ticket: str) -> Pending | Finished:
        clip = first_file(Role.CLIP, "clip.mp4", "video/mp4")
        return self._polled(ticket, clip, {"provider": "luma", "model": self._entry.model})
