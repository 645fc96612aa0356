"""The authorization matrix: every route, for every kind of caller, with the ids of every kind of owner.

The requests come from the OpenAPI documents. A new route needs a row in `ROWS`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from shared.access import tokens
from shared.access.permissions import KEY_SCOPES, PLATFORM, AccountRole, Permission
from shared.audit.record import AuditEntryRecord
from shared.audit.store import DEPLOYMENT, audit_log
from shared.aws.secrets import secret
from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.credentials.store import credentials
from shared.keys.record import ApiKeyRecord
from shared.presets.presets import get_preset
from shared.presets.record import STUDIO
from shared.presets.store import stored_presets
from shared.shares.store import shares
from tests.support.endpoints import PUBLIC, ApiEndpoint, Ids, endpoints
from tests.support.studio import Creator, Studio

OWNER, ADMIN, MEMBER, VIEWER = AccountRole

# The lowest role that may use the route on an organization. None: the route names no organization and no resource of an
# account. It acts for the user, so each user may use it.
ROWS: dict[str, AccountRole | None] = {
    "GET /api/auth/me": None,
    "DELETE /api/auth/me": None,
    "POST /api/auth/change-password": None,
    "GET /api/auth/sessions": None,
    "DELETE /api/auth/sessions": None,
    "DELETE /api/auth/sessions/{session_id}": None,
    "GET /api/auth/totp": None,
    "POST /api/auth/totp": None,
    "POST /api/auth/totp/enable": None,
    "DELETE /api/auth/totp": None,
    "POST /api/auth/ws-ticket": None,
    "POST /api/auth/keys": None,
    "GET /api/auth/keys": None,
    "DELETE /api/auth/keys/{key_id}": None,
    "POST /api/shares": MEMBER,
    "GET /api/shares": VIEWER,
    "DELETE /api/shares/{share_id}": MEMBER,
    "GET /api/presets/own": VIEWER,
    "POST /api/presets/own": MEMBER,
    "GET /api/presets/own/{preset_id}": VIEWER,
    "PATCH /api/presets/own/{preset_id}": MEMBER,
    "DELETE /api/presets/own/{preset_id}": MEMBER,
    "POST /api/presets/{preset_id}/duplicate": MEMBER,
    "GET /api/settings": None,
    "PATCH /api/settings": None,
    "POST /api/projects": MEMBER,
    "GET /api/projects": VIEWER,
    "GET /api/projects/{project_id}": VIEWER,
    "PATCH /api/projects/{project_id}": MEMBER,
    "DELETE /api/projects/{project_id}": MEMBER,
    "POST /api/jobs": MEMBER,
    "POST /api/jobs/quote": MEMBER,
    "GET /api/jobs": VIEWER,
    "GET /api/jobs/{job_id}": VIEWER,
    "POST /api/jobs/{job_id}/cancel": MEMBER,
    "POST /api/jobs/{job_id}/retry": MEMBER,
    "POST /api/jobs/{job_id}/continue": MEMBER,
    "POST /api/jobs/{job_id}/final": MEMBER,
    "POST /api/jobs/{job_id}/extend": MEMBER,
    "DELETE /api/jobs/{job_id}": MEMBER,
    "POST /api/assets/upload": MEMBER,
    "POST /api/assets": MEMBER,
    "POST /api/assets/import": MEMBER,
    "POST /api/assets/import-output": MEMBER,
    "GET /api/assets": VIEWER,
    "GET /api/assets/{asset_id}": VIEWER,
    "DELETE /api/assets/{asset_id}": MEMBER,
    "POST /api/teams": None,
    "GET /api/teams": None,
    "POST /api/teams/accept": None,
    "GET /api/teams/{organization_id}": VIEWER,
    "PATCH /api/teams/{organization_id}": ADMIN,
    "DELETE /api/teams/{organization_id}": OWNER,
    "POST /api/teams/{organization_id}/transfer": OWNER,
    "POST /api/teams/{organization_id}/leave": VIEWER,
    "POST /api/teams/{organization_id}/credits": ADMIN,
    "GET /api/teams/{organization_id}/members": VIEWER,
    "GET /api/teams/{organization_id}/members/{member_id}": VIEWER,
    "POST /api/teams/{organization_id}/members/invite": ADMIN,
    "PATCH /api/teams/{organization_id}/members/{member_id}": ADMIN,
    "DELETE /api/teams/{organization_id}/members/{member_id}": ADMIN,
    "GET /api/teams/{organization_id}/invites": ADMIN,
    "DELETE /api/teams/{organization_id}/invites/{invite_id}": ADMIN,
    "GET /api/teams/{organization_id}/audit": ADMIN,
    "POST /api/webhooks": ADMIN,
    "GET /api/webhooks": ADMIN,
    "GET /api/webhooks/{webhook_id}": ADMIN,
    "PATCH /api/webhooks/{webhook_id}": ADMIN,
    "DELETE /api/webhooks/{webhook_id}": ADMIN,
    "POST /api/webhooks/{webhook_id}/secret": ADMIN,
    "POST /api/webhooks/{webhook_id}/test": ADMIN,
    "GET /api/webhooks/{webhook_id}/deliveries": ADMIN,
    "POST /api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay": ADMIN,
    "GET /api/billing/subscription": ADMIN,
    "POST /api/billing/checkout": OWNER,
    "POST /api/billing/portal": OWNER,
    "GET /api/billing/usage": ADMIN,
    "GET /api/billing/ledger": ADMIN,
}
# The routes of platform admins. No role and no key may use them.
ADMINISTERED = {
    "GET /api/admin/users", "POST /api/admin/users/{user_id}/suspend", "POST /api/admin/users/{user_id}/resume",
    "POST /api/admin/users/{user_id}/credits", "POST /api/admin/organizations/{organization_id}/credits",
    "GET /api/admin/engines", "POST /api/admin/engines/{engine_id}/disable",
    "POST /api/admin/engines/{engine_id}/enable", "GET /api/admin/audit", "POST /api/presets",
    "PATCH /api/presets/{preset_id}", "POST /api/shares/{share_id}/takedown",
}  # fmt: skip
UNLOGGED = {"GET /api/admin/engines", "GET /api/admin/audit"}  # they show nothing of a user, and change nothing
GUARDED = {endpoint.name: endpoint for endpoint in endpoints() if endpoint.name not in PUBLIC}
OF_ACCOUNTS = [GUARDED[name] for name, lowest in ROWS.items() if lowest is not None and name in GUARDED]
OF_USERS = [GUARDED[name] for name, lowest in ROWS.items() if lowest is None and name in GUARDED]
# Kinds of ids that belong to an account.
KINDS = {"project", "job", "asset", "preset", "share", "organization", "member", "invite", "webhook", "delivery"}
SHARED: Ids = {}  # resources that every caller may use
UNKNOWN, DENIED, ABSENT = 401, 403, 404
REFUSED = {UNKNOWN, DENIED, ABSENT, 422}


def named(prefix: str) -> Callable[[ApiEndpoint], str]:
    return lambda endpoint: f"{prefix} {endpoint.name}"


@dataclass(frozen=True)
class Matrix:
    """Callers of every kind, the ids of every kind of owner, and a function that brings the stored world back."""

    studio: Studio
    members: Mapping[AccountRole, Creator]
    removed: Creator
    stranger: Creator
    operator: Creator  # a platform admin, who is a stranger to all accounts
    program: Creator  # a key of the owner with all scopes
    organizations: Ids
    others: tuple[Ids, Ids]  # of the stranger: those of the own account, and of another organization
    own: Mapping[str, Ids]  # of the users' own accounts, by token
    keys: Mapping[Permission, tuple[Creator, Creator]]  # keys of the owner: with this scope alone, and with all others
    void: tuple[str, ...]  # keys of the owner that are expired or revoked
    bring_back: Callable[[], None]

    @property
    def unknown(self) -> list[str | None]:
        """The tokens of callers without a valid one: none, an expired one, an expired key and a revoked one."""
        key = secret("access-token-signing-key")
        late = utc_now() - timedelta(hours=1)
        return [None, tokens.issue(self.members[OWNER].user_id, signing_key=key, at=late), *self.void]

    def answers(self, token: str | None, endpoint: ApiEndpoint, ids: Ids) -> Iterator[tuple[str, int]]:
        """Yield the place of the ids and the status of each request. A refused request must write nothing."""
        for place, request in requests(endpoint, ids):
            self.bring_back()
            before = self.studio.dump()
            answer, after = self.studio.call(token=token, **request), self.studio.dump()
            if (token or "").startswith("kin_"):  # the authorizer notes the last use of a key
                after["kinora-test-api-keys"] = before["kinora-test-api-keys"]
            if answer.status in REFUSED and after != before:
                yield f"{place}: written although refused", answer.status
            yield place, answer.status


def requests(endpoint: ApiEndpoint, ids: Ids) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the requests with these ids: one for each place in the query and the body, or one with the ids in the path.

    The kinds that `ids` lacks are not requested.
    """
    places = [place for place in endpoint.places() if place.kind in KINDS]
    if any(place.kind not in ids for place in places if place.where == "path"):
        return
    others = [place for place in places if place.where != "path" and place.kind in ids]
    for place in others:
        yield place.field, endpoint.request({**SHARED, **ids}, place, ids[place.kind])
    if not others and places and all(place.where == "path" for place in places):
        yield "path", endpoint.request({**SHARED, **ids})


