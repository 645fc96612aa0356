"""Clips of Luma's Ray models: submit a generation, poll it, download its clip.

API reference: https://docs.agents.lumalabs.ai. Luma has no cancel and no seed. A poll renews the URL of the clip.
"""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import httpx

from shared.core.config import Config
from shared.stages.catalogue_entry import Engine
from shared.stages.failures import StageFailure
from shared.stages.frames import nearest_ratio
from shared.stages.provider_prompts import with_camera
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role
from workers.engines import limits
from workers.engines.contract import Finished, Pending, RemoteOutput, Unconfirmed
from workers.engines.provider import Provider, forbidden, not_made, unwilling, without_file

_RETRYABLE = {"generation_failed", "output_not_found", "rate_limited"}
_FRAMES_PER_SECOND = 24  # of the grid on which Luma places pictures, whatever the clip's own frame rate


class LumaConfig(Config):
    luma_url: str = "https://agents.lumalabs.ai"
    luma_timeout_seconds: float = 20


class LumaVideo:
    """The engine of the Ray models: the first frame, and the last one or a loop."""

    def __init__(self, entry: Engine) -> None:
        self._entry = entry

    def submit(self, request: VideoSynthesisJob, presigned_url: Callable[[str], str]) -> str:
        limits.check(self._entry, request)
        match self._provider.submit(f"{self._config.luma_url}/v1/generations", self.body(request, presigned_url)):
            case {"id": str(generation)} if generation:
                return json.dumps({"id": generation})
        raise Unconfirmed

    def body(self, request: VideoSynthesisJob, presigned_url: Callable[[str], str]) -> Mapping[str, object]:
        """Return the body of the request. Keyframes are the only frames of 10 seconds, and they exclude a loop."""
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
            # Luma acts against one user of ours, and not against all of them. It does not learn the user's id.
            "user_id": sha256(request.user_id.encode()).hexdigest()[:32],
            "video": {"duration": f"{seconds}s", "resolution": "720p", **frames},
        }

    def poll(self, ticket: str) -> Pending | Finished:
        """Return the generation's state. A state that this release does not know is not an end."""
        match self._provider.call("GET", self._url(ticket)):
            case {"state": "completed", "output": [{"url": str(url)}, *_]}:
                output = RemoteOutput(Role.CLIP, url, "clip.mp4", "video/mp4")
                return Finished((output,), {"provider": "luma", "model": self._entry.model})
            case {"state": "completed"}:
                raise without_file()
            case {"state": "failed", **others}:
                raise _failure(str(others.get("failure_code") or ""))
        return Pending()

    def fetch(self, output: RemoteOutput, path: Path) -> None:
        self._provider.fetch(output.url, path, output.media_type, renewed=True)

    def cancel(self, ticket: str) -> None:
        """Do nothing: the API has no cancel."""

    def _url(self, ticket: str) -> str:
        return f"{self._config.luma_url}/v1/generations/{quote(json.loads(ticket)['id'], safe='')}"

    @cached_property
    def _config(self) -> LumaConfig:
        return LumaConfig()

    @cached_property
    def _provider(self) -> Provider:
        config = self._config
        return Provider("luma-key", config.luma_url, config.luma_timeout_seconds, _headers, _refusal)


def _headers(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _refusal(answer: httpx.Response) -> StageFailure:
    if answer.status_code in {401, 402, 403}:
        return unwilling()
    return forbidden() if "content_moderated" in answer.text else not_made()


def _failure(code: str) -> StageFailure:
    if code == "content_moderated":
        return forbidden()
    return unwilling() if code == "budget_exhausted" else not_made(retryable=code in _RETRYABLE)
