"""`python -m local.tour`: use every part of the API as a customer does, over HTTP only, on a laptop cloud."""

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import httpx
import typer

from clients.python.kinora.errors import BadWebhook
from clients.python.kinora.order import ENDED
from clients.python.kinora.webhooks import verify
from local import terminal
from local.cloud import Cloud, laptop_cloud
from local.environment import HOST, ROOT
from local.processes import CloudFailed
from local.studio import Json, StudioClient, StudioError, newest_token

PICTURE = ROOT / "docs/gallery/lighthouse.jpg"
SMALL = {"duration": 2, "resolution": "480p", "seed": 7}
WAIT_SECONDS = 180.0


class WebhookReceiver:
    """A web server of the customer, which receives webhooks."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.address = f"{HOST}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Tour:
    """The steps, in their order. Each returns one sentence about what it saw, and raises StudioError otherwise."""

    def __init__(self, cloud: Cloud, receiver: WebhookReceiver, stack: ExitStack) -> None:
        self._cloud, self._receiver = cloud, receiver
        self._ada, self._bob = (
            stack.enter_context(closing(StudioClient(cloud.api_url, cloud.socket_url, cloud.outbox_url)))
            for _ in range(2)
        )
        self._pages = stack.enter_context(httpx.Client(base_url=cloud.api_url, trust_env=False, timeout=60))
        self._password = uuid4().hex
        self._project = self._secret = ""
        self._picture: list[Json] = []
        self._film: Json = {}
        self._cancelled: Json = {}

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("Sign-up and verification", self._sign_up),
            ("Team and invite", self._team),
            ("Checkout", self._checkout),
            ("Webhook", self._webhook),
            ("Upload", self._upload),
            ("Quote", self._quote),
            ("Job with approval", self._approval),
            ("Cancel", self._cancel),
            ("Retry", self._retry),
            ("Extend", self._extend),
            ("Delivered events", self._delivered),
            ("Key", self._key),
            ("Ledger", self._ledger),
            ("Erasure", self._erasure),
        ]

    def _sign_up(self) -> str:
        self._ada.sign_up("ada@example.com", self._password)
        self._bob.sign_up("bob@example.com", uuid4().hex)
        me = self._ada.me()
        self._project = self._ada.create_project("Tour")
        return f"{me['email']} has {me['balance']['available']} credits"

    def _team(self) -> str:
        team = self._ada.call("POST", "/api/teams", {"name": "Harbour Films", "slug": "harbour-films"})["id"]
        self._ada.call("POST", f"/api/teams/{team}/members/invite", {"email": "bob@example.com", "role": "MEMBER"})
        token = self._token("/invite#token=", "bob@example.com")
        self._bob.call("POST", "/api/teams/accept", {"token": token})
        roles = {one["email"]: one["role"] for one in self._ada.call("GET", f"/api/teams/{team}/members")["data"]}
        self._ada.call("DELETE", f"/api/teams/{team}/members/{self._bob.me()['id']}")
        self._ada.call("DELETE", f"/api/teams/{team}")
        return ", ".join(f"{email} is {role}" for email, role in roles.items())

    def _checkout(self) -> str:
        page = str(self._ada.call("POST", "/api/billing/checkout", {"plan": "PRO"})["url"])
        self._pages.post(page, data={"action": "pay"})
        return _eventually(
            lambda: self._ada.call("GET", "/api/billing/subscription"),
            lambda found: found["plan"] == "PRO",
            lambda found: f"the plan is PRO, with {found['creditsAvailable']} credits",
        )

    def _webhook(self) -> str:
        body = {"url": f"http://{self._receiver.address}/kinora", "events": ["job.completed", "job.cancelled"]}
        self._secret = str(self._ada.call("POST", "/api/webhooks", body)["secret"])
        return f"{', '.join(body['events'])} go to {body['url']}"

    def _upload(self) -> str:
        asset_id = self._ada.begin_upload(PICTURE)
        self._picture = [{"role": "picture", "assetId": asset_id}]
        return _eventually(
            lambda: self._ada.asset(asset_id),
            lambda found: found["status"] == "READY",
            lambda found: f"{found['name']} is READY, {found['width']} x {found['height']}",
        )

    def _quote(self) -> str:
        quote = self._ada.call("POST", "/api/jobs/quote", self._job("a lighthouse at dusk"))
        return f"{quote['credits']} credits at most; understood: {', '.join(quote['understood'])}"

    def _approval(self) -> str:
        still = self._ended(self._ada.submit(self._job("a lighthouse at dusk", until="IMAGE_GENERATION")))
        film = self._ada.call("POST", f"/api/jobs/{still['id']}/continue", {}, {"Idempotency-Key": uuid4().hex})
        self._film = self._ended(film)
        return f"the still cost {still['credits']} credits, and its film {self._film['credits']}"

    def _cancel(self) -> str:
        job = self._ada.submit(self._job("a forest in winter", inputs=self._picture))
        self._ada.cancel(job["id"])
        self._cancelled = self._ada.job(job["id"])
        return f"the job is {self._cancelled['status']}"

    def _retry(self) -> str:
        again = self._follow(self._cancelled, "retry", None)
        return f"a new job is {again['status']}, for {again['credits']} credits"

    def _extend(self) -> str:
        longer = self._follow(self._film, "extend", {"presetId": "pan-left"})
        return f"a film from the last frame is {longer['status']}"

    def _delivered(self) -> str:
        def kinds() -> list[str]:
            return sorted({self._verified(*one) for one in self._receiver.received})

        wanted = ["job.cancelled", "job.completed"]
        return _eventually(kinds, lambda found: found == wanted, lambda found: f"signed: {', '.join(found)}")

    def _key(self) -> str:
        made = self._ada.call("POST", "/api/auth/keys", {"name": "tour", "scopes": ["jobs:read"]})
        headers = {"Authorization": f"Bearer {made['key']}"}
        read = self._pages.get("/api/jobs", headers=headers)
        spent = self._pages.post("/api/jobs", json=self._job("a lake"), headers=headers)
        self._ada.call("DELETE", f"/api/auth/keys/{made['id']}")
        after = self._pages.get("/api/jobs", headers=headers)
        answers = (read.status_code, spent.status_code, after.status_code)
        if answers != (200, 403, 401):
            raise StudioError(f"The key got {answers}.")
        return "it reads jobs (200), spends nothing (403), and opens nothing after it is revoked (401)"

    def _ledger(self) -> str:
        entries = self._ada.call("GET", "/api/billing/ledger")["data"]
        total, available = sum(entry["credits"] for entry in entries), self._ada.me()["balance"]["available"]
        if total != available:
            raise StudioError(f"The ledger adds up to {total} credits, and {available} are available.")
        return f"{len(entries)} entries explain {available} credits"

    def _erasure(self) -> str:
        """Close the account. Its data is deleted later, when its last token has expired, and then a receipt is sent."""
        closed = self._ada.call("DELETE", "/api/auth/me", {"password": self._password})
        login = {"email": "ada@example.com", "password": self._password}
        answer = self._pages.post("/api/auth/login", json=login)
        if answer.status_code != httpx.codes.UNAUTHORIZED:
            raise StudioError(f"A sign-in after the deletion got {answer.status_code}.")
        return str(closed["detail"])

    def _job(self, prompt: str, **more: Any) -> Json:
        return {"projectId": self._project, "prompt": prompt, "settings": SMALL, **more}

    def _follow(self, origin: Json, verb: str, body: Json | None) -> Json:
        path = f"/api/jobs/{origin['id']}/{verb}"
        return self._ended(self._ada.call("POST", path, body, {"Idempotency-Key": uuid4().hex}))

    def _ended(self, job: Json) -> Json:
        """Wait until the job is COMPLETED, and return it. Raise StudioError if it ends in another way."""
        deadline = monotonic() + WAIT_SECONDS
        while (found := self._ada.job(job["id"]))["status"] not in ENDED and monotonic() < deadline:
            sleep(0.3)
        if found["status"] != "COMPLETED":
            raise StudioError(f"The job is {found['status']}: {found['error']}")
        return found

    def _verified(self, headers: dict[str, str], body: bytes) -> str:
        """Return the type of the event, after a check of its signature."""
        try:
            return str(verify(body, headers, self._secret)["type"])
        except BadWebhook as wrong:
            raise StudioError(str(wrong)) from None

    def _outbox(self) -> list[Json]:
        found: list[Json] = self._pages.get(self._cloud.outbox_url).json()
        return found

    def _token(self, mark: str, email: str) -> str:
        token = newest_token(self._outbox(), email, mark)
        if token is None:
            raise StudioError(f"No link was sent to {email}.")
        return token


def _eventually(read: Callable[[], Any], holds: Callable[[Any], bool], sentence: Callable[[Any], str]) -> str:
    """Read until the value holds, and return the sentence about it. Raise StudioError after a time."""
    deadline = monotonic() + WAIT_SECONDS
    while not holds(found := read()):
        if monotonic() > deadline:
            raise StudioError(f"This did not happen in {WAIT_SECONDS:.0f} s. The last answer: {found}")
        sleep(0.3)
    return sentence(found)


def main() -> None:
    """Use every part of the API, and print each step."""
    terminal.title("A tour of the API", "a customer's requests, over HTTP only")
    try:
        with ExitStack() as stack:
            receiver = stack.enter_context(closing(WebhookReceiver()))
            os.environ["KINORA_EGRESS_OPEN_TO"] = receiver.address  # otherwise a webhook reaches public addresses only
            with terminal.waiting("Starting the laptop cloud", "Laptop cloud is running"):
                cloud = stack.enter_context(laptop_cloud(folder=Path(ROOT / "build/tour")))
            for name, step in Tour(cloud, receiver, stack).steps():
                began = monotonic()
                try:
                    terminal.done(f"{name:<26}{step()}  ({monotonic() - began:.1f} s)")
                except StudioError as error:
                    raise StudioError(f"{name}: {error}") from None
    except (StudioError, CloudFailed) as error:
        terminal.failure(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        terminal.note("Stopped.\n")
        raise typer.Exit(130) from None


if __name__ == "__main__":
    typer.run(main)
