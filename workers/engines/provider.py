"""The HTTP API of a provider: its key, requests that are paid once, polls, and downloads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from shared.aws.secrets import secret
from shared.core.config import Config
from shared.stages.failures import StageFailure
from workers.engines.contract import Busy, Unconfirmed

MOST_BYTES = 200_000_000  # maximum size of a file in bytes; a clip of ten seconds in Full HD has a tenth of it
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 15, 600  # default and maximum delay of a retry
_UNKNOWN_KEY = 401
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_LATER = {402, 403, 429}  # answers that end when the operator or time has changed something
_GONE = {401, 403, 404, 410}  # answers of a file's host after the URL has expired
_HEAD_BYTES = 12
_HEADS: Mapping[str, Callable[[bytes], bool]] = {  # by media type: whether a file begins as its format does
    "video/mp4": lambda head: head[4:8] == b"ftyp",
    "image/png": lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"),
    "audio/mpeg": lambda head: head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1] & 0xE0 == 0xE0),
}


class ProviderConfig(Config):
    """The time limit of a download. It ends before the function does, which still has to store the file."""

    provider_download_seconds: float = 40


@dataclass
class Provider:
    """The API of one provider. `headers` returns the headers of its requests, from the API key.

    `refusal` returns the failure for a 4xx answer. The failure does not contain the provider's text, which may quote
    the prompt.
    """

    key: str
    url: str
    timeout_seconds: float
    headers: Callable[[str], Mapping[str, str]]
    refusal: Callable[[httpx.Response], StageFailure]
    domain: str | None = None  # hosts of this domain also belong to the API
    unknown_key: Callable[[httpx.Response], bool] = lambda answer: answer.status_code == _UNKNOWN_KEY
    _client: httpx.Client = field(default_factory=httpx.Client, repr=False)

    def submit(self, url: str, body: Mapping[str, object], *, form: bool = False) -> Mapping[str, Any]:
        """Send a request that is paid, once, as JSON or as a form, and return the answer's JSON object.

        Raise Busy or the refusal if the provider has not accepted it, and Unconfirmed if it may have.
        """
        try:
            accepted = self._accepted(url, body, form=form).json()
        except ValueError as error:
            raise Unconfirmed from error
        if not isinstance(accepted, dict):
            raise Unconfirmed
        return accepted

    def submit_for_file(self, url: str, body: Mapping[str, object], media_type: str) -> bytes:
        """Send a request as `submit` does, and return the file that answers it. Raise Unconfirmed for another file."""
        content = self._accepted(url, body).content
        if not begins_as(media_type, content):
            raise Unconfirmed
        return content

    def _accepted(self, url: str, body: Mapping[str, object], *, form: bool = False) -> httpx.Response:
        try:
            answer = self._send("POST", url, body, form=form)
        except _NEVER_SENT as error:
            raise Busy(PAUSE_SECONDS, failed=True) from error
        except httpx.HTTPError as error:
            raise Unconfirmed from error
        if answer.status_code in {429, 503}:  # refused before it was queued
            raise Busy(_pause(answer), failed=answer.status_code == 503)
        if answer.status_code == 408 or answer.is_server_error:
            raise Unconfirmed
        if not answer.is_success:
            raise self.refusal(answer)
        return answer

    def call(self, method: str, url: str, *, ignored: frozenset[int] = frozenset()) -> Mapping[str, Any]:
        """Call a URL of the API, any number of times. Return {} for an `ignored` status. Raise Busy or the refusal.

        Refuse other origins than the provider's, because the call contains the key.
        """
        if not self.is_own(url):
            raise StageFailure("provider_failed", "The engine's provider returned a URL of another host.")
        try:
            answer = self._send(method, url)
            if answer.status_code in ignored:
                return {}
            if self.unknown_key(answer) or answer.status_code in _LATER or answer.is_server_error:
                raise Busy(_pause(answer))  # what was paid is not given up: the operator can store a key that is valid
            if not answer.is_success:
                raise self.refusal(answer)
            found = answer.json() if answer.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise Busy(PAUSE_SECONDS) from error
        return found if isinstance(found, dict) else {}

    def fetch(self, url: str, path: Path, media_type: str, *, renewed: bool = False, keyed: bool = False) -> None:
        """Download a file over TLS, without redirects. Accept only a file with the type's head.

        If `renewed`, the next poll returns a new URL, so an expired one raises Busy. The request has the key only if
        `keyed`: then the file must be at the API itself.
        """
        if not self.is_own(url) and (keyed or _parsed(url).scheme != "https"):
            raise StageFailure("result_unusable", "The engine's provider returned a file that cannot be used.")
        headers = self.headers(_stored_key(self.key)) if keyed else {}
        try:
            with (
                httpx.stream("GET", url, headers=headers, timeout=self.timeout_seconds) as answer,
                path.open("wb") as file,
            ):
                if keyed and answer.is_client_error:
                    answer.read()
                    if self.unknown_key(answer):
                        secret.cache_clear()
                        raise Busy(PAUSE_SECONDS)
                if not renewed and answer.status_code in {404, 410}:
                    raise StageFailure("result_lost", "The engine's provider deleted the file before it was stored.")
                if not answer.is_success:
                    raise Busy(1 if renewed and answer.status_code in _GONE else _pause(answer))
                size, until = 0, monotonic() + ProviderConfig().provider_download_seconds
                for chunk in answer.iter_bytes():
                    size += len(chunk)
                    if size > MOST_BYTES:
                        raise StageFailure("result_unusable", "The provider's file is too large.")
                    file.write(chunk)
                    if monotonic() > until:
                        raise Busy(PAUSE_SECONDS)
        except httpx.HTTPError as error:
            raise Busy(PAUSE_SECONDS) from error
        with path.open("rb") as file:
            if not begins_as(media_type, file.read(_HEAD_BYTES)):
                raise StageFailure("result_unusable", f"The provider's file is not {media_type}.")

    def upload(self, url: str, fields: Mapping[str, str], path: Path) -> None:
        """Send a file as a form, over TLS and without the key, to a URL that the provider gave. Raise Busy."""
        if _parsed(url).scheme != "https" and not self.is_own(url):
            raise StageFailure("provider_failed", "The engine's provider returned a URL that cannot be used.")
        try:
            with path.open("rb") as file:
                answer = httpx.post(url, data=fields, files={"file": (path.name, file)}, timeout=self.timeout_seconds)
        except httpx.HTTPError as error:
            raise Busy(PAUSE_SECONDS, failed=True) from error
        if not answer.is_success:
            raise Busy(PAUSE_SECONDS, failed=True)

    def is_own(self, url: str) -> bool:
        """Return whether the URL has the origin of the API, or is at another host of its domain, over TLS."""
        scheme, host, port = origin = _origin(url)
        below = self.domain is not None and host.endswith(f".{self.domain}")
        return origin == _origin(self.url) or (below and (scheme, port) == ("https", None))

    def _send(
        self, method: str, url: str, body: Mapping[str, object] | None = None, *, form: bool = False
    ) -> httpx.Response:
        """Send a request. If the provider does not know the key, and the operator has stored a new one, send it again.

        A request with an unknown key is not accepted, so it is not paid twice.
        """
        used = _stored_key(self.key)
        sent: dict[str, Any] = {"json": body}
        if form:
            sent = {"files": {name: (None, str(value)) for name, value in (body or {}).items()}}
        answer = self._request(method, url, used, sent)
        if self.unknown_key(answer):
            secret.cache_clear()
            if (newer := _stored_key(self.key)) != used:
                answer = self._request(method, url, newer, sent)
        return answer

    def _request(self, method: str, url: str, key: str, sent: Mapping[str, Any]) -> httpx.Response:
        headers = dict(self.headers(key))
        return self._client.request(method, url, headers=headers, timeout=self.timeout_seconds, **sent)


def begins_as(media_type: str, content: bytes) -> bool:
    """Return whether the content begins as a file of this type does."""
    return len(content) >= _HEAD_BYTES and _HEADS[media_type](content[:_HEAD_BYTES])


def _stored_key(name: str) -> str:
    """Return the API key. Raise StageFailure `provider_refused` if there is none, and Busy if AWS does not answer."""
    try:
        return secret(name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            raise StageFailure("provider_refused", "This studio has no API key of the engine's provider.") from error
        raise Busy(PAUSE_SECONDS) from error
    except BotoCoreError as error:
        raise Busy(PAUSE_SECONDS) from error


def _origin(url: str) -> tuple[str, str, int | None]:
    parsed = _parsed(url)
    return parsed.scheme, parsed.host, parsed.port


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as error:
        raise StageFailure("provider_failed", "The engine's provider returned a URL that cannot be used.") from error


def _pause(answer: httpx.Response) -> int:
    """Return the seconds of `Retry-After`, limited to 1..600, or 15 if the header has no number."""
    seconds = answer.headers.get("Retry-After", "")
    return min(LONGEST_PAUSE_SECONDS, max(1, int(seconds))) if seconds.isdecimal() else PAUSE_SECONDS


# --- the failures that creators read


def unwilling() -> StageFailure:
    return StageFailure("provider_refused", "The engine's provider does not accept our requests at the moment.")


def forbidden() -> StageFailure:
    """Return the failure of refused content. It is final: the provider would refuse it again, and bill it again."""
    return StageFailure("content_refused", "The content rules of the engine's provider do not allow this film.")


def not_made(*, retryable: bool = False) -> StageFailure:
    return StageFailure("provider_failed", "The engine's provider could not make this film.", retryable=retryable)


def without_file() -> StageFailure:
    return StageFailure("provider_failed", "The engine's provider answered without a file.")
