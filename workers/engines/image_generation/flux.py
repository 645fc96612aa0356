"""Pictures of the FLUX API of Black Forest Labs: submit a request, poll the URL that it answers with, download.

API reference: https://docs.bfl.ai. Some polling URLs are at a regional host of `bfl.ai`. An answer to a request with a
webhook can have no polling URL.
"""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import urlencode

import httpx

from shared.core.config import Config
from shared.stages.catalogue_entry import Engine
from shared.stages.failures import StageFailure
from shared.stages.requests import ImageGenerationJob
from shared.stages.stages import Role
from workers.engines import limits
from workers.engines.contract import Finished, Inputs, Pending, RemoteOutput, Unconfirmed
from workers.engines.provider import Provider, forbidden, not_made, unwilling, without_file

_PIXELS = 2 * 1024 * 1024  # the price grows with the pixels; the catalogue has the price of this size
_MULTIPLE = 16


class FluxConfig(Config):
    flux_url: str = "https://api.bfl.ai"
    flux_timeout_seconds: float = 20


class FluxPicture:
    """The engine of the FLUX.2 models. It makes no depth map, so later stages estimate it."""

    def __init__(self, entry: Engine) -> None:
        self._model = str(entry.model)

    def submit(self, request: ImageGenerationJob, inputs: Inputs) -> str:
        width, height = limits.frame(request.width, request.height, pixels=_PIXELS, multiple=_MULTIPLE)
        body: dict[str, object] = {
            "prompt": ", ".join(filter(None, [request.prompt, request.style])),
            "width": width,
            "height": height,
            "seed": request.seed,
            "output_format": "png",
        }
        if inputs.webhook_url and inputs.webhook_secret:
            body |= {"webhook_url": inputs.webhook_url, "webhook_secret": inputs.webhook_secret}
        accepted = self._provider.submit(f"{self._config.flux_url}/v1/{self._model}", body)
        match accepted:
            case {"polling_url": str(url)}:
                return json.dumps({"id": accepted.get("id"), "poll": url})
            case {"id": str(request_id)}:
                url = f"{self._config.flux_url}/v1/get_result?{urlencode({'id': request_id})}"
                return json.dumps({"id": request_id, "poll": url})
        raise Unconfirmed

    def poll(self, ticket: str) -> Pending | Finished:
        """Return the request's state. A state that this release does not know is not an end."""
        match self._provider.call("GET", json.loads(ticket)["poll"]):
            case {"status": "Ready", "result": {"sample": str(url)}}:
                output = RemoteOutput(Role.PICTURE, url, "picture.png", "image/png")
                return Finished((output,), {"painter": f"{self._model} of Black Forest Labs, a trained model"})
            case {"status": "Ready"}:
                raise without_file()
            case {"status": "Request Moderated" | "Content Moderated"}:
                raise forbidden()
            case {"status": "Error" | "Task not found" as status}:
                raise not_made(retryable=status == "Error")
            case {"status": "Pending", "progress": int() | float() as fraction}:
                return Pending(min(1.0, max(0.0, fraction)))
        return Pending()

    def fetch(self, output: RemoteOutput, path: Path) -> None:
        self._provider.fetch(output.url, path, output.media_type, renewed=True)

    def cancel(self, ticket: str) -> None:
        """Do nothing: the API has no cancel, and a picture takes seconds."""

    @cached_property
    def _config(self) -> FluxConfig:
        return FluxConfig()

    @cached_property
    def _provider(self) -> Provider:
        config = self._config
        return Provider("flux-key", config.flux_url, config.flux_timeout_seconds, _headers, _refusal, domain="bfl.ai")


def _headers(key: str) -> Mapping[str, str]:
    return {"x-key": key}


def _refusal(answer: httpx.Response) -> StageFailure:
    return unwilling() if answer.status_code in {401, 402, 403} else not_made()
