"""Remote engines at fal, through its queue API: submit a request, poll its status URL, download its result.

API reference: https://fal.ai/docs/api-reference/inference-api
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlencode

import httpx

from shared.core.config import Config
from shared.stages.catalogue_entry import Engine
from shared.stages.failures import StageFailure
from shared.stages.provider_prompts import with_camera
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role
from workers.engines import limits
from workers.engines.contract import Finished, Inputs, Pending, RemoteOutput, Unconfirmed
from workers.engines.provider import Provider, forbidden, not_made, unwilling, without_file

_RETRYABLE = {"internal_server_error", "internal_error", "startup_timeout", "request_timeout", "generation_timeout"}


class FalConfig(Config):
    fal_url: str = "https://queue.fal.run"
    fal_timeout_seconds: float = 20


@dataclass(frozen=True)
class _App:
    """The input of an app, which differs from app to app."""

    picture: str = "image_url"  # the field of the first frame
    last_picture: str | None = None  # the field of the last frame
    ending: str = ""  # of the prompt
    duration: type[str] | type[int] = str
    seed: bool = False
    fixed: Mapping[str, object] = field(default_factory=dict)


_APPS: Mapping[str, _App] = {  # by engine
    "fal-kling": _App(picture="start_image_url", ending=" The film begins with @Image1."),
    "fal-kling-turbo": _App(last_picture="tail_image_url"),
    "fal-pika": _App(duration=int, seed=True, fixed={"resolution": "720p"}),
}


class FalVideo:
    """The engine of all apps: they accept whole seconds, and the camera move as text."""

    def __init__(self, entry: Engine) -> None:
        self._entry, self._app = entry, _APPS[entry.name]

    def submit(self, request: VideoSynthesisJob, inputs: Inputs) -> str:
        limits.check(self._entry, request)
        app = self._app
        body: dict[str, object] = {
            # Some apps have no negative prompt, so the prompt also contains the motions that the camera must not make.
            "prompt": with_camera(request.prompt, request.move) + app.ending,
            app.picture: inputs(request.image_url),
            "duration": app.duration(round(request.duration)),
            **app.fixed,
        }
        if app.last_picture and request.more_image_urls:
            body[app.last_picture] = inputs(request.more_image_urls[0])
        if app.seed:
            body["seed"] = request.seed
        webhook = f"?{urlencode({'fal_webhook': inputs.webhook_url})}" if inputs.webhook_url else ""
        accepted = self._provider.submit(f"{self._config.fal_url}/{self._entry.model}{webhook}", body)
        try:
            ticket = {name: str(accepted[f"{name}_url"]) for name in ("status", "response", "cancel")}
        except KeyError as error:
            raise Unconfirmed from error
        return json.dumps(ticket | {"id": str(accepted.get("request_id", ""))})

    def poll(self, ticket: str) -> Pending | Finished:
        state = self._provider.call("GET", json.loads(ticket)["status"])
        if state.get("status") != "COMPLETED":
            return Pending()
        if state.get("error"):
            raise _failure(str(state.get("error_type", "")))
        match self._provider.call("GET", json.loads(ticket)["response"]):
            case {"video": {"url": str(url)}}:
                output = RemoteOutput(Role.CLIP, url, "clip.mp4", "video/mp4")
                return Finished((output,), {"provider": "fal", "model": self._entry.model})
        raise without_file()

    def fetch(self, output: RemoteOutput, path: Path) -> None:
        self._provider.fetch(output.url, path, output.media_type)

    def cancel(self, ticket: str) -> None:
        """Cancel a request. A request that is finished (400) or unknown (404) is not an error."""
        self._provider.call("PUT", json.loads(ticket)["cancel"], ignored=frozenset({400, 404}))

    @cached_property
    def _config(self) -> FalConfig:
        return FalConfig()

    @cached_property
    def _provider(self) -> Provider:
        config = self._config
        return Provider("fal-key", config.fal_url, config.fal_timeout_seconds, _headers, _refusal)


def _headers(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Key {key}"}


def _refusal(answer: httpx.Response) -> StageFailure:
    if answer.status_code in {401, 402, 403}:
        return unwilling()
    if answer.status_code == 422 and "content_policy" in answer.text:
        return forbidden()
    return not_made()


def _failure(kind: str) -> StageFailure:
    """Return the failure for a request that ended with an error."""
    if "content_policy" in kind:
        return forbidden()
    return not_made(retryable=kind in _RETRYABLE or kind.startswith("runner_"))