def resources(creator: Creator, organization: str | None = None) -> Ids:
    """Make a project, a job, and an asset that is not registered, of the organization or of the own account."""
    project = creator.project(organization=organization)
    upload = {"name": "me.png", "type": "IMAGE", "contentType": "image/png", "size": 3, "projectId": project}
    asset = creator.post("/api/assets/upload", upload).body["asset"]["id"]
    preset = creator.post("/api/presets/dolly-in/duplicate", {"organizationId": organization}).body["id"]
    job = creator.job(project)["id"]
    share = shares.create(job, title="Harbour", at=utc_now()).share_id
    made = {"project": project, "job": job, "asset": asset, "preset": preset, "share": share}
    return made | dict(creator.webhook(organization=organization))


def of_user(creator: Creator) -> Ids:
    """Make a session and a key of the creator's. They belong to no account."""
    key = creator.post("/api/auth/keys", {"name": "films", "scopes": ["jobs:read"]})
    return {"session": credentials.begin_family(creator.user_id, at=utc_now()).family_id, "key": key.body["id"]}


def team(owner: Creator, slug: str) -> Ids:
    """Make an organization with a member, an invite and resources."""
    organization = owner.organization(slug, credits=30)
    mate = owner.hire(organization, f"mate@{slug}.example.com")
    owner.invite(organization, f"guest@{slug}.example.com")
    invite = owner.list(f"/api/teams/{organization}/invites")[0]["id"]
    made = {"organization": organization, "member": mate.user_id, "invite": invite}
    return made | dict(resources(owner, organization))


