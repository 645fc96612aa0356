"""The models of Runway, and those of others that it serves: submit a task, poll it, download its clip.

API reference: https://docs.dev.runwayml.com/api. Runway has neither idempotency keys nor a search for tasks.
"""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
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

_VERSION = "2024-11-06"  # of the API, sent with each request
_FIXED: Mapping[str, Mapping[str, object]] = {  # sound costs more, and the film gets its own
    "veo3.1": {"audio": False},
    "veo3.1_fast": {"audio": False},
    "kling3.0_standard": {"audio": False},
    "seedance2": {"audio": False},
    "seedance2_fast": {"audio": False},
    "seedance2_5": {"audio": False},
}
_WITHOUT_SEED = frozenset({"kling2.5_turbo_pro", "kling3.0_standard", "gemini_omni_flash_1.1"})


class RunwayConfig(Config):
    runway_url: str = "https://api.dev.runwayml.com"
    runway_timeout_seconds: float = 20


class RunwayVideo:
    """The engine of all models that make a clip from a first frame, some also from a last one."""

    def __init__(self, entry: Engine) -> None:
        self._entry, self._model = entry, str(entry.model)

    def submit(self, request: VideoSynthesisJob, presigned_url: Callable[[str], str]) -> str:
        limits.check(self._entry, request)
        match self._provider.submit(f"{self._config.runway_url}/v1/image_to_video", self.body(request, presigned_url)):
            case {"id": str(task)} if task:
                return json.dumps({"id": task})
        raise Unconfirmed

    def body(self, request: VideoSynthesisJob, presigned_url: Callable[[str], str]) -> Mapping[str, object]:
        """Return the body of the request."""
        pictures = zip(("first", "last"), (request.image_url, *request.more_image_urls), strict=False)
        body: dict[str, object] = {
            "model": self._model,
            "promptText": with_camera(request.prompt, request.move),
            "promptImage": [{"uri": presigned_url(url), "position": position} for position, url in pictures],
            "duration": round(request.duration),
            **_FIXED.get(self._model, {}),
        }
        if self._entry.ratios is not None:  # otherwise the clip has the aspect ratio of the picture
            body["ratio"] = self._entry.ratios[nearest_ratio(request.width, request.height)]
        if self._model not in _WITHOUT_SEED:
            body["seed"] = request.seed
        return body

    def poll(self, ticket: str) -> Pending | Finished:
        """Return the task's state. A state that this release does not know is not an end."""
        task = self._provider.call("GET", self._task_url(ticket))
        match task:
            case {"status": "SUCCEEDED", "output": [str(url), *_]}:
                output = RemoteOutput(Role.CLIP, url, "clip.mp4", "video/mp4")
                return Finished((output,), {"provider": "runway", "model": self._model})
            case {"status": "SUCCEEDED"}:
                raise without_file()
            case {"status": "FAILED"}:
                raise _failure(str(task.get("failureCode") or ""))
            case {"status": "CANCELLED"}:
                raise not_made()
            case {"status": "RUNNING", "progress": int() | float() as fraction}:
                return Pending(min(1.0, max(0.0, fraction)))
        return Pending()

    def fetch(self, output: RemoteOutput, path: Path) -> None:
        self._provider.fetch(output.url, path, output.media_type, renewed=True)

    def cancel(self, ticket: str) -> None:
        """Cancel a task, or delete one that has ended. An unknown task (404) is not an error."""
        self._provider.call("DELETE", self._task_url(ticket), ignored=frozenset({404}))

    def _task_url(self, ticket: str) -> str:
        return f"{self._config.runway_url}/v1/tasks/{quote(json.loads(ticket)['id'], safe='')}"

    @cached_property
    def _config(self) -> RunwayConfig:
        return RunwayConfig()

    @cached_property
    def _provider(self) -> Provider:
        config = self._config
        return Provider("runway-key", config.runway_url, config.runway_timeout_seconds, _headers, _refusal)


def _headers(key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {key}", "X-Runway-Version": _VERSION}


def _refusal(answer: httpx.Response) -> StageFailure:
    if answer.status_code in {401, 402, 403}:
        return unwilling()
    if answer.status_code == 400 and "moderation" in answer.text.lower():
        return forbidden()
    return not_made()


def _failure(code: str) -> StageFailure:
    """Return the failure for a `failureCode`, such as `SAFETY.INPUT.TEXT` or `INTERNAL.BAD_OUTPUT.CODE01`.

    Runway bills content that its rules refuse, and suspends accounts that repeat it.
    """
    if "SAFETY" in code.split("."):
        return forbidden()
    return not_made(retryable=code.startswith("INTERNAL."))
