"""The tasks of Runway: create one, poll it, download its clip, cancel it.

API reference: https://docs.dev.runwayml.com/api. Runway has neither idempotency keys nor a search for tasks.
"""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import httpx

from shared.core.config import Config
from shared.stages.catalogue_entry import Engine
from shared.stages.failures import StageFailure
from shared.stages.stages import Role
from workers.engines.contract import Busy, Finished, Inputs, Pending, RemoteOutput, Unconfirmed
from workers.engines.provider import PAUSE_SECONDS, Provider, forbidden, not_made, unwilling, without_file

_VERSION = "2024-11-06"  # of the API, sent with each request


class RunwayConfig(Config):
    runway_url: str = "https://api.dev.runwayml.com"
    runway_timeout_seconds: float = 20


class RunwayTasks:
    """The base of the engines of Runway. All kinds of tasks have the same states."""

    def __init__(self, entry: Engine) -> None:
        self._entry, self._model = entry, str(entry.model)

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

    def _uploaded(self, inputs: Inputs) -> Callable[[str], str]:
        """Return a function that copies an `s3://` address to Runway, and returns its `runway://` address.

        Runway reads a URL with HEAD first, and S3 answers 403 to HEAD if a URL is presigned for GET. Uploads are free.
        """

        def copied(address: str) -> str:
            with TemporaryDirectory(prefix="kinora-") as folder:
                path = Path(folder, address.rpartition("/")[2])
                inputs.fetch(address, path)
                return self._upload(path)

        return copied

    def _upload(self, path: Path) -> str:
        body = {"filename": path.name, "type": "ephemeral"}
        try:
            begun = self._provider.submit(f"{self._config.runway_url}/v1/uploads", body)
        except Unconfirmed as error:
            raise Busy(PAUSE_SECONDS, failed=True) from error
        match begun:
            case {"uploadUrl": str(url), "fields": dict(fields), "runwayUri": str(uri)}:
                self._provider.upload(url, fields, path)
                return uri
        raise Busy(PAUSE_SECONDS, failed=True)

    def _create(self, kind: str, body: Mapping[str, object]) -> str:
        """Create a task of this kind, such as `image_to_video`, and return its ticket."""
        match self._provider.submit(f"{self._config.runway_url}/v1/{kind}", body):
            case {"id": str(task)} if task:
                return json.dumps({"id": task})
        raise Unconfirmed

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
