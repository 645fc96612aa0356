"""A client of Kinora's public API: REST, uploads, live progress and downloads."""

import json
import mimetypes
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

QUIET_SECONDS = 10.0  # without an event for this time, the client reads the job over REST
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})

Json = dict[str, Any]


class StudioError(Exception):
    """A request failed. The message is one sentence for the creator."""


class StudioClient:
    """One signed-in creator. All methods raise StudioError."""

    def __init__(self, api_url: str, socket_url: str, outbox_url: str | None = None) -> None:
        """`outbox_url` is the page of the laptop cloud with the email that was sent."""
        self._http = httpx.Client(base_url=api_url, timeout=60, trust_env=False)
        self._socket_url, self._outbox_url = socket_url, outbox_url
        self._login: Json = {}
        self._token = ""

    def close(self) -> None:
        self._http.close()

    def add_headers(self, headers: Mapping[str, str]) -> None:
        """Send these headers with each request: where there is no CloudFront, those that it adds."""
        self._http.headers.update(headers)

    def sign_up(self, email: str, password: str) -> None:
        """Register, open the link in the outbox, then sign in. A deployment without email opens the account at once."""
        self._login = {"email": email, "password": password}
        self.call("POST", "/api/auth/register", self._login)
        if self._outbox_url and (token := newest_token(self._send("GET", self._outbox_url).json(), email)):
            self.call("POST", "/api/auth/verify-email", {"token": token})
        self._sign_in()

    @property
    def credentials(self) -> tuple[str, str]:
        """The address and the password."""
        return self._login["email"], self._login["password"]

    def _sign_in(self) -> None:
        self._token = ""
        self._token = self.call("POST", "/api/auth/login", self._login)["accessToken"]

    def me(self) -> Json:
        return self.call("GET", "/api/auth/me")

    def create_project(self, name: str) -> str:
        """Create a project and return its id."""
        return str(self.call("POST", "/api/projects", {"name": name})["id"])

    def preset(self, preset_id: str) -> Json:
        return self.call("GET", f"/api/presets/{preset_id}")

    def begin_upload(self, path: Path) -> str:
        """Upload a file, request its verification and return the asset's id."""
        media_type = media_type_of(path)
        created = self.call(
            "POST",
            "/api/assets/upload",
            {
                "name": path.name,
                "type": _ASSET_TYPES[media_type.partition("/")[0]],
                "contentType": media_type,
                "size": path.stat().st_size,
            },
        )
        form = created["upload"]
        with path.open("rb") as file:
            answer = self._send("POST", form["url"], data=form["fields"], files={"file": (path.name, file, media_type)})
        if answer.is_error:
            raise StudioError(f"{path.name} could not be uploaded: storage answered {answer.status_code}.")
        asset_id = str(created["asset"]["id"])
        self.call("POST", "/api/assets", {"assetId": asset_id})
        return asset_id

    def asset(self, asset_id: str) -> Json:
        return self.call("GET", f"/api/assets/{asset_id}")

    def submit(self, job: Json) -> Json:
        return self.call("POST", "/api/jobs", job, {"Idempotency-Key": str(uuid4())})

    def job(self, job_id: str) -> Json:
        return self.call("GET", f"/api/jobs/{job_id}")

    def cancel(self, job_id: str) -> None:
        self.call("POST", f"/api/jobs/{job_id}/cancel")

    def events(self, job_id: str) -> Iterator[Json]:
        """Yield the job's snapshot, then each event in order, until the job ends. Reconnect after a lost connection.

        Events whose `seq` is not above the last one are dropped.
        """
        last = -1
        for event in self._received(job_id):
            if event["seq"] > last:
                last = event["seq"]
                yield event
            if _ends(event):
                return

    def _received(self, job_id: str) -> Iterator[Json]:
        """Yield all received events without end. On each connection, yield the snapshot before earlier events."""
        headers = {"Authorization": f"Bearer {self._token}"}
        while True:
            try:
                with connect(self._socket_url, additional_headers=headers, proxy=None, close_timeout=1) as socket:
                    socket.send(json.dumps({"type": "subscribe", "channel": f"job:{job_id}"}))
                    early: list[Json] | None = []
                    for message in _messages(socket):
                        event = message or self._snapshot(job_id)
                        if early is None:
                            yield event
                        elif event["type"] == "job.snapshot":
                            yield from (event, *early)
                            early = None
                        else:
                            early.append(event)
            except (WebSocketException, OSError):
                yield self._snapshot(job_id)
                sleep(1)

    def _snapshot(self, job_id: str) -> Json:
        """Return the job over REST, in the form of the snapshot that `subscribe` sends."""
        job = self.job(job_id)
        return {"type": "job.snapshot", "jobId": job_id, "seq": job["seq"], "job": job}

    def download(self, url: str, path: Path) -> None:
        """Download a signed URL into a file. The file appears only when it is complete."""
        part = path.with_name(f".{path.name}.part")
        try:
            with self._http.stream("GET", url) as answer:
                if answer.is_error:
                    raise StudioError(f"{path.name} could not be downloaded: the answer was {answer.status_code}.")
                path.parent.mkdir(parents=True, exist_ok=True)
                with part.open("wb") as file:
                    for chunk in answer.iter_bytes():
                        file.write(chunk)
            part.replace(path)
        except httpx.HTTPError as error:
            raise StudioError(f"{path.name} could not be downloaded: {error}.") from None
        except OSError as error:
            raise StudioError(f"{path} cannot be written: {error.strerror}.") from None
        finally:
            part.unlink(missing_ok=True)

    def call(self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None) -> Json:
        """Send a JSON request and return the JSON response. Raise StudioError with the problem's detail.

        After the access token has expired, sign in again.
        """

        def send() -> httpx.Response:
            sent = {**(headers or {}), **({"Authorization": f"Bearer {self._token}"} if self._token else {})}
            return self._send(method, path, json=body, headers=sent)

        answer = send()
        if answer.status_code == httpx.codes.UNAUTHORIZED and self._token:
            self._sign_in()
            answer = send()
        if answer.is_error:
            raise StudioError(_detail(answer))
        found: Json = answer.json() if answer.content else {}
        return found

    def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        try:
            return self._http.request(method, url, **options)
        except httpx.HTTPError as error:
            raise StudioError(f"The studio does not answer: {error}.") from None


