"""Every few hours: signs up, makes a small film through the public API, and looks at it, as any creator would.

What it raises is what the alarm tells. A film that went well is deleted; one that did not is left to be looked at.
"""

import json
import secrets
from http.client import HTTPException
from time import monotonic, sleep
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from functions.canary.film import NotAFilm, film_seconds
from shared.core.config import Config
from shared.observability import Metric, about, logger, measure, observed

Json = dict[str, Any]

DURATION_SECONDS = 1
FILM: Json = {
    "prompt": "a lighthouse at dusk",
    "presetId": "crash-zoom-in",
    "settings": {"duration": DURATION_SECONDS, "resolution": "720p", "seed": 1},
}
ASK_EVERY_SECONDS = 5
ANSWER_SECONDS = 30
MOST_BYTES = 50_000_000


class CanaryConfig(Config):
    site_url: str = ""  # where creators are: the API is below /api
    canary_seconds: int = 780  # for one film, the boot of its workers included


class CanaryFailed(Exception):
    """What a creator would have met, in one sentence."""


@observed
def handler(_event: Json, _context: object) -> Json:
    """Answers the job's id and the seconds it took; raises CanaryFailed."""
    config, begun = CanaryConfig(), monotonic()
    creator = Creator(config.site_url)
    creator.sign_up()
    project_id = creator.call("POST", "/api/projects", {"name": "Canary"})["id"]
    job_id = creator.call("POST", "/api/jobs", {**FILM, "projectId": project_id}, once=True)["id"]
    about(job_id=job_id)
    logger.info("canary job submitted")
    job = _finished(creator, job_id, deadline=begun + config.canary_seconds)
    _look_at(creator, job)
    seconds = monotonic() - begun
    creator.call("DELETE", f"/api/jobs/{job_id}")
    creator.call("DELETE", f"/api/projects/{project_id}")
    measure(Metric.CANARY_FILM_SECONDS, seconds)
    return {"jobId": job_id, "seconds": round(seconds, 1)}


class Creator:
    """One creator, new each time: there is no password to keep. All methods raise CanaryFailed."""

    def __init__(self, site_url: str) -> None:
        self._site_url, self._token = site_url.rstrip("/"), ""

    def sign_up(self) -> None:
        """Register, then sign in. Mail to this address ends in SES's simulator, so that nothing ever bounces."""
        login = {
            "email": f"success+canary-{secrets.token_hex(8)}@simulator.amazonses.com",
            "password": secrets.token_urlsafe(24),
        }
        self.call("POST", "/api/auth/register", login)
        self._token = self.call("POST", "/api/auth/login", login)["accessToken"]

    def call(self, method: str, path: str, body: Json | None = None, *, once: bool = False) -> Json:
        """One request; `once` gives it an Idempotency-Key."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if once:
            headers["Idempotency-Key"] = secrets.token_hex(16)
        data = None if body is None else json.dumps(body).encode()
        answer = _answer(Request(self._site_url + path, data, headers, method=method), f"{method} {path}")  # noqa: S310  # our own address
        return json.loads(answer) if answer else {}

    def read(self, url: str, what: str) -> bytes:
        """The object behind a signed URL."""
        return _answer(Request(url), f"reading the {what}")  # noqa: S310  # the API's own answer


def _finished(creator: Creator, job_id: str, *, deadline: float) -> Json:
    while True:
        job = creator.call("GET", f"/api/jobs/{job_id}")
        if job["status"] == "COMPLETED":
            return job
        if job["status"] in {"FAILED", "CANCELLED"}:
            raise CanaryFailed(f"{job_id} ended {job['status']} at {job['currentStep']}: {job['error']}")
        if monotonic() > deadline:
            raise CanaryFailed(f"{job_id} is still {job['status']} at {job['currentStep']}, {job['progress']} %.")
        sleep(ASK_EVERY_SECONDS)


def _look_at(creator: Creator, job: Json) -> None:
    try:
        seconds = film_seconds(creator.read(job["videoUrl"], "film"))
    except NotAFilm as reason:
        raise CanaryFailed(f"The film of {job['id']} cannot be played: {reason}.") from None
    if abs(seconds - DURATION_SECONDS) > 0.2:
        raise CanaryFailed(f"The film of {job['id']} plays {seconds:.2f} s, not {DURATION_SECONDS}.")
    if not creator.read(job["posterUrl"], "poster").startswith(b"\xff\xd8"):
        raise CanaryFailed(f"The poster of {job['id']} is no JPEG.")


def _answer(request: Request, what: str) -> bytes:
    try:
        with urlopen(request, timeout=ANSWER_SECONDS) as response:  # noqa: S310  # https, or the laptop's http
            body: bytes = response.read(MOST_BYTES)
            return body
    except HTTPError as error:
        raise CanaryFailed(f"{what} answered {error.code}: {error.read(500).decode(errors='replace')}") from None
    except (OSError, HTTPException) as error:
        raise CanaryFailed(f"{what} failed: {error}") from None
