"""The canary: every few hours it signs up, makes a short film through the public API and checks the film.

An exception triggers the alarm. The canary deletes a good film and keeps a bad one for inspection.
"""

import json
import secrets
from contextlib import suppress
from http.client import HTTPException
from time import monotonic, sleep
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from functions.canary.film import UnplayableFilm, film_seconds
from shared.core.clock import utc_now
from shared.core.config import Config
from shared.observability import Metric, about, logger, measure, observed
from shared.users.registrations import LinkNotValid, registrations

Json = dict[str, Any]

DURATION_SECONDS = 1
FILM: Json = {
    "prompt": "a lighthouse at dusk",
    "presetId": "crash-zoom-in",
    "settings": {"duration": DURATION_SECONDS, "resolution": "720p", "seed": 1},
}
POLL_SECONDS = 5  # interval between two reads of the job
TIMEOUT_SECONDS = 30  # limit for one request
MAX_BYTES = 50_000_000  # maximum size of a response


class CanaryConfig(Config):
    site_url: str = ""  # the studio's address; the API is below /api
    canary_seconds: int = 780  # limit for one film, including the start of its workers


class CanaryFailed(Exception):
    """A failed film. The message is one sentence: the failure that a creator would have seen."""


@observed
def handler(_event: Json, _context: object) -> Json:
    """Make and check a film. Return the job's id and its seconds. Raise CanaryFailed."""
    config, begun = CanaryConfig(), monotonic()
    creator = CanaryCreator(config.site_url)
    creator.sign_up()
    project_id = creator.call("POST", "/api/projects", {"name": "Canary"})["id"]
    job_id = creator.call("POST", "/api/jobs", {**FILM, "projectId": project_id}, once=True)["id"]
    about(job_id=job_id)
    logger.info("canary job submitted")
    job = _finished(creator, job_id, deadline=begun + config.canary_seconds)
    _check(creator, job)
    seconds = monotonic() - begun
    creator.call("DELETE", f"/api/jobs/{job_id}")
    creator.call("DELETE", f"/api/projects/{project_id}")
    measure(Metric.CANARY_FILM_SECONDS, seconds)
    return {"jobId": job_id, "seconds": round(seconds, 1)}


class CanaryCreator:
    """A new creator for each run, so the deployment stores no password for it. All methods raise CanaryFailed."""

    def __init__(self, site_url: str) -> None:
        self._site_url, self._token = site_url.rstrip("/"), ""

    def sign_up(self) -> None:
        """Register and sign in. The address belongs to SES's mailbox simulator, so mail to it never bounces.

        Nobody can read that mail, so the canary gives its registration another token.
        """
        login = {
            "email": f"success+canary-{secrets.token_hex(8)}@simulator.amazonses.com",
            "password": secrets.token_urlsafe(24),
        }
        self.call("POST", "/api/auth/register", login)
        with suppress(LinkNotValid):  # without email the account exists at once
            token = registrations.renew(login["email"], at=utc_now())
            self.call("POST", "/api/auth/verify-email", {"token": token})
        self._token = self.call("POST", "/api/auth/login", login)["accessToken"]

    def call(self, method: str, path: str, body: Json | None = None, *, once: bool = False) -> Json:
        """Send one request and return the JSON response. `once` adds an Idempotency-Key."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if once:
            headers["Idempotency-Key"] = secrets.token_hex(16)
        data = None if body is None else json.dumps(body).encode()
        answer = _response(Request(self._site_url + path, data, headers, method=method), f"{method} {path}")  # noqa: S310  # our own address
        return json.loads(answer) if answer else {}

    def read(self, url: str, what: str) -> bytes:
        """Return the object at a signed URL."""
        return _response(Request(url), f"reading the {what}")  # noqa: S310  # a URL from our own API


def _finished(creator: CanaryCreator, job_id: str, *, deadline: float) -> Json:
    while True:
        job = creator.call("GET", f"/api/jobs/{job_id}")
        if job["status"] == "COMPLETED":
            return job
        if job["status"] in {"FAILED", "CANCELLED"}:
            raise CanaryFailed(f"{job_id} ended {job['status']} at {job['currentStep']}: {job['error']}")
        if monotonic() > deadline:
            raise CanaryFailed(f"{job_id} is still {job['status']} at {job['currentStep']}, {job['progress']} %.")
        sleep(POLL_SECONDS)


def _check(creator: CanaryCreator, job: Json) -> None:
    try:
        seconds = film_seconds(creator.read(job["videoUrl"], "film"))
    except UnplayableFilm as reason:
        raise CanaryFailed(f"The film of {job['id']} cannot be played: {reason}.") from None
    if abs(seconds - DURATION_SECONDS) > 0.2:
        raise CanaryFailed(f"The film of {job['id']} plays {seconds:.2f} s, not {DURATION_SECONDS}.")
    if not creator.read(job["posterUrl"], "poster").startswith(b"\xff\xd8"):
        raise CanaryFailed(f"The poster of {job['id']} is not a JPEG.")


def _response(request: Request, what: str) -> bytes:
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310  # https, or the laptop's http
            body: bytes = response.read(MAX_BYTES)
            return body
    except HTTPError as error:
        raise CanaryFailed(f"{what} answered {error.code}: {error.read(500).decode(errors='replace')}") from None
    except (OSError, HTTPException) as error:
        raise CanaryFailed(f"{what} failed: {error}") from None
