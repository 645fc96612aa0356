"""The models of Runway, and those of others that it serves, which make a clip from pictures."""

from collections.abc import Callable, Mapping

from shared.stages.frames import nearest_ratio
from shared.stages.provider_prompts import with_camera
from shared.stages.requests import VideoSynthesisJob
from workers.engines import limits
from workers.engines.contract import Inputs
from workers.engines.runway_tasks import RunwayTasks

_FIXED: Mapping[str, Mapping[str, object]] = {  # sound costs more, and the film gets its own
    "veo3.1": {"audio": False},
    "veo3.1_fast": {"audio": False},
    "kling3.0_standard": {"audio": False},
    "seedance2": {"audio": False},
    "seedance2_fast": {"audio": False},
    "seedance2_5": {"audio": False},
}
_WITHOUT_SEED = frozenset({"kling2.5_turbo_pro", "kling3.0_standard", "gemini_omni_flash_1.1"})


class RunwayVideo(RunwayTasks):
    """The engine of all models that make a clip from a first frame, some also from a last one."""

    def submit(self, request: VideoSynthesisJob, inputs: Inputs) -> str:
        limits.check(self._entry, request)
        return self._create("image_to_video", self.body(request, self._uploaded(inputs)))

    def body(self, request: VideoSynthesisJob, uri: Callable[[str], str]) -> Mapping[str, object]:
        """Return the body of the request. `uri` returns the address that Runway reads instead of an `s3://` address."""
        pictures = zip(("first", "last"), (request.image_url, *request.more_image_urls), strict=False)
        body: dict[str, object] = {
            "model": self._model,
            "promptText": with_camera(request.prompt, request.move),
            "promptImage": [{"uri": uri(url), "position": position} for position, url in pictures],
            "duration": round(request.duration),
            **_FIXED.get(self._model, {}),
        }
        if self._entry.ratios is not None:  # otherwise the clip has the aspect ratio of the picture
            body["ratio"] = self._entry.ratios[nearest_ratio(request.width, request.height)]
        if self._model not in _WITHOUT_SEED:
            body["seed"] = request.seed
        return body
