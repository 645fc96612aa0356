"""Clips of Google's Omni models, through the Interactions API of Gemini.

API reference: https://ai.google.dev/gemini-api/docs/omni. An interaction in the background is polled. Its file is at
the API for 48 hours, and is downloaded with the key.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cached_property
from mimetypes import guess_type
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
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
from workers.engines.contract import Finished, Inputs, Pending, RemoteOutput, Unconfirmed
from workers.engines.provider import Provider, forbidden, not_made, unwilling, without_file

# Without these words the model makes a film of several shots, and uses the picture as a reference only.
_ONE_SHOT = "<FIRST_FRAME> One continuous shot, without cuts. Use this image as the starting frame."
_SAFETY = {"safety", "image_safety", "prohibited_content", "blocklist", "spii"}  # codes, in lower case
_ENDED = {"cancelled", "incomplete", "requires_action"}  # states of an interaction that will have no file


class GoogleConfig(Config):
    google_url: str = "https://generativelanguage.googleapis.com"
    google_timeout_seconds: float = 30  # the request contains the picture


class GoogleVideo:
    """The engine of the Omni models: a first frame, and the camera move as text."""

    def __init__(self, entry: Engine) -> None:
        self._entry = entry

    def submit(self, request: VideoSynthesisJob, inputs: Inputs) -> str:
        limits.check(self._entry, request)
        match self._provider.submit(self._url(), self.body(request, _picture(request.image_url, inputs))):
            case {"id": str(interaction)} if interaction:
                return json.dumps({"id": interaction})
        raise Unconfirmed

    def body(self, request: VideoSynthesisJob, picture: Mapping[str, str]) -> Mapping[str, object]:
        """Return the body of the request. `picture` is the content block of the first frame."""
        text = f"{with_camera(request.prompt, request.move)} {_ONE_SHOT}"
        return {
            "model": self._entry.model,
            "input": [picture, {"type": "text", "text": text}],
            "background": True,
            "generation_config": {"video_config": {"task": "image_to_video"}},
            "response_format": {
                "type": "video",
                "delivery": "uri",
                "resolution": "720p",
                "aspect_ratio": nearest_ratio(request.width, request.height),
                "duration": f"{round(request.duration)}s",
            },
        }

    def poll(self, ticket: str) -> Pending | Finished:
        """Return the interaction's state. A state that this release does not know is not an end.

        A refusal is an interaction that completed with text and without a clip. The API has answered 400 about a paid
        interaction that was not finished, so 400 is not an end either.
        """
        found = self._provider.call("GET", self._url(ticket), ignored=frozenset({400}))
        match found.get("status"):
            case "completed":
                if url := _clip_url(found):
                    output = RemoteOutput(Role.CLIP, url, "clip.mp4", "video/mp4")
                    return Finished((output,), {"provider": "google", "model": self._entry.model})
                raise without_file() if _has_video_tokens(found) else forbidden()
            case "failed":
                raise forbidden() if any(map(_is_safety, _errors(found))) else not_made(retryable=True)
            case "budget_exceeded":
                raise unwilling()
            case str(state) if state in _ENDED:
                raise not_made()
        return Pending()

    def fetch(self, output: RemoteOutput, path: Path) -> None:
        self._provider.fetch(output.url, path, output.media_type, keyed=True)

    def cancel(self, ticket: str) -> None:
        """Cancel an interaction. One that has ended or is unknown is not an error."""
        self._provider.call("POST", f"{self._url(ticket)}/cancel", ignored=frozenset({400, 404, 409}))

    def _url(self, ticket: str | None = None) -> str:
        one = f"/{quote(json.loads(ticket)['id'], safe='')}" if ticket else ""
        return f"{self._config.google_url}/v1beta/interactions{one}"

    @cached_property
    def _config(self) -> GoogleConfig:
        return GoogleConfig()

    @cached_property
    def _provider(self) -> Provider:
        config = self._config
        return Provider(
            "google-key", config.google_url, config.google_timeout_seconds, _headers, _refusal, unknown_key=_unknown_key
        )


def _picture(address: str, inputs: Inputs) -> Mapping[str, str]:
    """Return the content block of a picture. The API does not read presigned URLs of other clouds."""
    with TemporaryDirectory(prefix="kinora-") as folder:
        path = Path(folder, address.rpartition("/")[2])
        inputs.fetch(address, path)
        data = b64encode(path.read_bytes()).decode()
    return {"type": "image", "mime_type": guess_type(path.name)[0] or "image/png", "data": data}


def _clip_url(interaction: Mapping[str, Any]) -> str | None:
    for step in interaction.get("steps") or []:
        for content in step.get("content") or []:
            if step.get("type") == "model_output" and content.get("type") == "video" and content.get("uri"):
                return str(content["uri"])
    return None


def _has_video_tokens(interaction: Mapping[str, Any]) -> bool:
    """Return whether the model made a clip, and was paid for it, wherever its URL is."""
    used = (interaction.get("usage") or {}).get("output_tokens_by_modality") or []
    return any(str(one.get("modality")).lower() == "video" and one.get("tokens") for one in used)


def _errors(interaction: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    steps = [step.get("error") for step in interaction.get("steps") or []]
    return [error for error in (*(interaction.get("errors") or []), interaction.get("error"), *steps) if error]


def _is_safety(error: Mapping[str, Any]) -> bool:
    """Return whether the error is a verdict on the content. Its code can be a word or the end of a URI."""
    codes = {str(error.get(name, "")).lower().rpartition("/")[2] for name in ("code", "status")}
    message = str(error.get("message", "")).lower()
    return bool(codes & _SAFETY) or ("blocked" in message and ("safety" in message or "polic" in message))


def _headers(key: str) -> Mapping[str, str]:
    return {"x-goog-api-key": key}


def _unknown_key(answer: httpx.Response) -> bool:
    """Return whether the API does not know the key: it answers 400 with a reason."""
    return answer.status_code == 401 or (answer.status_code == 400 and "API_KEY_INVALID" in answer.text)


def _refusal(answer: httpx.Response) -> StageFailure:
    if _unknown_key(answer) or answer.status_code in {402, 403}:
        return unwilling()
    try:
        found = answer.json()
        error = (found[0] if isinstance(found, list) else found)["error"]
        return forbidden() if _is_safety(error) else not_made()
    except (AttributeError, LookupError, TypeError, ValueError):
        return not_made()
