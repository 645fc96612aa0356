"""Organizations: members, roles, invites, credits, the audit log, and the work of an organization."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.access.permissions import AccountRole
from shared.audit.record import AuditEntryRecord
from shared.core.clock import utc_now
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord, SpendingRecord
from shared.jobs import settlement
from shared.jobs.record import JobRecord
from shared.members.record import MemberRecord
from shared.organizations.record import InviteRecord, OrganizationRecord
from tests.support.cloud import nothing
from tests.support.steps import complete_steps
from tests.support.studio import Answer, Creator, Studio

OWNER, ADMIN, MEMBER, VIEWER = AccountRole


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


def roles(owner: Creator, organization: str) -> dict[str, str]:
    return {one["userId"]: one["role"] for one in owner.list(f"/api/teams/{organization}/members")}


def check_owners(organization: str) -> None:
    """Check I9, and that the organization counts its members."""
    record = OrganizationRecord.get(organization)
    found = [member.role for member in MemberRecord.query(organization)]
    assert (record.members, record.owners) == (len(found), found.count("OWNER"))
    assert record.owners >= 1


@pytest.fixture
def organization(ada: Creator) -> str:
    return ada.organization(credits=50)


# --- organizations


@pytest.mark.endpoint(
    "POST /api/teams",
    "GET /api/teams",
    "GET /api/teams/{organization_id}",
    "PATCH /api/teams/{organization_id}",
    "DELETE /api/teams/{organization_id}",
)
def test_an_organization_is_created_read_renamed_listed_and_deleted(ada: Creator) -> None:
    answer = ada.post("/api/teams", {"name": "Harbour Films", "slug": "harbour-films"}, key="k")
    organization = answer.body["id"]
    assert (answer.status, answer.body["role"], answer.body["slug"]) == (201, "OWNER", "harbour-films")
    assert ada.post("/api/teams", {"name": "Harbour Films", "slug": "harbour-films"}, key="k").body == answer.body
    assert refusal(ada.post("/api/teams", {"name": "x", "slug": "harbour-films"})) == (409, "slug_taken")
    assert ada.patch(f"/api/teams/{organization}", {"name": "Harbour"}).body["name"] == "Harbour"
    assert ada.get(f"/api/teams/{organization}").body["name"] == "Harbour"
    second = ada.organization("second")
    assert [one["id"] for one in ada.list("/api/teams")] == [second, organization]
    assert ada.delete(f"/api/teams/{organization}").status == 204
    assert refusal(ada.get(f"/api/teams/{organization}")) == (404, "organization_not_found")
    assert ada.post("/api/teams", {"name": "x", "slug": "harbour-films"}).status == 201, "the slug is free again"


def test_the_lists_of_organizations_take_two_reads(studio: Studio, ada: Creator, organization: str) -> None:
    studio.cloud.calls.clear()
    ada.get("/api/teams")
    assert studio.cloud.calls == ["UpdateItem", "Query", "BatchGetItem"], "the first call counts the request"


@pytest.mark.endpoint("POST /api/teams/{organization_id}/credits")
def test_credits_move_between_the_own_account_and_the_organizations(ada: Creator, organization: str) -> None:
    detail = ada.get(f"/api/teams/{organization}").body
    assert (detail["available"], detail["held"], AccountRecord.get(ada.user_id).available) == (50, 0, 50)
    answer = ada.post(f"/api/teams/{organization}/credits", {"credits": 51})
    assert refusal(answer) == (402, "not_enough_credits")
    for account_id in (ada.user_id, organization):
        account = AccountRecord.get(account_id)
        assert sum(entry.credits for entry in LedgerRecord.query(account_id)) == account.available + account.held
    assert ada.delete(f"/api/teams/{organization}").status == 204
    assert AccountRecord.get(ada.user_id).available == 100
    assert AccountRecord.get(organization).available == 0


def test_an_organization_with_members_or_projects_is_not_deleted(ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com")
    assert refusal(ada.delete(f"/api/teams/{organization}")) == (409, "organization_not_empty")
    assert bob.post(f"/api/teams/{organization}/leave").status == 204
    project = ada.project(organization=organization)
    assert refusal(ada.delete(f"/api/teams/{organization}")) == (409, "organization_not_empty")
    assert ada.delete(f"/api/projects/{project}").status == 204
    assert ada.delete(f"/api/teams/{organization}").status == 204


def test_a_user_has_a_bounded_number_of_organizations(ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.teams.changes.MOST_ORGANIZATIONS", 1)
    ada.organization()
    assert refusal(ada.post("/api/teams", {"name": "x", "slug": "other"})) == (409, "too_many_organizations")


# --- roles


@pytest.mark.endpoint(
    "POST /api/teams/{organization_id}/leave",
)
def test_an_organization_keeps_an_owner(ada: Creator, organization: str) -> None:
    own = f"/api/teams/{organization}/members/{ada.user_id}"
    bob = ada.hire(organization, "bob@example.com", ADMIN)
    assert refusal(ada.patch(own, {"role": "MEMBER"})) == (409, "last_owner")
    assert refusal(ada.delete(own)) == (409, "last_owner")
    assert refusal(ada.post(f"/api/teams/{organization}/leave")) == (409, "last_owner")
    assert ada.post(f"/api/teams/{organization}/transfer", {"memberId": bob.user_id}).body["role"] == "ADMIN"
    assert roles(ada, organization) == {ada.user_id: "ADMIN", bob.user_id: "OWNER"}
    check_owners(organization)
    assert ada.post(f"/api/teams/{organization}/leave").status == 204
    assert refusal(bob.post(f"/api/teams/{organization}/leave")) == (409, "last_owner")
    check_owners(organization)


@pytest.mark.endpoint("POST /api/teams/{organization_id}/transfer")
def test_a_transfer_to_another_owner_or_to_oneself(ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", OWNER)
    transfer = f"/api/teams/{organization}/transfer"
    assert ada.post(transfer, {"memberId": ada.user_id}).status == 422
    assert refusal(ada.post(transfer, {"memberId": "usr_nobody"})) == (404, "member_not_found")
    assert ada.post(transfer, {"memberId": bob.user_id}).status == 200
    check_owners(organization)
    assert refusal(ada.post(transfer, {"memberId": bob.user_id}))[0] == 403


@pytest.mark.parametrize("role", AccountRole)
@pytest.mark.parametrize("granted", AccountRole)
def test_nobody_grants_a_role_above_the_own(
    ada: Creator, organization: str, role: AccountRole, granted: AccountRole
) -> None:
    bob = ada.hire(organization, "bob@example.com", role)
    eva = ada.hire(organization, "eva@example.com", VIEWER)
    allowed = role in {OWNER, ADMIN} and role.covers(granted)
    changed = bob.patch(f"/api/teams/{organization}/members/{eva.user_id}", {"role": granted})
    invited = bob.post(f"/api/teams/{organization}/members/invite", {"email": "x@example.com", "role": granted})
    assert (changed.status, invited.status) == ((200, 201) if allowed else (403, 403))
    check_owners(organization)


def test_nobody_changes_or_removes_a_member_above_the_own_role(ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", ADMIN)
    owner = f"/api/teams/{organization}/members/{ada.user_id}"
    assert refusal(bob.patch(owner, {"role": "VIEWER"})) == (403, "forbidden")
    assert refusal(bob.patch(owner, {"monthlyCap": 0})) == (403, "forbidden")
    assert refusal(bob.delete(owner)) == (403, "forbidden")
    assert roles(ada, organization)[ada.user_id] == "OWNER"


@pytest.mark.endpoint("DELETE /api/teams/{organization_id}/members/{member_id}")
def test_a_removed_member_is_out_at_the_next_request(studio: Studio, ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", ADMIN)
    project = bob.project(organization=organization)
    assert bob.get(f"/api/projects/{project}").status == 200
    assert ada.delete(f"/api/teams/{organization}/members/{bob.user_id}").status == 204
    before = studio.dump()
    assert refusal(bob.get(f"/api/projects/{project}")) == (404, "project_not_found")
    assert refusal(bob.get("/api/projects", organizationId=organization)) == (404, "organization_not_found")
    assert refusal(bob.post("/api/jobs", {"projectId": project, "prompt": "a lake"})) == (404, "project_not_found")
    assert refusal(bob.delete(f"/api/teams/{organization}/members/{ada.user_id}")) == (404, "organization_not_found")
    assert studio.dump() == before


@pytest.mark.endpoint("GET /api/teams/{organization_id}/members")
def test_the_member_list_names_the_users(ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", VIEWER)
    [found] = [one for one in bob.list(f"/api/teams/{organization}/members") if one["userId"] == bob.user_id]
    assert (found["email"], found["role"], found["organizationId"]) == ("bob@example.com", "VIEWER", organization)


# --- invites


@pytest.mark.endpoint("POST /api/teams/{organization_id}/members/invite", "POST /api/teams/accept")
def test_an_invite_works_once(studio: Studio, ada: Creator, eve: Creator, organization: str) -> None:
    token = ada.invite(organization, "bob@example.com", ADMIN)
    assert token not in str(studio.dump()), "the token is not stored"
    bob = studio.arrive("bob@example.com")
    first = bob.post("/api/teams/accept", {"token": token})
    assert (first.status, first.body["role"]) == (200, "ADMIN")
    before = studio.dump()
    assert refusal(eve.post("/api/teams/accept", {"token": token})) == (409, "invite_not_valid")
    assert bob.post("/api/teams/accept", {"token": token}).body == first.body, "a repeated request has the same answer"
    assert studio.dump() == before
    check_owners(organization)


def test_a_removed_member_does_not_come_back_with_the_used_invite(ada: Creator, organization: str) -> None:
    token = ada.invite(organization, "bob@example.com")
    bob = ada.studio.arrive("bob@example.com")
    bob.post("/api/teams/accept", {"token": token})
    ada.delete(f"/api/teams/{organization}/members/{bob.user_id}")
    assert refusal(bob.post("/api/teams/accept", {"token": token})) == (409, "invite_not_valid")


@pytest.mark.endpoint(
    "GET /api/teams/{organization_id}/invites", "DELETE /api/teams/{organization_id}/invites/{invite_id}"
)
def test_an_expired_a_withdrawn_and_a_forged_invite_are_refused(ada: Creator, eve: Creator, organization: str) -> None:
    expired = ada.invite(organization, "eve@example.com")
    [record] = InviteRecord.query(organization)
    record.update([InviteRecord.expires_at.set(utc_now() - timedelta(seconds=1))])
    withdrawn = ada.invite(organization, "eve@example.com")
    [shown] = ada.list(f"/api/teams/{organization}/invites")
    assert ada.delete(f"/api/teams/{organization}/invites/{shown['id']}").status == 204
    assert refusal(ada.delete(f"/api/teams/{organization}/invites/{shown['id']}")) == (404, "invite_not_found")
    forged = f"{organization}.{record.invite_id}.secret"
    for token in (expired, withdrawn, forged, "x", f"{organization}..", "a.b.c"):
        assert refusal(eve.post("/api/teams/accept", {"token": token})) == (409, "invite_not_valid"), token
    check_owners(organization)


@pytest.mark.parametrize("change", [{"role": "MEMBER"}, None], ids=["demoted", "removed"])
def test_the_invites_of_a_demoted_or_removed_member_are_void(
    ada: Creator, eve: Creator, organization: str, change: dict[str, str] | None
) -> None:
    """Otherwise a removed ADMIN comes back through an invite to another address."""
    bob = ada.hire(organization, "bob@example.com", ADMIN)
    token = bob.invite(organization, "eve@example.com")
    path = f"/api/teams/{organization}/members/{bob.user_id}"
    assert (ada.patch(path, change) if change else ada.delete(path)).status < 300
    assert refusal(eve.post("/api/teams/accept", {"token": token})) == (409, "invite_not_valid")


def test_a_member_does_not_use_an_invite(ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", MEMBER)
    token = ada.invite(organization, "friend@example.com", ADMIN)
    for member in (ada, bob):
        assert refusal(member.post("/api/teams/accept", {"token": token})) == (409, "already_member")
    assert ada.studio.arrive("friend@example.com").post("/api/teams/accept", {"token": token}).status == 200


def test_the_answer_to_an_invite_tells_nothing_about_the_address(ada: Creator, eve: Creator, organization: str) -> None:
    path = f"/api/teams/{organization}/members/invite"
    known, unknown = (ada.post(path, {"email": f"{name}@example.com"}) for name in ("eve", "nobody"))
    assert known.status == unknown.status == 201
    assert known.body.keys() == unknown.body.keys()
    assert not {"token", "userId"} & known.body.keys()


def test_the_number_of_invites_is_bounded(ada: Creator, organization: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.teams.invitations.MOST_INVITES", 1)
    ada.invite(organization, "bob@example.com")
    answer = ada.post(f"/api/teams/{organization}/members/invite", {"email": "eva@example.com"})
    assert refusal(answer) == (409, "too_many_invites")


def test_the_number_of_members_is_bounded(ada: Creator, eve: Creator, organization: str) -> None:
    token = ada.invite(organization, "eve@example.com")
    OrganizationRecord(organization).update([OrganizationRecord.members.set(100)])
    assert refusal(eve.post("/api/teams/accept", {"token": token})) == (409, "too_many_members")


def test_a_deployment_without_an_address_sends_no_invite(
    studio: Studio, ada: Creator, organization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_MAIL_FROM", "")
    before = studio.dump()
    answer = ada.post(f"/api/teams/{organization}/members/invite", {"email": "bob@example.com"})
    assert refusal(answer) == (503, "mail_unavailable")
    assert studio.dump() == before


def test_a_refusal_by_the_mail_service_is_reported_and_its_text_is_not_logged(
    studio: Studio, ada: Creator, organization: str, logged: Any
) -> None:
    text = "Email address is not verified: bob@example.com"
    studio.cloud.broken["SendEmail"] = ClientError({"Error": {"Code": "MessageRejected", "Message": text}}, "SendEmail")
    before = studio.dump()
    answer = ada.post(f"/api/teams/{organization}/members/invite", {"email": "bob@example.com"})
    assert refusal(answer) == (503, "mail_unavailable")
    assert studio.dump() == before
    assert "MessageRejected" in logged.getvalue()
    assert "bob@" not in logged.getvalue()


def test_the_email_shows_the_name_as_text(ada: Creator, organization: str) -> None:
    ada.patch(f"/api/teams/{organization}", {"name": "<b>Harbour & Sons"})
    ada.invite(organization, "bob@example.com")
    [page] = ada.studio.mails("bob@example.com")
    assert "&lt;b&gt;Harbour &amp; Sons" in page
    assert '<a href="https://kinora.test/invite#token=org_' in page


# --- changes between a request's reads and its transaction


def meanwhile(studio: Studio, change: Callable[[], object]) -> None:
    """Call `change` before the next transaction, as another request at the same time does."""

    def after(operation: str) -> None:
        if operation == "GetItem" and studio.cloud.calls.count("GetItem") == 2:
            studio.cloud.afterwards = nothing
            worker = Thread(target=change)  # outside the grants of the request
            worker.start()
            worker.join()

    studio.cloud.calls.clear()
    studio.cloud.afterwards = after


def test_a_change_relies_on_the_callers_role_at_its_commit(studio: Studio, ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", ADMIN)
    eva = ada.hire(organization, "eva@example.com", VIEWER)
    own = MemberRecord(organization, bob.user_id)
    meanwhile(studio, lambda: own.update([MemberRecord.role.set("VIEWER")]))
    answer = bob.patch(f"/api/teams/{organization}/members/{eva.user_id}", {"role": "ADMIN"})
    assert refusal(answer) == (403, "forbidden")
    assert roles(ada, organization)[eva.user_id] == "VIEWER"


def test_a_submit_relies_on_the_membership_at_its_commit(studio: Studio, ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", MEMBER)
    project = bob.project(organization=organization)
    meanwhile(studio, lambda: MemberRecord(organization, bob.user_id).delete())
    body = {"projectId": project, "prompt": "a lake", "presetId": "static", "settings": {"aspectRatio": "16:9"}}
    assert refusal(bob.post("/api/jobs", body)) == (403, "forbidden")  # without defaults of the user, which are read
    assert AccountRecord.get(organization).held == 0


def test_a_change_relies_on_the_members_role_at_its_commit(studio: Studio, ada: Creator, organization: str) -> None:
    """An ADMIN removes a MEMBER, who becomes an OWNER at the same time."""
    bob, eva = (ada.hire(organization, f"{name}@example.com", role) for name, role in (("b", ADMIN), ("e", MEMBER)))
    promoted = MemberRecord(organization, eva.user_id)
    meanwhile(studio, lambda: promoted.update([MemberRecord.role.set("OWNER")]))
    answer = bob.delete(f"/api/teams/{organization}/members/{eva.user_id}")
    assert refusal(answer) == (409, "member_changed")
    assert roles(ada, organization)[eva.user_id] == "OWNER"


def test_an_invite_that_another_user_accepts_at_the_same_time_is_refused(
    studio: Studio, ada: Creator, eve: Creator, organization: str
) -> None:
    token = ada.invite(organization, "eve@example.com")
    [record] = InviteRecord.query(organization)
    meanwhile(studio, lambda: record.update([InviteRecord.accepted_by.set("usr_other")]))
    assert refusal(eve.post("/api/teams/accept", {"token": token})) == (409, "invite_not_valid")
    check_owners(organization)


def test_an_invite_relies_on_its_senders_role_at_the_commit(
    studio: Studio, ada: Creator, eve: Creator, organization: str
) -> None:
    bob = ada.hire(organization, "bob@example.com", ADMIN)
    token = bob.invite(organization, "eve@example.com")
    sender = MemberRecord(organization, bob.user_id)
    meanwhile(studio, lambda: sender.update([MemberRecord.role.set("MEMBER")]))
    assert refusal(eve.post("/api/teams/accept", {"token": token})) == (409, "invite_not_valid")
    check_owners(organization)


# --- the work of an organization


def test_a_member_submits_on_the_organizations_credits(ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", MEMBER)
    project = bob.project(organization=organization)
    job = bob.job(project)
    record, account = JobRecord.get(job["id"]), AccountRecord.get(organization)
    assert (record.account_id, record.owner_id) == (organization, bob.user_id)
    assert (account.available, account.held) == (44, 6)
    assert AccountRecord.get(bob.user_id).held == 0
    assert [one["id"] for one in ada.list("/api/jobs", organizationId=organization)] == [job["id"]]
    assert ada.list("/api/jobs") == []
    assert ada.list("/api/jobs", organizationId=organization, projectId=project)[0]["id"] == job["id"]
    own = ada.project()
    answer = ada.get("/api/jobs", organizationId=organization, projectId=own)
    assert refusal(answer) == (404, "project_not_found")
    view = ada.get(f"/api/projects/{project}").body
    assert (view["userId"], view["organizationId"]) == (bob.user_id, organization)
    assert ada.get(f"/api/projects/{own}").body["organizationId"] is None


def test_the_members_of_an_organization_share_its_slots(ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", MEMBER)
    project, own = ada.project(organization=organization), ada.project()
    made = [caller.job(project)["id"] for caller in (ada, bob, bob)]
    shown = [ada.get(f"/api/jobs/{job}").body for job in (*made, ada.job(own)["id"])]
    assert [one["queuePosition"] for one in shown] == [None, None, 1, None], "a FREE account has two slots"


def test_a_viewer_reads_and_a_stranger_gets_404(studio: Studio, ada: Creator, eve: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", VIEWER)
    project = ada.project(organization=organization)
    job = ada.job(project)["id"]
    before = studio.dump()
    assert bob.get(f"/api/jobs/{job}").status == 200
    assert refusal(bob.post(f"/api/jobs/{job}/cancel")) == (403, "forbidden")
    assert refusal(bob.post("/api/jobs", {"projectId": project, "prompt": "a lake"})) == (403, "forbidden")
    assert refusal(bob.post("/api/projects", {"name": "x", "organizationId": organization})) == (403, "forbidden")
    assert refusal(eve.get(f"/api/jobs/{job}")) == (404, "job_not_found")
    assert refusal(eve.post(f"/api/jobs/{job}/cancel")) == (404, "job_not_found")
    assert refusal(eve.post("/api/projects", {"name": "x", "organizationId": organization})) == (
        404, "organization_not_found",
    )  # fmt: skip
    assert studio.dump() == before


def test_an_asset_belongs_to_the_account_of_its_project(ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", MEMBER)
    project = ada.project(organization=organization)
    upload = {"name": "me.png", "type": "IMAGE", "contentType": "image/png", "size": 3}
    asset = bob.post("/api/assets/upload", upload | {"projectId": project}).body["asset"]
    assert asset["userId"] == bob.user_id
    assert [one["id"] for one in ada.list("/api/assets", organizationId=organization)] == [asset["id"]]
    assert ada.list("/api/assets") == []
    assert ada.get(f"/api/assets/{asset['id']}").status == 200
    assert ada.delete(f"/api/assets/{asset['id']}").status == 204


def test_a_job_uses_assets_of_its_account_only(ada: Creator, organization: str) -> None:
    mine, project = ada.asset(), ada.project(organization=organization)
    body = {"projectId": project, "prompt": "a lake", "inputs": [{"role": "picture", "assetId": mine}]}
    assert refusal(ada.post("/api/jobs", body)) == (404, "asset_not_found")


def test_a_job_goes_on_after_the_removal_of_its_member(ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", MEMBER)
    job = bob.job(bob.project(organization=organization))["id"]
    assert ada.delete(f"/api/teams/{organization}/members/{bob.user_id}").status == 204
    assert settlement.complete(complete_steps(job), at=utc_now()).captured
    account = AccountRecord.get(organization)
    assert (account.available, account.held) == (44, 0)
    assert [int(e.credits) for e in LedgerRecord.query(organization) if e.operation_id == f"capture#{job}"] == [-6]
    assert ada.get(f"/api/jobs/{job}").body["status"] == "COMPLETED"
    assert refusal(bob.get(f"/api/jobs/{job}")) == (404, "job_not_found")


@pytest.mark.endpoint("PATCH /api/teams/{organization_id}/members/{member_id}")
def test_a_member_spends_at_most_the_monthly_cap(studio: Studio, ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", MEMBER)
    project = bob.project(organization=organization)
    member = f"/api/teams/{organization}/members/{bob.user_id}"
    assert ada.patch(member, {"monthlyCap": 12}).body["monthlyCap"] == 12
    first = bob.job(project)["id"]
    assert bob.job(project)["credits"] == 6
    before = studio.dump()
    answer = bob.post("/api/jobs", {"projectId": project, "prompt": "a lake"})
    assert (refusal(answer), answer.body["creditsNeeded"]) == ((402, "monthly_cap_reached"), 6)
    assert studio.dump() == before
    assert ada.job(project)["credits"] == 6, "the cap is the member's own"
    assert bob.post(f"/api/jobs/{first}/cancel").status == 200
    [shown] = [one for one in ada.list(f"/api/teams/{organization}/members") if one["userId"] == bob.user_id]
    assert (shown["spent"], shown["monthlyCap"]) == (6, 12)
    assert bob.job(project)["credits"] == 6, "the credits of the cancelled job are free again"
    assert ada.patch(member, {"monthlyCap": 1}).status == 200
    assert refusal(bob.post("/api/jobs", {"projectId": project, "prompt": "a lake"})) == (402, "monthly_cap_reached")
    assert ada.patch(member, {"monthlyCap": None}).body["monthlyCap"] is None
    assert bob.job(project)["credits"] == 6


def test_spending_counts_in_the_month_of_the_submit(ada: Creator, organization: str) -> None:
    job = ada.job(ada.project(organization=organization))["id"]
    hold = HoldRecord.get(job)
    assert hold.spent_by == f"{ada.user_id}#{hold.created_at:%Y-%m}"
    assert SpendingRecord.get(organization, hold.spent_by).credits == 6
    assert HoldRecord.get(ada.job(ada.project())["id"]).spent_by is None, "the own account has no cap"


# --- audit log


@pytest.mark.endpoint("GET /api/teams/{organization_id}/audit")
def test_the_audit_log_names_who_what_when_and_from_where(studio: Studio, ada: Creator, organization: str) -> None:
    bob = ada.hire(organization, "bob@example.com", ADMIN)
    ada.patch(f"/api/teams/{organization}/members/{bob.user_id}", {"role": "MEMBER", "monthlyCap": 5})
    through_cloudfront = {"x-forwarded-for": "10.0.0.1, 203.0.113.7, 192.0.2.1"}
    studio.call("DELETE", f"/api/teams/{organization}/members/{bob.user_id}", token=ada.token,
                headers=through_cloudfront)  # fmt: skip
    path = f"/api/teams/{organization}/audit"
    found = ada.list(path)
    assert [(one["action"], one["userId"]) for one in found] == [
        ("member.removed", ada.user_id), ("member.changed", ada.user_id), ("member.joined", bob.user_id),
        ("member.invited", ada.user_id), ("credits.given", ada.user_id), ("organization.created", ada.user_id),
    ]  # fmt: skip
    assert [one["source"] for one in found[:2]] == ["203.0.113.7", "192.0.2.1"]
    assert found[1]["details"] == {"role": "MEMBER", "monthlyCap": 5}
    assert found[0]["subject"] == bob.user_id
    page = ada.get(path, limit="2").body
    assert page["data"] + ada.list(path, limit="100", cursor=page["nextCursor"]) == found
    [entry] = AuditEntryRecord.query(organization, AuditEntryRecord.entry_id == found[0]["id"])
    assert entry.expires_at - entry.created_at > timedelta(days=399)


def test_a_refused_change_leaves_no_entry(ada: Creator, organization: str) -> None:
    before = len(ada.list(f"/api/teams/{organization}/audit"))
    assert ada.post(f"/api/teams/{organization}/leave").status == 409
    assert len(ada.list(f"/api/teams/{organization}/audit")) == before


# --- reads


def test_the_role_costs_one_read(studio: Studio, ada: Creator, organization: str) -> None:
    own, shared = ada.project(), ada.project(organization=organization)
    for project, calls in ((own, ["GetItem"]), (shared, ["GetItem"] * 2)):
        studio.cloud.calls.clear()
        ada.get(f"/api/projects/{project}")
        assert studio.cloud.calls == ["UpdateItem", *calls], "the first call counts the request"


def test_changes_of_another_version_are_refused(studio: Studio, ada: Creator) -> None:
    organization = ada.organization()
    bob = ada.hire(organization, "bob@example.com")
    for path, first, second in (
        (f"/api/teams/{organization}", {"name": "One"}, {"name": "Two"}),
        (f"/api/teams/{organization}/members/{bob.user_id}", {"monthlyCap": 5}, {"role": "VIEWER"}),
    ):
        tag = ada.get(path).headers["etag"]
        changed = ada.patch(path, first, match=tag)
        assert changed.headers["etag"] == ada.get(path).headers["etag"] != tag
        before = studio.dump()
        late = ada.patch(path, second, match=tag)
        assert (late.status, late.headers["etag"]) == (412, changed.headers["etag"])
        assert studio.dump() == before


@pytest.mark.endpoint("GET /api/teams/{organization_id}/members/{member_id}")
def test_a_member_is_read(ada: Creator) -> None:
    organization = ada.organization()
    bob = ada.hire(organization, "bob@example.com")
    assert bob.get(f"/api/teams/{organization}/members/{ada.user_id}").body["role"] == "OWNER"
    assert bob.get(f"/api/teams/{organization}/members/usr_unknown").body["code"] == "member_not_found"
