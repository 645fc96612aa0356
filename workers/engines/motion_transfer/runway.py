"""Act-Two of Runway: a character of the clip performs as a person in the driving clip does."""

from collections.abc import Callable, Mapping

from shared.stages.failures import StageFailure
from shared.stages.frames import nearest_ratio
from shared.stages.requests import MotionTransferJob
from workers.engines.contract import Inputs
from workers.engines.runway_tasks import RunwayTasks


class RunwayPerformance(RunwayTasks):
    """The engine of Act-Two. The character is in the clip of video synthesis, so the film keeps its camera."""

    def submit(self, request: MotionTransferJob, inputs: Inputs) -> str:
        if nearest_ratio(request.width, request.height) not in (self._entry.ratios or {}):
            raise StageFailure("engine_cannot", "This engine cannot make a film in this aspect ratio.")
        return self._create("character_performance", self.body(request, self._uploaded(inputs)))

    def body(self, request: MotionTransferJob, uri: Callable[[str], str]) -> Mapping[str, object]:
        """Return the body of the request. `uri` returns the address that Runway reads instead of an `s3://` address."""
        return {
            "model": self._model,
            "character": {"type": "video", "uri": uri(request.video_url)},
            "reference": {"type": "video", "uri": uri(request.driving_url)},
            "ratio": (self._entry.ratios or {})[nearest_ratio(request.width, request.height)],
            "seed": request.seed,
        }
