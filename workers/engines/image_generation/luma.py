"""Pictures of Luma's Uni models."""

from collections.abc import Callable, Mapping

from shared.stages.failures import StageFailure
from shared.stages.requests import ImageGenerationJob
from shared.stages.stages import Role
from workers.engines.contract import Finished, Pending
from workers.engines.luma_generations import LumaGenerations, first_file


class LumaPicture(LumaGenerations):
    """The engine of the Uni models. It makes no depth map, so later stages estimate it."""

    def submit(self, request: ImageGenerationJob, _presigned_url: Callable[[str], str]) -> str:
        if request.aspect_ratio not in (self._entry.ratios or {}):
            raise StageFailure("engine_cannot", f"This engine cannot make a picture in {request.aspect_ratio}.")
        return self._create(request.user_id, self.body(request))

    def body(self, request: ImageGenerationJob) -> Mapping[str, object]:
        """Return the body of the request."""
        return {
            "type": "image",
            "model": self._entry.model,
            "prompt": ", ".join(filter(None, [request.prompt, request.style])),
            "aspect_ratio": request.aspect_ratio,
            "output_format": "png",
        }

    def poll(self, ticket: str) -> Pending | Finished:
        picture = first_file(Role.PICTURE, "picture.png", "image/png")
        return self._polled(ticket, picture, {"painter": f"{self._entry.model} of Luma, a trained model"})
