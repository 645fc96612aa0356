"""Act-Two of Runway: a character of the clip performs as a person in the driving clip does."""

from collections.abc import Callable, Mapping

from shared.stages.failures import StageFailure
from shared.stages.frames import nearest_ratio
from shared.stages.requests import MotionTransferJob
from workers.engines.runway_tasks import RunwayTasks


class RunwayPerformance(RunwayTasks):
    """The engine of Act-Two. The character is in the clip of video synthesis, so the film keeps its camera."""

    def submit(self, request: MotionTransferJob, presigned_url: Callable[[str], str]) -> str:
        if nearest_ratio(request.width, request.height) not in (self._entry.ratios or {}):
            raise StageFailure("engine_cannot", "This engine cannot make a film in this aspect ratio.")
        return self._create("character_performance", self.body(request, presigned_url))

    def body(self, request: MotionTransferJob, presigned_url: Callable[[str], str]) -> Mapping[str, object]:
        """Return the body of the request."""
        return {
            "model": self._model,
            "character": {"type": "video", "uri": presigned_url(request.video_url)},
            "reference": {"type": "video", "uri": presigned_url(request.driving_url)},
            "ratio": (self._entry.ratios or {})[nearest_ratio(request.width, request.height)],
            "seed": request.seed,
        }
