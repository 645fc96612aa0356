"""A creator of the laptop's programs and tests: signed in by email and password, over Kinora's Python client."""

import mimetypes
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx

from clients.python.kinora import ApiError, Film, Kinora, KinoraError, Unauthorized
from clients.python.kinora.sources import TYPES

Json = dict[str, Any]
ANYBODY = "anybody"  # before the sign-in
T = TypeVar("T")


class StudioError(Exception):
    """A request failed. The message is one sentence for the creator."""


class StudioClient:
    """One signed-in creator, with JSON as the API sends it. All methods raise StudioError."""

    def __init__(
        self,
        api_url: str,
        socket_url: str,
        outbox_url: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`outbox_url` is the page of the laptop cloud with the email that was sent."""
        self._urls, self._outbox_url = (api_url, socket_url), outbox_url
        self._transport = _WithHeaders(transport or httpx.HTTPTransport())
        self._login: Json = {}
        self._token = ANYBODY

    @property
    def _token(self) -> str:
        return self._its_token

    @_token.setter
    def _token(self, token: str) -> None:
        api_url, socket_url = self._urls
        self._its_token = token
        self.client = Kinora(token, api_url, socket_url=socket_url, transport=self._transport, max_retries=0)

    def close(self) -> None:
        self.client.close()

    def add_headers(self, headers: Mapping[str, str]) -> None:
        """Send these headers with each later request: where there is no CloudFront, those that it adds."""
        self._transport.headers.update(headers)

    @property
    def credentials(self) -> tuple[str, str]:
        """The address and the password."""
        return self._login["email"], self._login["password"]

    def sign_up(self, email: str, password: str) -> None:
        """Register, open the link in the outbox, then sign in. A deployment without email opens the account at once."""
        self._login = {"email": email, "password": password}
        self._token = ANYBODY
        self.call("POST", "/api/auth/register", self._login)
        if self._outbox_url and (token := newest_token(httpx.get(self._outbox_url).json(), email)):
            self.call("POST", "/api/auth/verify-email", {"token": token})
        self._sign_in()

    def _sign_in(self) -> None:
        self._token = self.client.request("POST", "/api/auth/login", body=self._login)["accessToken"]

    def me(self) -> Json:
        return self.call("GET", "/api/auth/me")

    def create_project(self, name: str) -> str:
        """Create a project and return its id."""
        return str(self.call("POST", "/api/projects", {"name": name})["id"])

    def preset(self, preset_id: str) -> Json:
        return self.call("GET", f"/api/presets/{preset_id}")

    def begin_upload(self, path: Path) -> str:
        """Upload a file, request its verification and return the asset's id."""
        return self._do(lambda: self.client.assets.upload(path, wait=False).id)

    def asset(self, asset_id: str) -> Json:
        return self.call("GET", f"/api/assets/{asset_id}")

    def submit(self, job: Json) -> Json:
        return self.call("POST", "/api/jobs", job, {"Idempotency-Key": str(uuid4())})

    def job(self, job_id: str) -> Json:
        return self.call("GET", f"/api/jobs/{job_id}")

    def film(self, job_id: str) -> Film:
        return self._do(lambda: self.client.films.get(job_id))

    def cancel(self, job_id: str) -> None:
        self.call("POST", f"/api/jobs/{job_id}/cancel")

    def events(self, job_id: str) -> Iterator[Json]:
        """Yield the job's snapshot, then each event in order, until the job ends."""
        last = -1
        while True:
            try:
                for event in self.client.jobs.stream(job_id):
                    if event.seq > last:
                        last = event.seq
                        yield event.model_dump(mode="json", by_alias=True, exclude_unset=True)
                return
            except Unauthorized:  # the access token has expired
                self._do(self._sign_in)
            except KinoraError as error:
                raise _told(error) from None

    def download(self, url: str, path: Path) -> None:
        """Download a signed URL into a file. The file appears only when it is complete."""
        try:
            self._do(lambda: self.client.save(url, path))
        except OSError as error:
            raise StudioError(f"{path} cannot be written: {error.strerror}.") from None

    def call(self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None) -> Json:
        """Send a JSON request and return the JSON response."""
        found: Json = self._do(lambda: self.client.request(method, path, body=body, headers=headers)) or {}
        return found

    def _do(self, request: Callable[[], T]) -> T:
        """Return the result of a request. After the access token has expired, sign in again."""
        try:
            try:
                return request()
            except Unauthorized:
                if self._token == ANYBODY:
                    raise
                self._sign_in()
                return request()
        except KinoraError as error:
            raise _told(error) from None


class _WithHeaders(httpx.BaseTransport):
    """A transport that adds headers. A stream of events that has begun sends those that are added later, too."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.headers: dict[str, str] = {}
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers.update(self.headers)
        return self._inner.handle_request(request)


def _told(error: KinoraError) -> StudioError:
    return StudioError(error.detail if isinstance(error, ApiError) else str(error))


def newest_token(outbox: list[Json], email: str, link: str = "/verify-email#token=") -> str | None:
    """Return the token of the newest such link that was sent to the address, or None without one."""
    links = (message["html"].partition(link)[2] for message in outbox if email in message["to"])
    return next((rest.partition('"')[0] for rest in links if rest), None)


def step_seconds(job: Json) -> dict[str, float]:
    """Return the seconds that each step of a completed job took, from the job's own times."""
    moments = {
        step["stepType"]: [datetime.fromisoformat(step[name]) for name in ("startedAt", "completedAt")]
        for step in job["steps"]
    }
    return {stage: (end - start).total_seconds() for stage, (start, end) in moments.items()}


def media_type_of(path: Path) -> str:
    """Return a media type by the file's name. Raise StudioError unless it is a picture, video, sound or captions."""
    media_type = TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or ""
    if media_type not in TYPES.values() and media_type.partition("/")[0] not in {"image", "video", "audio"}:
        raise StudioError(f"By its name, {path.name} is neither a picture nor a video, sound or captions.")
    return media_type
