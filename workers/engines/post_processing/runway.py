"""Finishing at Runway: a model scales the clip up, or makes more frames. A worker does the rest of the step."""

from collections.abc import Callable, Mapping

from shared.stages.failures import StageFailure
from shared.stages.operations import final_size, parse
from shared.stages.requests import PostProcessingJob
from workers.engines.contract import Inputs
from workers.engines.runway_tasks import RunwayTasks

# By the film's short side, up to which it suffices. The SDK does not state the pixels of 1k, 2k and 4k: `finish` scales
# each clip to the film's size.
_RESOLUTIONS = {720: "720p", 1080: "1k", 1440: "2k", 2160: "4k"}


class RunwayFinishing(RunwayTasks):
    """The engine of Runway's models for finished clips. Its output is a clip, which `finish` completes."""

    def submit(self, request: PostProcessingJob, inputs: Inputs) -> str:
        return self._create("video_upscale", self.body(request, self._uploaded(inputs)))

    def body(self, request: PostProcessingJob, uri: Callable[[str], str]) -> Mapping[str, object]:
        """Return the body of the request. `uri` returns the address that Runway reads instead of an `s3://` address."""
        requested = parse(request.operations)
        operation = requested.get(str(self._entry.takes_over))
        if operation is None:
            raise StageFailure("engine_cannot", f"This engine does the operation {self._entry.takes_over}.")
        known = {"model": self._model, "videoUri": uri(request.video_url)}
        if operation.name == "interpolate":
            return {**known, "targetFramerate": operation.choice}
        short_side = min(final_size(request.width, request.height, requested))
        # Creativity 0 and `natural` are Runway's most faithful values: the clip keeps the creator's content.
        enough = min((side for side in _RESOLUTIONS if side >= short_side), default=max(_RESOLUTIONS))
        return {**known, "resolution": _RESOLUTIONS[enough], "flavor": "natural", "creativity": 0}