def newest_token(outbox: list[Json], email: str) -> str | None:
    """Return the token of the newest link that proves the address, or None without one."""
    links = (message["html"].partition("/verify-email#token=")[2] for message in outbox if email in message["to"])
    return next((link.partition('"')[0] for link in links if link), None)


def step_seconds(job: Json) -> dict[str, float]:
    """Return the seconds that each step of a completed job took, from the job's own times."""
    moments = {
        step["stepType"]: [datetime.fromisoformat(step[name]) for name in ("startedAt", "completedAt")]
        for step in job["steps"]
    }
    return {stage: (end - start).total_seconds() for stage, (start, end) in moments.items()}


_ASSET_TYPES = {"image": "IMAGE", "video": "VIDEO", "audio": "AUDIO", "application": "OTHER"}  # captions


def media_type_of(path: Path) -> str:
    """Return a media type by the file's name. Raise StudioError unless it is a picture, video, sound or captions."""
    if path.suffix.lower() == ".srt":
        return "application/x-subrip"
    media_type = mimetypes.guess_type(path.name)[0] or ""
    if media_type.partition("/")[0] not in _ASSET_TYPES:
        raise StudioError(f"By its name, {path.name} is neither a picture nor a video, sound or captions.")
    return media_type


def _messages(socket: ClientConnection) -> Iterator[Json | None]:
    """Yield each message about a job, and None after `QUIET_SECONDS` without one."""
    while True:
        try:
            message: Json = json.loads(socket.recv(QUIET_SECONDS))
        except TimeoutError:
            yield None
            continue
        kind = str(message.get("type", ""))
        if kind.startswith(("job.", "step.")):
            yield message
        elif kind == "error" or "type" not in message:
            raise StudioError(str(message.get("error") or message.get("message") or "The subscription was refused."))


def _ends(event: Json) -> bool:
    status = event["job"]["status"] if "job" in event else event.get("status")
    return event["type"] in {"job.completed", "job.failed"} or status in ENDED


def _detail(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return str(detail or f"The studio answered {answer.status_code} {answer.reason_phrase}.")
