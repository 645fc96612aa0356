"""What is somebody else's is not there (I8): 404, nothing of it shown, nothing written."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from infra.functions import REST_DOMAINS
from shared.assets.record import AssetType
from shared.core.clock import utc_now
from shared.jobs import settlement
from tests.contract.test_openapi import operations
from tests.support.steps import complete_steps
from tests.support.studio import Answer, Creator, Studio


@dataclass(frozen=True)
class Theirs:
    """What Eve has, and Ada may not touch."""

    project: str
    running: str
    ended: str
    picture: str
    clip: str
    pending: str


@pytest.fixture
def hers(eve: Creator) -> Theirs:
    project = eve.project("Eve's secret plans")
    running, ended = eve.job(project)["id"], eve.job(project)["id"]
    settlement.complete(complete_steps(ended), at=utc_now())
    begun = eve.post("/api/assets/upload", {"name": "p", "type": "IMAGE", "contentType": "image/png", "size": 1})
    return Theirs(
        project, running, ended, eve.asset(), eve.asset(AssetType.VIDEO), begun.body["asset"]["id"],
    )  # fmt: skip


ATTEMPTS: dict[str, tuple[str, str, Any]] = {
    "read her project": ("GET", "/api/projects/{project}", None),
    "rename her project": ("PATCH", "/api/projects/{project}", {"name": "mine"}),
    "delete her project": ("DELETE", "/api/projects/{project}", None),
    "read her job": ("GET", "/api/jobs/{running}", None),
    "read her finished job": ("GET", "/api/jobs/{ended}", None),
    "cancel her job": ("POST", "/api/jobs/{running}/cancel", None),
    "cancel her finished job": ("POST", "/api/jobs/{ended}/cancel", None),
    "delete her job": ("DELETE", "/api/jobs/{running}", None),
    "delete her finished job": ("DELETE", "/api/jobs/{ended}", None),
    "list her project's jobs": ("GET", "/api/jobs?projectId={project}", None),
    "submit into her project": ("POST", "/api/jobs", {"projectId": "{project}", "prompt": "x"}),
    "use her picture": (
        "POST", "/api/jobs",
        {"projectId": "{mine}", "prompt": "x", "inputs": [{"role": "picture", "assetId": "{picture}"}]},
    ),
    "use her clip": (
        "POST", "/api/jobs",
        {"projectId": "{mine}", "prompt": "x", "inputs": [{"role": "driving", "assetId": "{clip}"}]},
    ),
    "use her pending asset": (
        "POST", "/api/jobs",
        {"projectId": "{mine}", "prompt": "x", "inputs": [{"role": "picture", "assetId": "{pending}"}]},
    ),
    "read her asset": ("GET", "/api/assets/{picture}", None),
    "delete her asset": ("DELETE", "/api/assets/{picture}", None),
    "complete her upload": ("POST", "/api/assets", {"assetId": "{pending}"}),
    "upload into her project": (
        "POST", "/api/assets/upload",
        {"name": "p", "type": "IMAGE", "contentType": "image/png", "size": 1, "projectId": "{project}"},
    ),
}  # fmt: skip


def attempt(somebody: Creator, what: tuple[str, str, Any], **ids: str) -> Answer:
    method, path, body = what

    def filled(text: str) -> str:
        for name, value in ids.items():
            text = text.replace("{" + name + "}", value)
        return text

    path, _, query = filled(path).partition("?")
    pairs = dict(pair.split("=") for pair in query.split("&")) if query else {}
    raw = None if body is None else filled(json.dumps(body))
    return somebody.studio.call(method, path, token=somebody.token, query=pairs, raw=raw)


@pytest.mark.parametrize("what", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_nobody_can(studio: Studio, ada: Creator, hers: Theirs, what: tuple[str, str, Any]) -> None:
    mine = ada.project("Ada's own")
    before = studio.dump()
    answer = attempt(ada, what, mine=mine, **vars(hers))
    assert answer.status == 404
    assert answer.body["code"] in {"project_not_found", "job_not_found", "asset_not_found"}
    assert studio.dump() == before
    said = json.dumps(answer.body)
    assert not any(told in said for told in ("secret plans", "lighthouse", "Signature", hers.project))


@pytest.mark.parametrize("what", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_a_foreign_thing_and_a_missing_one_are_answered_alike(
    ada: Creator, hers: Theirs, what: tuple[str, str, Any]
) -> None:
    mine = ada.project()
    there = attempt(ada, what, mine=mine, **vars(hers))
    missing = attempt(ada, what, mine=mine, **dict.fromkeys(vars(hers), "x_01K0000000000000000000000"))
    assert (there.status, there.body) == (missing.status, missing.body)


@pytest.mark.parametrize("what", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_she_herself_can(eve: Creator, hers: Theirs, what: tuple[str, str, Any]) -> None:
    """Or at least it exists for her: without this, everything could be a 404."""
    assert attempt(eve, what, mine=hers.project, **vars(hers)).status != 404


def test_every_route_that_names_something_is_among_the_attempts() -> None:
    """A new route with an id in its path, or a body, must be attempted here."""
    tried = {
        (method, path.partition("?")[0].replace("{", "").replace("}", "")) for method, path, _ in ATTEMPTS.values()
    }

    def shape(path: str) -> str:
        known = {"project", "running", "ended", "picture", "clip", "pending", "mine"}
        return "/".join("*" if part in known or part.startswith("{") else part for part in path.split("/"))

    covered = {(method, shape(path)) for method, path in tried}
    public = {route for domain in REST_DOMAINS for route in domain.public}
    for method, path in operations():
        if f"{method} {path}" in public or path.startswith(("/api/presets", "/api/auth")):
            continue
        if "{" in path or (method == "POST" and path != "/api/projects"):
            assert (method, shape(path)) in covered, f"{method} {path} is not attempted"


def test_lists_show_ones_own_only(ada: Creator, hers: Theirs) -> None:
    for path in ("/api/projects", "/api/jobs", "/api/assets"):
        assert ada.get(path).body == []
        for cursor in vars(hers).values():
            assert ada.get(path, after=cursor).body == []
            assert ada.get(path, after="z").body == []


def test_every_route_but_the_public_ones_wants_a_token(studio: Studio, hers: Theirs) -> None:
    before = studio.dump()
    public = {route for domain in REST_DOMAINS for route in domain.public}
    for method, path in operations():
        if f"{method} {path}" not in public:
            assert studio.call(method, path.replace("{", "").replace("}", ""), {}).status == 401, f"{method} {path}"
    assert studio.dump() == before
