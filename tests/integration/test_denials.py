"""Denials: a resource of another account does not exist for the caller (I8). The answer is 404, and nothing is written.

The attempts come from the OpenAPI documents. New routes are included automatically.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from shared.access import tokens
from shared.access.permissions import PLATFORM, Permission
from shared.assets.record import AssetType
from shared.aws.secrets import secret
from shared.core.clock import utc_now
from shared.credentials.store import credentials
from shared.jobs import settlement
from shared.shares.store import shares
from tests.support.endpoints import PUBLIC, ApiEndpoint, IdPlace, Ids, endpoints
from tests.support.steps import complete_steps
from tests.support.studio import Answer, Creator, Studio

# Eve's resources of each kind that a request can name.
HERS: dict[str, tuple[str, ...]] = {
    "project": ("project",),
    "job": ("running", "ended"),
    "batch": ("batch",),
    "asset": ("picture", "clip", "pending"),
    "organization": ("organization",),
    "member": ("member",),
    "invite": ("invite",),
    "user": ("user",),  # these two are for platform admins
    "engine": ("engine",),
    "webhook": ("webhook",),
    "delivery": ("delivery",),
    "session": ("session",),
    "key": ("key",),
    "preset": ("preset",),
    "share": ("share",),
}
GUARDED = [endpoint for endpoint in endpoints() if endpoint.name not in PUBLIC]
every_guarded_route = pytest.mark.parametrize("endpoint", GUARDED, ids=lambda endpoint: endpoint.name)


@dataclass(frozen=True)
class DeniedRequest:
    """A request that names one resource of Eve's at one place."""

    endpoint: ApiEndpoint
    place: IdPlace
    thing: str

    def by(self, caller: Creator, own: Ids, named: str) -> Answer:
        return caller.studio.call(token=caller.token, **self.endpoint.request(own, self.place, named))


ATTEMPTS = {
    f"{endpoint.name} with her {thing} as {place.field}": DeniedRequest(endpoint, place, thing)
    for endpoint in GUARDED
    if not PLATFORM & set(endpoint.permissions)
    for place in endpoint.places()
    for thing in HERS[place.kind]  # KeyError: Eve needs a resource of the new kind
}
every_attempt = pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())


@dataclass(frozen=True)
class TwoAccounts:
    """The resources of Ada and Eve, and the dump of everything that is stored."""

    ada: Creator
    eve: Creator
    own: Ids  # one resource of Ada's of each kind
    hers: dict[str, str]  # the ids of Eve's resources, by the names of HERS
    bring_back: Callable[[], None]


@pytest.fixture(scope="module")
def made(deployment: Studio) -> TwoAccounts:
    deployment.wipe()
    ada, eve = deployment.arrive("ada@example.com"), deployment.arrive("eve@example.com")
    return TwoAccounts(ada, eve, _own(ada), _hers(eve), deployment.keep())


@pytest.fixture
def world(made: TwoAccounts) -> TwoAccounts:
    """The world, which is brought back after a test that changed it."""
    made.bring_back()
    return made


@pytest.fixture
def studio(deployment: Studio, world: TwoAccounts) -> Studio:
    return deployment


@pytest.fixture
def ada(world: TwoAccounts) -> Creator:
    return world.ada


@pytest.fixture
def eve(world: TwoAccounts) -> Creator:
    return world.eve


@pytest.fixture
def own(world: TwoAccounts) -> Ids:
    return world.own


@pytest.fixture
def hers(world: TwoAccounts) -> dict[str, str]:
    return world.hers


def _hers(eve: Creator) -> dict[str, str]:
    project = eve.project("Eve's secret plans")
    running, ended = eve.job(project)["id"], eve.job(project)["id"]
    settlement.complete(complete_steps(ended), at=utc_now())
    body = {"projectId": project, "prompt": "a lighthouse", "count": 2}
    begun = eve.post("/api/assets/upload", {"name": "p", "type": "IMAGE", "contentType": "image/png", "size": 1})
    return {
        "project": project, "running": running, "ended": ended, "batch": eve.post("/api/jobs", body).body["batchId"],
        "picture": eve.asset(), "clip": eve.asset(AssetType.VIDEO), "pending": begun.body["asset"]["id"],
        **_organization(eve), **_sign_in(eve), **eve.webhook(), "user": eve.user_id, "engine": "eves-engine",
        "preset": _preset(eve), "share": _share(ended),
    }  # fmt: skip


def _share(job: str) -> str:
    return shares.create(job, title="Harbour", at=utc_now()).share_id


def _preset(creator: Creator) -> str:
    """Return the id of a private copy of a preset."""
    return str(creator.post("/api/presets/dolly-in/duplicate", {}).body["id"])


def _organization(owner: Creator) -> dict[str, str]:
    """Return the ids of a new organization of the owner, and of its member and its invite."""
    name = owner.get("/api/auth/me").body["email"].partition("@")[0]
    organization = owner.organization(f"films-of-{name}", credits=10)
    member = owner.hire(organization, f"friend-of-{name}@example.com")
    owner.invite(organization, f"guest-of-{name}@example.com")
    invite = owner.list(f"/api/teams/{organization}/invites")[0]["id"]
    return {"organization": organization, "member": member.user_id, "invite": invite}