@pytest.fixture(scope="module")
def matrix(deployment: Studio) -> Matrix:
    deployment.wipe()
    owner, stranger = deployment.arrive("owner@example.com"), deployment.arrive("stranger@example.com")
    ids = team(owner, "harbour")
    members = {OWNER: owner} | {
        role: owner.hire(ids["organization"], f"{role.lower()}@example.com", role) for role in (ADMIN, MEMBER, VIEWER)
    }
    removed = owner.hire(ids["organization"], "removed@example.com", OWNER)
    assert owner.delete(f"/api/teams/{ids['organization']}/members/{removed.user_id}").status == 204
    operator = deployment.arrive("operator@example.com")
    operator.operate()
    own = {caller.token: resources(caller) for caller in (members[VIEWER], removed, stranger)}
    others = own[stranger.token], team(stranger, "other")
    keys = {one: (owner.key(one), owner.key(*(KEY_SCOPES - {one}))) for one in sorted(KEY_SCOPES)}
    return Matrix(
        deployment, members, removed, stranger, operator, owner.key(), ids, others, own, keys, void_keys(owner),
        deployment.keep(),
    )  # fmt: skip


def void_keys(owner: Creator) -> tuple[str, ...]:
    """Return the texts of an expired key and of a revoked one."""
    expired, revoked = owner.key(), owner.key()
    newest, older = owner.list("/api/auth/keys")[:2]
    assert owner.delete(f"/api/auth/keys/{newest['id']}").status == 204
    passed = [ApiKeyRecord.expires_at.set(utc_now())]
    ApiKeyRecord(older["id"]).update(passed)
    return expired.token, revoked.token


