"""The generations of Luma: create one, poll it, download its file.

API reference: https://docs.agents.lumalabs.ai. Luma has no cancel and no seed. A poll renews the URL of the file.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import httpx

from shared.core.config import Config
from shared.stages.catalogue_entry import Engine
from shared.stages.failures import StageFailure
from shared.stages.stages import Role
from workers.engines.contract import Finished, Pending, RemoteOutput, Unconfirmed
from workers.engines.provider import Provider, forbidden, not_made, unwilling, without_file

_RETRYABLE = {"generation_failed", "output_not_found", "rate_limited"}


class LumaConfig(Config):
    luma_url: str = "https://agents.lumalabs.ai"
    luma_timeout_seconds: float = 20


class LumaGenerations:
    """The base of the engines of Luma. All kinds of generations have the same states."""

    def __init__(self, entry: Engine) -> None:
        self._entry = entry

    def fetch(self, output: RemoteOutput, path: Path) -> None:
        self._provider.fetch(output.url, path, output.media_type, renewed=True)

    def cancel(self, ticket: str) -> None:
        """Do nothing: the API has no cancel."""

    def _create(self, user_id: str, body: Mapping[str, object]) -> str:
        """Create a generation, and return its ticket."""
        # Luma acts against one user of ours, and not against all of them. It does not learn the user's id.
        known = {"user_id": sha256(user_id.encode()).hexdigest()[:32]}
        match self._provider.submit(f"{self._config.luma_url}/v1/generations", {**body, **known}):
            case {"id": str(generation)} if generation:
                return json.dumps({"id": generation})
        raise Unconfirmed

    def _polled(
        self, ticket: str, of: Callable[[Sequence[object]], tuple[RemoteOutput, ...]], metrics: Mapping[str, object]
    ) -> Pending | Finished:
        """Return the generation's state. `of` reads the outputs of an answer. An unknown state is not an end."""
        found = self._provider.call("GET", self._url(ticket))
        match found:
            case {"state": "completed", "output": [*files]} if outputs := of(files):
                return Finished(outputs, metrics)
            case {"state": "completed"}:
                raise without_file()
            case {"state": "failed"}:
                raise _failure(str(found.get("failure_code") or ""))
        return Pending()

    def _url(self, ticket: str) -> str:
        return f"{self._config.luma_url}/v1/generations/{quote(json.loads(ticket)['id'], safe='')}"

    @cached_property
    def _config(self) -> LumaConfig:
        return LumaConfig()

    @cached_property
    def _provider(self) -> Provider:
        config = self._config
        return Provider("luma-key", config.luma_url, config.luma_timeout_seconds, _headers, _refusal)


def first_file(role: Role, name: str, media_type: str) -> Callable[[Sequence[object]], tuple[RemoteOutput, ...]]:
    """Return the reader of an answer whose first output is the only one."""

    def read(files: Sequence[object]) -> tuple[RemoteOutput, ...]:
        match files:
            case [{"url": str(url)}, *_]:
                return (RemoteOutput(role, url, name, media_type),)
        return ()

    return read


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
