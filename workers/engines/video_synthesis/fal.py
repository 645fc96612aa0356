"""Remote engines at fal, through its queue API: submit a request, poll its status URL, download its result.

API reference: https://fal.ai/docs/api-reference/inference-api
"""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from shared.aws.secrets import secret
from shared.camera.languages import avoided, words
from shared.core.config import Config
from shared.stages.failures import StageFailure
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role
from workers.engines.contract import Busy, Finished, Pending, RemoteOutput, Unconfirmed

MOST_BYTES = 200_000_000  # maximum size of a clip in bytes; ten seconds in Full HD have a tenth of it
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 15, 600  # default and maximum delay of a retry
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_RETRYABLE = {"internal_server_error", "internal_error", "startup_timeout", "request_timeout", "generation_timeout"}
_HEAD_BYTES = 12  # length of an MP4's head: a box's length, `ftyp`, a brand
_FORBIDDEN = "The content rules of the engine's provider do not allow this film."
_NOT_MADE = "The engine's provider could not make this film."


class FalConfig(Config):
    """The configuration of fal. The model is configurable, because providers rename and retire models often."""

    fal_url: str = "https://queue.fal.run"
    fal_kling_model: str = "fal-ai/kling-video/o1/standard/image-to-video"
    fal_timeout_seconds: float = 20


class Kling:
    """The engine of Kling O1, which accepts one picture, whole seconds, and the camera move as text."""

    def submit(self, request: VideoSynthesisJob, presigned_url: Callable[[str], str]) -> str:
        if request.more_image_urls:
            raise StageFailure("engine_cannot", "This engine accepts one picture only.")
        if request.loop:
            raise StageFailure("engine_cannot", "This engine cannot make a film that loops.")
        # O1 has no negative prompt, so the prompt also contains the motions that the camera must not make.
        camera = ", ".join(filter(None, [words(request.move), avoided(request.move)]))
        body = {
            "prompt": f"{request.prompt}. Camera: {camera}. The film begins with @Image1.",
            "start_image_url": presigned_url(request.image_url),
            "duration": str(round(request.duration)),
        }
        try:
            answer = self._client.post(f"{self._config.fal_url}/{self._config.fal_kling_model}", json=body)
        except _NEVER_SENT as error:
            raise Busy(PAUSE_SECONDS) from error
        except httpx.HTTPError as error:
            raise Unconfirmed from error
        if answer.status_code in {429, 503}:  # fal refused it before it was queued
            raise Busy(_pause(answer))
        if answer.is_server_error:
            raise Unconfirmed
        if not answer.is_success:
            raise _refusal(answer)
        try:
            accepted = answer.json()
            ticket = {name: accepted[f"{name}_url"] for name in ("status", "response", "cancel")}
        except (ValueError, KeyError, TypeError) as error:
            raise Unconfirmed from error
        return json.dumps(ticket | {"id": str(accepted.get("request_id", ""))})

    def poll(self, ticket: str) -> Pending | Finished:
        state = self._call("GET", json.loads(ticket)["status"])
        if state.get("status") != "COMPLETED":
            return Pending()
        if state.get("error"):
            raise _failure(str(state.get("error_type", "")))
        match self._call("GET", json.loads(ticket)["response"]):
            case {"video": {"url": str(url)}}:
                output = RemoteOutput(Role.CLIP, url, "clip.mp4", "video/mp4")
                return Finished((output,), {"provider": "fal", "model": self._config.fal_kling_model})
        raise StageFailure("provider_failed", "The engine's provider answered without a clip.")

    def fetch(self, output: RemoteOutput, path: Path) -> None:
        """Download a clip over TLS, without the API key and without redirects. Accept only a file with an MP4 head."""
        url = httpx.URL(output.url)
        if url.scheme != "https" and self._origin(output.url) != self._origin(self._config.fal_url):
            raise StageFailure("result_unusable", "The engine's provider returned a file that cannot be used.")
        try:
            with (
                httpx.stream("GET", url, timeout=self._config.fal_timeout_seconds) as answer,
                path.open("wb") as file,
            ):
                if answer.status_code in {404, 410}:
                    raise StageFailure("result_lost", "The engine's provider deleted the clip before it was stored.")
                if not answer.is_success:
                    raise Busy(_pause(answer))
                size = 0
                for chunk in answer.iter_bytes():
                    size += len(chunk)
                    if size > MOST_BYTES:
                        raise StageFailure(
                            "result_unusable", "The engine's provider returned a clip that is too large."
                        )
                    file.write(chunk)
        except httpx.HTTPError as error:
            raise Busy(PAUSE_SECONDS) from error
        with path.open("rb") as file:
            if file.read(_HEAD_BYTES)[4:8] != b"ftyp":
                raise StageFailure("result_unusable", "The engine's provider returned a file that is not an MP4.")

    def cancel(self, ticket: str) -> None:
        """Cancel a request. A request that is finished (400) or unknown (404) is not an error."""
        self._call("PUT", json.loads(ticket)["cancel"], ignored=frozenset({400, 404}))

    @cached_property
    def _config(self) -> FalConfig:
        return FalConfig()

    @cached_property
    def _client(self) -> httpx.Client:
        try:
            key = secret("fal-key")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise StageFailure(
                    "provider_refused", "This studio has no API key of the engine's provider."
                ) from error
            raise Busy(PAUSE_SECONDS) from error
        except BotoCoreError as error:
            raise Busy(PAUSE_SECONDS) from error
        return httpx.Client(headers={"Authorization": f"Key {key}"}, timeout=self._config.fal_timeout_seconds)

    def _call(self, method: str, url: str, *, ignored: frozenset[int] = frozenset()) -> Mapping[str, Any]:
        """Call one of the ticket's URLs. Refuse other origins than fal's queue, because the call contains the key."""
        if self._origin(url) != self._origin(self._config.fal_url):
            raise StageFailure("provider_failed", "The engine's provider returned a URL of another host.")
        try:
            answer = self._client.request(method, url)
            if answer.status_code in ignored:
                return {}
            if answer.status_code == 429 or answer.is_server_error:
                raise Busy(_pause(answer))
            if not answer.is_success:
                raise _refusal(answer)
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Busy(PAUSE_SECONDS) from error
        return found if isinstance(found, dict) else {}

    @staticmethod
    def _origin(url: str) -> tuple[str, str, int | None]:
        parsed = httpx.URL(url)
        return parsed.scheme, parsed.host, parsed.port


def _pause(answer: httpx.Response) -> int:
    """Return the seconds of `Retry-After`, limited to 1..600, or 15 if the header has no number."""
    seconds = answer.headers.get("Retry-After", "")
    return min(LONGEST_PAUSE_SECONDS, max(1, int(seconds))) if seconds.isdecimal() else PAUSE_SECONDS


def _refusal(answer: httpx.Response) -> StageFailure:
    """Return the failure for a 4xx answer. It does not contain fal's text, which may quote the prompt."""
    if answer.status_code in {401, 402, 403}:
        return StageFailure("provider_refused", "The engine's provider does not accept our requests at the moment.")
    if answer.status_code == 422 and "content_policy" in answer.text:
        return StageFailure("content_refused", _FORBIDDEN)
    return StageFailure("provider_failed", _NOT_MADE)


def _failure(kind: str) -> StageFailure:
    """Return the failure for a request that ended with an error.

    Refused content is not retryable, because fal would refuse it again, and bill it again.
    """
    if "content_policy" in kind:
        return StageFailure("content_refused", _FORBIDDEN)
    return StageFailure("provider_failed", _NOT_MADE, retryable=kind in _RETRYABLE or kind.startswith("runner_"))