def test_every_route_has_a_row() -> None:
    assert set(ROWS) | ADMINISTERED == set(GUARDED)
    assert {name for name, one in GUARDED.items() if PLATFORM & set(one.permissions)} == ADMINISTERED


def test_a_route_without_a_lowest_role_names_nothing_of_an_account() -> None:
    for endpoint in (*OF_ACCOUNTS, *OF_USERS):
        names_accounts = any(place.kind in KINDS for place in endpoint.places())
        assert names_accounts == (ROWS[endpoint.name] is not None), endpoint.name


@pytest.mark.parametrize("endpoint", OF_ACCOUNTS, ids=named("organization"))
def test_the_role_decides_about_the_organizations_resources(matrix: Matrix, endpoint: ApiEndpoint) -> None:
    lowest = ROWS[endpoint.name]
    assert lowest is not None
    faults, ids = [], matrix.organizations
    for token in matrix.unknown:
        faults += [one for one in matrix.answers(token, endpoint, ids) if one[1] != UNKNOWN]
    for caller in (matrix.stranger, matrix.removed, matrix.operator):
        faults += [one for one in matrix.answers(caller.token, endpoint, ids) if one[1] != ABSENT]
    tried = 0
    for role, caller in matrix.members.items():
        for place, status in matrix.answers(caller.token, endpoint, ids):
            tried += 1
            right = status not in REFUSED and status < 500 if role.covers(lowest) else status == DENIED
            faults += [] if right else [(f"{role} {place}", status)]
    assert faults == []
    assert tried


@pytest.mark.parametrize("endpoint", OF_ACCOUNTS, ids=named("others"))
def test_no_role_reaches_what_belongs_to_others(matrix: Matrix, endpoint: ApiEndpoint) -> None:
    faults, of_keys = [], ABSENT if KEY_SCOPES & set(map(Permission, endpoint.permissions)) else DENIED
    for ids in matrix.others:
        for caller in (*matrix.members.values(), matrix.removed, matrix.operator):
            faults += [one for one in matrix.answers(caller.token, endpoint, ids) if one[1] != ABSENT]
        faults += [one for one in matrix.answers(matrix.program.token, endpoint, ids) if one[1] != of_keys]
        for token in matrix.unknown:
            faults += [one for one in matrix.answers(token, endpoint, ids) if one[1] != UNKNOWN]
    assert faults == []


@pytest.mark.parametrize("endpoint", OF_ACCOUNTS, ids=named("own"))
def test_each_user_may_use_everything_of_the_own_account(matrix: Matrix, endpoint: ApiEndpoint) -> None:
    """A role in an organization does not restrict the own account."""
    for token, ids in matrix.own.items():
        assert [one for one in matrix.answers(token, endpoint, ids) if one[1] in REFUSED or one[1] >= 500] == []


@pytest.mark.parametrize("endpoint", OF_USERS, ids=named("user"))
def test_the_routes_of_users_need_a_token_and_no_role(matrix: Matrix, endpoint: ApiEndpoint) -> None:
    for caller in (*matrix.members.values(), matrix.removed, matrix.stranger):
        matrix.bring_back()
        request = endpoint.request({**SHARED, **of_user(caller)})
        for token in matrix.unknown:
            assert matrix.studio.call(token=token, **request).status == UNKNOWN
        assert matrix.studio.call(token=caller.token, **request).status not in REFUSED


