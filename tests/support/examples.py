"""The world in which the examples of the documentation site run, and a server that gives them to the deployment."""

import json
import re
import threading
from base64 import b32decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from shared.access.permissions import KEY_SCOPES, PLATFORM, AccountRole
from shared.aws import clients
from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.credentials.refresh_tokens import COOKIE
from shared.credentials.store import credentials
from shared.credentials.totp import totp
from shared.jobs import settlement
from shared.presets.presets import get_preset
from shared.presets.record import STUDIO
from shared.presets.store import stored_presets
from shared.stages.stages import Stage
from tests.integration.test_job_origins import run
from tests.support.client_methods import operation_of
from tests.support.steps import complete_steps
from tests.support.studio import PASSWORD, Creator, Studio
from tools.site_examples import ULID, Request

WEB_ORIGIN = "https://kinora.test"


@dataclass
class ExampleWorld:
    """A creator with one of everything, and a platform admin. `ids` has the real text of each text of an example."""

    studio: Studio
    ada: Creator
    admin: Creator
    key: Creator
    ids: Mapping[str, str]
    more: Mapping[str, Mapping[str, str]]  # by operation: texts that replace those of `ids`
    bring_back: Callable[[], None] = lambda: None
    served: list[tuple[str | None, int]] = field(default_factory=list)  # the operation and the status of each request
    changed: bool = False  # since it was brought back

    def caller(self, request: Request) -> Creator:
        if request.permission in PLATFORM:
            return self.admin
        return self.key if request.permission is None or request.permission in KEY_SCOPES else self.ada

    def prepared(self, request: Request) -> Mapping[str, str]:
        """Bring the world back, and return the texts that the request's example means."""
        if self.changed:
            self.bring_back()
        self.studio.refill_quotas()
        fresh = PREPARED[request.name](self) if request.name in PREPARED else {}
        self.changed = bool(fresh)
        self.served.clear()
        return {**self.ids, **self.more.get(request.name, {}), **fresh}

    def texts(self, request: Request) -> Callable[[str], str]:
        """Return a function that writes the real texts of the prepared world into an example."""
        texts = self.prepared(request)
        pattern = re.compile("|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True)))
        return lambda example: pattern.sub(lambda hit: texts[hit[0]], example)


def world(studio: Studio) -> ExampleWorld:
    """Make the world."""
    ada, admin = (studio.arrive(f"{name}@example.com", credits=1000) for name in ("ada", "admin"))
    admin.operate()
    project, empty, film = ada.project(), ada.project("Empty"), _film(ada)
    organization = ada.organization("first-films", credits=100)
    mate = ada.hire(organization, "mate@example.com", AccountRole.OWNER)
    ada.invite(organization, "guest@example.com")
    asset = ada.post("/api/assets/upload", {"name": "me.png", "type": "IMAGE", "contentType": "image/png", "size": 3})
    clients.s3().put_object(Bucket="kinora-test-media", Key=asset.body["upload"]["fields"]["key"], Body=b"x")
    with transaction() as tx:
        stored_presets.create("pre_studio", account_id=STUDIO, owner_id=None, name="Slam", description=None,
                              category="zoom", config=get_preset("static").config, at=utc_now(), tx=tx)  # fmt: skip
    key = ada.key()
    ids = {
        "prj": project, "job": film, "ast": ada.asset(), "org": organization, "usr": mate.user_id,
        "inv": ada.list(f"/api/teams/{organization}/invites")[0]["id"],
        "shr": ada.post("/api/shares", {"jobId": film, "title": "Pier"}).body["id"],
        "key": ada.list("/api/auth/keys")[0]["id"], "pre": ada.post("/api/presets/dolly-in/duplicate", {}).body["id"],
        "ses": credentials.begin_family(ada.user_id, at=utc_now()).family_id,
    }  # fmt: skip
    hook = ada.webhook()
    ids |= {"whk": hook["webhook"], "evt": hook["delivery"]}
    still = ada.post("/api/jobs", {"projectId": project, "prompt": "a lake", "until": "IMAGE_GENERATION"}).body["id"]
    settlement.complete(complete_steps(still), at=utc_now())
    draft = ada.job(project, draft=True)["id"]
    settlement.complete(complete_steps(draft), at=utc_now())
    failed = ada.job(project)["id"]
    run(studio, failed, fails_in=Stage.POST_PROCESSING)
    long = ada.job(project)["id"]
    run(studio, long)
    queued, job = ada.job(project)["id"], f"job_{ULID}"
    made = ExampleWorld(
        studio, ada, admin, key, {f"{prefix}_{ULID}": real for prefix, real in ids.items()} | {
            "https://studio.example.com": WEB_ORIGIN},
        {
            "deleteProject": {f"prj_{ULID}": empty},
            "deleteOrganization": {f"org_{ULID}": ada.organization("no-films")},
            "createAsset": {f"ast_{ULID}": asset.body["asset"]["id"]},
            "cancelJob": {job: queued}, "retryJob": {job: failed}, "continueJob": {job: still},
            "finishDraft": {job: draft}, "extendJob": {job: long}, "updatePreset": {f"pre_{ULID}": "pre_studio"},
        },
    )  # fmt: skip
    made.bring_back = studio.keep()
    return made


def _film(creator: Creator) -> str:
    job_id = str(creator.job(creator.project())["id"])
    settlement.complete(complete_steps(job_id), at=utc_now())
    return job_id


def _new_address(one: ExampleWorld) -> Mapping[str, str]:
    body = {"email": "new@example.com", "password": PASSWORD}
    assert one.studio.call("POST", "/api/auth/register", body).status == 202
    return {"4f1c...7a.kX9...": one.studio.mailed("new@example.com")}


def _forgotten(one: ExampleWorld) -> Mapping[str, str]:
    assert one.studio.call("POST", "/api/auth/forgot-password", {"email": "ada@example.com"}).status == 202
    return {"kX9...": one.studio.mailed("ada@example.com")}


def _invited(one: ExampleWorld) -> Mapping[str, str]:
    token = one.admin.invite(one.admin.organization("other-films"), "ada@example.com")
    return {f"org_{ULID}.inv_{ULID}.secret": token}


def _cookie(one: ExampleWorld) -> Mapping[str, str]:
    answer = one.studio.call("POST", "/api/auth/login", {"email": "ada@example.com", "password": PASSWORD})
    [cookie] = [text.partition(";")[0] for text in answer.cookies if text.startswith(COOKIE)]
    return {f"{COOKIE}=...": cookie}


def _secret(one: ExampleWorld) -> Callable[[timedelta], str]:
    secret = one.ada.post("/api/auth/totp", {"password": PASSWORD}).body["secret"]
    return lambda late: totp(b32decode(secret)).generate(int((utc_now() - late).timestamp())).decode()


def _created_factor(one: ExampleWorld) -> Mapping[str, str]:
    return {"123456": _secret(one)(timedelta(0))}


def _enabled_factor(one: ExampleWorld) -> Mapping[str, str]:
    code = _secret(one)
    assert one.ada.post("/api/auth/totp/enable", {"code": code(timedelta(seconds=30))}).status == 200
    return {"123456": code(timedelta(0))}


# What comes from an email, a cookie or an app: the texts of an example, by the operation's id.
PREPARED: Mapping[str, Callable[[ExampleWorld], Mapping[str, str]]] = {
    "verifyEmail": _new_address, "resetPassword": _forgotten, "acceptInvite": _invited, "refresh": _cookie,
    "logout": _cookie, "enableTotp": _created_factor, "deleteTotp": _enabled_factor,
}  # fmt: skip


@contextmanager
def served(one: ExampleWorld, prepare: Callable[[str], object]) -> Iterator[str]:
    """Serve the deployment on loopback and yield its address. A POST to `/prepare/{operation}` calls `prepare`.

    One thread handles one request after another, because the deployment is in this process.
    """

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode() or None
            if url.path.startswith("/prepare/"):
                self._answer(200, {"content-type": "application/json"}, prepare(url.path.rpartition("/")[2]))
                return
            operation = operation_of(self.command, url.path)
            one.changed |= self.command != "GET"
            try:
                answer = one.studio.call(
                    self.command, url.path, raw=body, query=dict(parse_qsl(url.query)),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    token=self.headers.get("authorization", "").removeprefix("Bearer "),
                )  # fmt: skip
            except Exception as error:  # noqa: BLE001  # the test shows it
                one.served.append((f"{operation}: {error!r}", 500))
                self._answer(400, {"content-type": "text/plain"}, repr(error))
                return
            one.served.append((operation, answer.status))
            self._answer(answer.status, answer.headers, answer.body)

        def _answer(self, status: int, headers: Mapping[str, str], body: Any) -> None:
            content = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            for name, value in headers.items():
                if name != "content-length":
                    self.send_header(name, value)
            self.end_headers()
            if status != 204:
                self.wfile.write(content.encode())

        do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815  # names of http.server

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
