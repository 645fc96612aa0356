"""Models at fal, through its queue: submit, look at the URLs that it answered with, fetch what it made.

Where the API is described: https://fal.ai/docs/api-reference/inference-api
"""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import ClientError

from shared.aws.secrets import secret
from shared.camera.languages import avoided, words
from shared.core.config import Config
from shared.stages.failures import StageFailure
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role
from workers.engines.contract import Busy, Finished, Pending, RemoteOutput, Unconfirmed

MOST_BYTES = 200_000_000  # of a clip; ten seconds in Full HD are a tenth of it
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 15, 600
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_TRY_ANEW = {"internal_server_error", "internal_error", "startup_timeout", "request_timeout", "generation_timeout"}
_HEAD_BYTES = 12  # of an MP4: a box's length, `ftyp`, a brand


class FalConfig(Config):
    """The model is configuration: providers rename and retire theirs more often than we deploy."""

    fal_url: str = "https://queue.fal.run"
    fal_kling_model: str = "fal-ai/kling-video/o1/standard/image-to-video"
    fal_timeout_seconds: float = 20


class Kling:
    """A picture moved by Kling O1: it takes one picture and whole seconds, and hears the camera move in words."""

    def submit(self, request: VideoSynthesisJob, lend: Callable[[str], str]) -> str:
        if request.more_image_urls:
            raise StageFailure("engine_cannot", "This engine moves over one picture only.")
        if request.loop:
            raise StageFailure("engine_cannot", "This engine cannot make a film that loops.")
        # O1 takes no negative prompt, so what the camera must not do is said with what it does.
        camera = ", ".join(filter(None, [words(request.move), avoided(request.move)]))
        asked = {
            "prompt": f"{request.prompt}. Camera: {camera}. The film begins with @Image1.",
            "start_image_url": lend(request.image_url),
            "duration": str(round(request.duration)),
        }
        try:
            answer = self._client.post(f"{self._config.fal_url}/{self._config.fal_kling_model}", json=asked)
        except _NEVER_SENT as error:
            raise Busy(PAUSE_SECONDS) from error
        except httpx.HTTPError as error:
            raise Unconfirmed from error
        if answer.status_code in {429, 503}:  # refused before the queue
            raise Busy(_pause(answer))
        if answer.is_server_error:
            raise Unconfirmed
        if not answer.is_success:
            raise _refusal(answer)
        try:
            taken = answer.json()
            ticket = {name: taken[f"{name}_url"] for name in ("status", "response", "cancel")}
        except (ValueError, KeyError, TypeError) as error:
            raise Unconfirmed from error
        return json.dumps(ticket | {"id": str(taken.get("request_id", ""))})

    def poll(self, ticket: str) -> Pending | Finished:
        told = self._ask("GET", json.loads(ticket)["status"])
        if told.get("status") != "COMPLETED":
            return Pending()
        if told.get("error"):
            raise _failure(str(told.get("error_type", "")))
        made = self._ask("GET", json.loads(ticket)["response"])
        match made:
            case {"video": {"url": str(url)}}:
                output = RemoteOutput(Role.CLIP, url, "clip.mp4", "video/mp4")
                return Finished((output,), {"provider": "fal", "model": self._config.fal_kling_model})
        raise StageFailure("provider_failed", "The engine's provider answered without a clip.")

    def fetch(self, output: RemoteOutput, path: Path) -> None:
        """Over TLS, without our key, not wherever else it may be sent, and only what begins as an MP4 does."""
        url = httpx.URL(output.url)
        if url.scheme != "https" and self._origin(output.url) != self._origin(self._config.fal_url):
            raise StageFailure("result_unusable", "The engine's provider made something that cannot be used.")
        try:
            with (
                httpx.stream("GET", url, timeout=self._config.fal_timeout_seconds) as answer,
                path.open("wb") as file,
            ):
                if answer.status_code in {404, 410}:
                    raise StageFailure("result_lost", "The clip was gone before it could be stored.")
                if not answer.is_success:
                    raise Busy(_pause(answer))
                size = 0
                for chunk in answer.iter_bytes():
                    size += len(chunk)
                    if size > MOST_BYTES:
                        raise StageFailure("result_unusable", "The engine's provider made a clip that is too large.")
                    file.write(chunk)
        except httpx.HTTPError as error:
            raise Busy(PAUSE_SECONDS) from error
        with path.open("rb") as file:
            if file.read(_HEAD_BYTES)[4:8] != b"ftyp":
                raise StageFailure("result_unusable", "The engine's provider made something that is no film.")

    def cancel(self, ticket: str) -> None:
        """What has been done already, or is unknown, is no error."""
        self._ask("PUT", json.loads(ticket)["cancel"], done=frozenset({400, 404}))

    @cached_property
    def _config(self) -> FalConfig:
        return FalConfig()

    @cached_property
    def _client(self) -> httpx.Client:
        try:
            key = secret("fal-key")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise StageFailure("provider_refused", "This studio has no key for the engine's provider.") from error
            raise Busy(PAUSE_SECONDS) from error
        return httpx.Client(headers={"Authorization": f"Key {key}"}, timeout=self._config.fal_timeout_seconds)

    def _ask(self, method: str, url: str, *, done: frozenset[int] = frozenset()) -> Mapping[str, Any]:
        """Ask one of the ticket's URLs; the key goes to fal's queue and nowhere else."""
        if self._origin(url) != self._origin(self._config.fal_url):
            raise StageFailure("provider_failed", "The engine's provider sent us elsewhere.")
        try:
            answer = self._client.request(method, url)
            if answer.status_code in done:
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
    """What `Retry-After` says in seconds, within reason."""
    told = answer.headers.get("Retry-After", "")
    return min(LONGEST_PAUSE_SECONDS, max(1, int(told))) if told.isdecimal() else PAUSE_SECONDS


def _refusal(answer: httpx.Response) -> StageFailure:
    """Of 4xx: the key's, the account's, or the request's own fault. What fal writes may quote the prompt: unread."""
    if answer.status_code in {401, 402, 403}:
        return StageFailure("provider_refused", "The engine's provider does not take our requests at the moment.")
    if answer.status_code == 422 and "content_policy" in answer.text:
        return StageFailure("content_refused", "The engine's provider does not make this: its content rules forbid it.")
    return StageFailure("provider_failed", "The engine's provider could not make this film.")


def _failure(kind: str) -> StageFailure:
    """Of a request that ended with an error. Content is never tried again: it is refused, and billed, again."""
    if "content_policy" in kind:
        return StageFailure("content_refused", "The engine's provider does not make this: its content rules forbid it.")
    sentence = "The engine's provider could not make this film."
    return StageFailure("provider_failed", sentence, retryable=kind in _TRY_ANEW or kind.startswith("runner_"))