@pytest.mark.parametrize("name", sorted(ADMINISTERED))
def test_only_platform_admins_operate_the_deployment(matrix: Matrix, name: str) -> None:
    """The user is read at each request. A key of an admin is not an admin. The action has one entry in the log."""
    endpoint, admin = GUARDED[name], matrix.stranger
    matrix.bring_back()
    with transaction() as tx:
        stored_presets.create("pre_studio", account_id=STUDIO, owner_id=None, name="Slam", description=None,
                              category="zoom", config=get_preset("static").config, at=utc_now(), tx=tx)  # fmt: skip
    named_ids = {"user": matrix.members[VIEWER].user_id, "engine": "parallax", **matrix.organizations}
    request = endpoint.request({**matrix.own[admin.token], **named_ids, "preset": "pre_studio"})
    program, before = admin.key(), matrix.studio.dump()
    for token in matrix.unknown:
        assert matrix.studio.call(token=token, **request).status == UNKNOWN
    for caller in (*matrix.members.values(), matrix.removed, admin):
        assert matrix.studio.call(token=caller.token, **request).status == DENIED
    assert matrix.studio.dump() == before
    admin.operate()
    earlier = logged()
    assert matrix.studio.call(token=program.token, **request).status == DENIED
    answer, later = matrix.studio.call(token=admin.token, **request), logged()
    assert answer.status in {200, 201, 204}
    added = [(entry.user_id, entry.source) for entry in later[: len(later) - len(earlier)]]
    assert added == ([] if name in UNLOGGED else [(admin.user_id, "192.0.2.1")])
    admin.operate(admin=False)
    assert matrix.studio.call(token=admin.token, **request).status == DENIED
    assert len(logged()) == len(later)


def logged() -> Sequence[AuditEntryRecord]:
    """Return the entries about platform admins, newest first."""
    return audit_log.page(organization_id=DEPLOYMENT, limit=100, after=None).items


@pytest.mark.parametrize("endpoint", GUARDED.values(), ids=named("key"))
def test_a_key_needs_the_scope_of_the_route(matrix: Matrix, endpoint: ApiEndpoint) -> None:
    """With the scope the key may do what its user may. No key has the scopes of the account itself."""
    [needed] = map(Permission, endpoint.permissions)
    matrix.bring_back()
    ids = {**SHARED, **matrix.organizations, **of_user(matrix.members[OWNER]), "user": "usr_none", "engine": "none"}
    request = endpoint.request(ids)
    if needed not in KEY_SCOPES:
        program = next(iter(matrix.keys.values()))[1]
        assert matrix.studio.call(token=program.token, **request).status == DENIED
        return
    alone, without = matrix.keys[needed]
    before = matrix.studio.dump()
    assert matrix.studio.call(token=without.token, **request).status == DENIED
    after = matrix.studio.dump()
    assert {name for name in after if after[name] != before[name]} <= {"kinora-test-api-keys"}, "the key's last use"
    assert matrix.studio.call(token=alone.token, **request).status not in REFUSED - {422}


def test_ids_of_two_owners_in_one_request_do_not_mix(matrix: Matrix) -> None:
    """An organization does not open another's member. An own project does not take an organization's asset."""
    owner, ids, others = matrix.members[OWNER], matrix.organizations, matrix.others[1]
    own = matrix.own[matrix.members[VIEWER].token]
    viewer = matrix.members[VIEWER]
    matrix.bring_back()
    before = matrix.studio.dump()
    inputs = [{"role": "picture", "assetId": ids["asset"]}]
    for caller, method, path, body in (
        (owner, "DELETE", f"/api/teams/{ids['organization']}/members/{others['member']}", None),
        (owner, "DELETE", f"/api/teams/{others['organization']}/members/{ids['member']}", None),
        (owner, "DELETE", f"/api/teams/{ids['organization']}/invites/{others['invite']}", None),
        (owner, "POST", f"/api/teams/{ids['organization']}/transfer", {"memberId": others["member"]}),
        (viewer, "POST", "/api/jobs", {"projectId": own["project"], "prompt": "a lake", "inputs": inputs}),
        (matrix.stranger, "POST", "/api/jobs", {"projectId": ids["project"], "prompt": "a lake"}),
    ):
        assert matrix.studio.call(method, path, body, token=caller.token).status == ABSENT, path
    assert matrix.studio.dump() == before
