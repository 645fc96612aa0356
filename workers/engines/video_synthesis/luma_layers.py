"""Layers of a picture, which a model of Luma cuts out. A worker renders the camera path over them.

The SDK of Luma states the request, and that the answer lists the layers from the nearest one to the background. It
does not state the size of a layer, nor the largest number of layers; workers/media/cut_layers.py checks the files.
"""

from collections.abc import Callable, Mapping, Sequence

from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role
from workers.engines import limits
from workers.engines.contract import Finished, Pending, RemoteOutput
from workers.engines.luma_generations import LumaGenerations

# Luma requires a text, and reads the picture itself. The creator's prompt describes a film, so it is not sent.
_GUIDANCE = "Separate the main subject, each other object at a distance of its own, and the background."


class LumaLayers(LumaGenerations):
    """The engine of Luma's layering. Its outputs are no clip: `parallax` completes the step."""

    def submit(self, request: VideoSynthesisJob, presigned_url: Callable[[str], str]) -> str:
        limits.check(self._entry, request)
        return self._create(request.user_id, self.body(request, presigned_url))

    def body(self, request: VideoSynthesisJob, presigned_url: Callable[[str], str]) -> Mapping[str, object]:
        """Return the body of the request."""
        return {
            "type": "layering",
            "model": self._entry.model,
            "prompt": _GUIDANCE,
            "source": {"url": presigned_url(request.image_url)},
            "layering": {"resolution": "2k" if min(request.width, request.height) > 720 else "1k"},
            "output_format": "png",
        }

    def poll(self, ticket: str) -> Pending | Finished:
        return self._polled(ticket, _layers, {"provider": "luma", "model": self._entry.model})


def _layers(files: Sequence[object]) -> tuple[RemoteOutput, ...]:
    """Return the layers in order. An output without a layer's facts is not one of them."""
    found: dict[int, str] = {}
    for file in files:
        match file:
            case {"url": str(url), "layer": {"index": int(index)}}:
                found[index] = url
    return tuple(
        RemoteOutput(Role.SCENERY, url, f"layer{number:02}.png", "image/png")
        for number, (_, url) in enumerate(sorted(found.items()))
    )
