"""Platform admins: users, suspensions, credits, engines, and the audit log of the deployment."""

from typing import Any

import pytest

from functions.realtime import connect, fanout
from shared.access.permissions import AccountRole
from shared.access.principal import Principal
from shared.core.clock import utc_now
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.store import jobs
from shared.stages.queues import FAN_OUT_QUEUE
from shared.users import store as user_store
from tests.support.steps import complete_steps
from tests.support.studio import PASSWORD, Answer, Creator, Studio
from tools.admin import appoint

SUSPENDED = (403, "account_suspended")


@pytest.fixture
def admin(studio: Studio) -> Creator:
    one = studio.arrive("admin@example.com")
    one.operate()
    return one


def said(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


def suspend(admin: Creator, user: Creator) -> Answer:
    answer = admin.post(f"/api/admin/users/{user.user_id}/suspend", {"reason": "Reported for abuse"})
    assert answer.status == 200, answer.body
    return answer


def actions(admin: Creator) -> list[tuple[str, str]]:
    return [(one["action"], one["subject"]) for one in admin.list("/api/admin/audit")]


# --- users


@pytest.mark.endpoint("GET /api/admin/users")
def test_an_address_finds_its_user_and_a_part_finds_pages(
    studio: Studio, admin: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_store, "SCANNED_USERS", 2)
    for name in "abcde":
        studio.arrive(f"{name}@films.example.com")
    [found] = admin.list("/api/admin/users", address="C@films.example.com")
    assert found["email"] == "c@films.example.com"
    assert actions(admin) == [("users.listed", found["id"])], "the log has no address"
    seen, query = [], {"address": "films", "limit": "2"}
    while True:
        page = admin.get("/api/admin/users", **query).body
        seen += [one["email"] for one in page["data"]]
        if not page["hasMore"]:
            break
        query["cursor"] = page["nextCursor"]
    assert sorted(seen) == [f"{name}@films.example.com" for name in "abcde"]


@pytest.mark.endpoint("POST /api/admin/users/{user_id}/suspend", "POST /api/admin/users/{user_id}/resume")
def test_a_suspended_user_is_refused_at_once(studio: Studio, admin: Creator) -> None:
    bob = studio.sign_up("bob@example.com")
    program, project = bob.key(), bob.project()
    shown = suspend(admin, bob).body
    assert (shown["suspendedBecause"], bool(shown["suspendedAt"])) == ("Reported for abuse", True)
    for caller in (bob, program):
        assert said(caller.get("/api/projects")) == SUSPENDED
        assert said(caller.post("/api/jobs", {"projectId": project, "prompt": "a lake"})) == SUSPENDED
        assert said(caller.post("/api/projects", {"name": "Another"})) == SUSPENDED
        assert said(caller.get("/api/projects")) == SUSPENDED, "also the second time"
    login = {"email": "bob@example.com", "password": PASSWORD}
    assert said(studio.call("POST", "/api/auth/login", login)) == SUSPENDED
    wrong = studio.call("POST", "/api/auth/login", login | {"password": "another horse battery"})
    assert wrong.status == 401, "only the owner of the password gets to know of the suspension"
    assert admin.post(f"/api/admin/users/{bob.user_id}/resume").body["suspendedAt"] is None
    assert program.get("/api/projects").status == 200
    assert studio.call("POST", "/api/auth/login", login).status == 200


def test_a_suspension_ends_sessions_sockets_and_jobs(studio: Studio, admin: Creator, ada: Creator) -> None:
    project = ada.project()
    open_jobs = [ada.job(project)["id"] for _ in range(4)]
    before = credits.account(ada.user_id)
    assert int(before.held) > 0
    caller = Principal(ada.user_id, ada.user_id, AccountRole.OWNER, utc_now().replace(year=2099))
    event: Any = {"requestContext": {"connectionId": "c1", "authorizer": caller.context()}}
    assert connect.handler(event, None) == {"statusCode": 200}
    suspend(admin, ada)
    delivery = studio.deliver(FAN_OUT_QUEUE)
    assert delivery is not None
    assert fanout.handler({"Records": [{"messageId": "m", "body": delivery.body}]}, None) == {"batchItemFailures": []}
    assert studio.cloud.gone == {"c1"}
    assert connect.handler(event, None) == {"statusCode": 403}
    assert {jobs.get(job_id).status for job_id in open_jobs} == {"CANCELLED"}
    assert (credits.account(ada.user_id).held, credits.account(ada.user_id).available) == (0, 100)
    suspend(admin, ada)
    assert actions(admin) == [("user.suspended", ada.user_id)] * 2


def test_admins_do_not_suspend_themselves_and_an_unknown_user_is_not_found(admin: Creator) -> None:
    body = {"reason": "A mistake"}
    assert admin.post(f"/api/admin/users/{admin.user_id}/suspend", body).status == 422
    for path, sent in (("suspend", body), ("resume", None)):
        assert said(admin.post(f"/api/admin/users/usr_none/{path}", sent)) == (404, "user_not_found")
    assert actions(admin) == []


def test_the_operators_command_appoints_and_dismisses(studio: Studio, ada: Creator) -> None:
    assert appoint("nobody@example.com", admin=True) is None
    assert ada.get("/api/admin/users").status == 403
    assert appoint("ada@example.com", admin=True) == ada.user_id
    assert ada.get("/api/admin/users").status == 200
    assert actions(ada) == [("users.listed", None), ("admin.appointed", ada.user_id)]
    assert ada.get("/api/auth/me").body["platformAdmin"] is True
    appoint("ada@example.com", admin=False)
    assert ada.get("/api/auth/me").body["platformAdmin"] is False
    assert ada.get("/api/admin/users").status == 403


# --- credits


@pytest.mark.endpoint("POST /api/admin/users/{user_id}/credits", "GET /api/admin/audit")
def test_a_grant_is_in_the_ledger_with_its_reason_and_in_the_audit_log(admin: Creator, ada: Creator) -> None:
    body = {"credits": 50, "reason": "The film was faulty"}
    first = admin.post(f"/api/admin/users/{ada.user_id}/credits", body, key="k1")
    assert (first.status, first.body["available"]) == (201, 150)
    again = admin.post(f"/api/admin/users/{ada.user_id}/credits", body, key="k1")
    assert again.body == first.body
    [entry] = [one for one in ada.list("/api/billing/ledger") if one["credits"] == 50]
    assert (entry["reason"], ada.get("/api/auth/me").body["balance"]["available"]) == (
        "granted: The film was faulty", 150,
    )  # fmt: skip
    [logged] = admin.list("/api/admin/audit")
    assert (logged["action"], logged["userId"], logged["source"]) == ("credits.granted", admin.user_id, "192.0.2.1")
    assert logged["details"] == {"credits": 50, "reason": "The film was faulty"}


@pytest.mark.endpoint("POST /api/admin/organizations/{organization_id}/credits")
def test_an_organization_gets_credits(admin: Creator, ada: Creator) -> None:
    organization = ada.organization()
    answer = admin.post(f"/api/admin/organizations/{organization}/credits", {"credits": 5, "reason": "A gift"})
    assert (answer.status, answer.body["available"]) == (201, 5)
    nobody = admin.post("/api/admin/organizations/org_none/credits", {"credits": 5, "reason": "A gift"})
    assert nobody.status == 404


def test_a_job_is_refunded_once_to_the_account_that_paid_it(admin: Creator, ada: Creator, eve: Creator) -> None:
    job = ada.job(ada.project())
    path, body = f"/api/admin/users/{ada.user_id}/credits", {"credits": job["credits"], "reason": "Faulty"}
    refund = body | {"refunds": job["id"]}
    assert admin.post(path, refund).status == 422, "nothing is paid yet"
    settlement.complete(complete_steps(job["id"]), at=utc_now())
    for wrong in (refund | {"credits": job["credits"] + 1}, body | {"refunds": "job_none"}):
        assert admin.post(path, wrong).status == 422
    assert admin.post(f"/api/admin/users/{eve.user_id}/credits", refund).status == 422
    assert admin.post(path, refund).body["available"] == 100
    assert said(admin.post(path, refund)) == (409, "booked_already")
    assert credits.account(ada.user_id).available == 100


# --- engines


@pytest.mark.endpoint(
    "GET /api/admin/engines",
    "POST /api/admin/engines/{engine_id}/disable",
    "POST /api/admin/engines/{engine_id}/enable",
)
def test_a_disabled_engine_is_replaced_or_the_job_is_refused(admin: Creator, ada: Creator) -> None:
    project = ada.project()
    assert admin.post("/api/admin/engines/parallax/disable", {"reason": "It fails"}).body["enabled"] is False
    [shown] = [one for one in admin.list("/api/admin/engines") if one["name"] == "parallax"]
    assert (shown["disabledBecause"], shown["disabledBy"]) == ("It fails", admin.user_id)
    [public] = [one for one in ada.list("/api/engines") if one["name"] == "parallax"]
    assert (public["available"], public["reason"]) == (False, "disabled")
    refused = ada.post("/api/jobs", {"projectId": project, "prompt": "a lake"})
    assert said(refused) == (422, "no_engine")
    assert admin.post("/api/admin/engines/parallax/enable").body["enabled"] is True
    admin.post("/api/admin/engines/fal-kling/disable", {"reason": "The provider is out of order"})
    replaced = ada.job(project, engines={"VIDEO_SYNTHESIS": "fal-kling"}, duration=5)
    [step] = [one for one in replaced["steps"] if one["stepType"] == "VIDEO_SYNTHESIS"]
    assert step["engine"] == "parallax"
    assert said(admin.post("/api/admin/engines/none/enable")) == (404, "engine_not_found")
    assert actions(admin) == [
        ("engine.disabled", "fal-kling"), ("engine.enabled", "parallax"), ("engine.disabled", "parallax"),
    ]  # fmt: skip