def _own(ada: Creator) -> Ids:
    project = ada.project("Ada's own")
    job = ada.job(project)["id"]
    return {"project": project, "job": job, "asset": ada.asset(), "batch": "bat_1", "preset": _preset(ada),
            "share": _share(job), **ada.webhook(), "user": ada.user_id, "engine": "parallax",
            **_organization(ada), **_sign_in(ada)}  # fmt: skip


def _sign_in(creator: Creator) -> dict[str, str]:
    """Return the ids of a new session and a new key."""
    key = creator.post("/api/auth/keys", {"name": "films", "scopes": ["jobs:read"]})
    return {"session": credentials.begin_family(creator.user_id, at=utc_now()).family_id, "key": key.body["id"]}


def eves(hers: dict[str, str]) -> Ids:
    return {kind: hers[things[0]] for kind, things in HERS.items()}


@every_attempt
def test_the_resource_of_another_account_is_not_found(
    studio: Studio, ada: Creator, own: Ids, hers: dict[str, str], attempt: DeniedRequest
) -> None:
    before = studio.dump()
    answer = attempt.by(ada, own, hers[attempt.thing])
    assert answer.status == 404
    assert answer.body["code"] == f"{attempt.place.kind}_not_found"
    assert studio.dump() == before
    text = json.dumps(answer.body)
    assert not any(secret in text for secret in ("secret plans", "lighthouse", "Signature", hers["project"]))


@every_attempt
def test_the_resource_of_another_account_and_a_missing_one_get_the_same_answer(
    ada: Creator, own: Ids, hers: dict[str, str], attempt: DeniedRequest
) -> None:
    there = attempt.by(ada, own, hers[attempt.thing])
    missing = attempt.by(ada, own, "x_01K0000000000000000000000")
    assert (there.status, there.body) == (missing.status, missing.body)


@every_attempt
def test_the_owner_can_use_the_resource(eve: Creator, hers: dict[str, str], attempt: DeniedRequest) -> None:
    """The resource exists for its owner. Otherwise every answer could be 404."""
    assert attempt.by(eve, eves(hers), hers[attempt.thing]).status != 404


@every_guarded_route
def test_no_route_shows_or_changes_the_resources_of_another_account(
    studio: Studio, ada: Creator, eve: Creator, own: Ids, hers: dict[str, str], endpoint: ApiEndpoint
) -> None:
    def of_eve() -> dict[str, list[str]]:
        return {
            table: [part for item in items for part in parts(table, item) if names_hers(part)]
            for table, items in studio.dump().items()
        }

    def parts(table: str, item: str) -> list[str]:
        """Return the entries of an item in which all accounts have entries, or the whole item."""
        return re.findall(r'"[^"]+"', item) if table.endswith("-slots") and '"deployment"' in item else [item]

    def names_hers(text: str) -> bool:
        return any(known in text for known in (eve.user_id, *hers.values()))

    before = of_eve()
    answer = studio.call(token=ada.token, **endpoint.request(own))
    assert answer.status < 500
    if PLATFORM & set(endpoint.permissions):
        assert answer.status == 403
    else:
        assert answer.status not in {403, 404, 422}, answer.body
    assert not names_hers(json.dumps(answer.body))
    assert of_eve() == before


def test_lists_show_only_the_callers_resources(studio: Studio, hers: dict[str, str]) -> None:
    new = studio.arrive("new@example.com")
    for path in ("/api/projects", "/api/jobs", "/api/assets", "/api/teams"):
        assert new.list(path) == []


@every_guarded_route
def test_a_request_without_a_token_is_refused(studio: Studio, hers: dict[str, str], endpoint: ApiEndpoint) -> None:
    before = studio.dump()
    assert studio.call(**endpoint.request(eves(hers))).status == 401
    assert studio.dump() == before


@every_guarded_route
def test_a_token_without_the_scope_is_refused(
    studio: Studio, eve: Creator, hers: dict[str, str], endpoint: ApiEndpoint
) -> None:
    def token(scopes: set[Any]) -> str:
        key = secret("access-token-signing-key")
        return tokens.issue(eve.user_id, signing_key=key, at=utc_now(), scopes=frozenset(scopes))

    needed, request, before = set(endpoint.permissions), endpoint.request(eves(hers)), studio.dump()
    for scopes in (set(Permission) - needed, set()):
        answer = studio.call(token=token(scopes), **request)
        assert (answer.status, answer.body["code"]) == (403, "forbidden")
        assert studio.dump() == before
    if PLATFORM & needed:
        assert studio.call(token=token(needed), **request).status == 403
        eve.operate()
        assert studio.call(token=token(needed), **request).status not in {401, 403}
        return
    assert studio.call(token=token(needed), **request).status not in {401, 403, 404}
