"""Keys of programs, and tickets for sockets, through the real authorizer and the real handlers."""

import io
from datetime import timedelta
from typing import Any

import pytest

from functions.authorizer.handler import handler as authorizer
from functions.realtime import connect
from shared.access.permissions import KEY_SCOPES, Permission
from shared.aws.transactions import transaction
from shared.connections.record import ConnectionRecord
from shared.core.clock import utc_now
from shared.credentials.socket_tickets import TICKET_LIFE, socket_tickets
from shared.credits.record import SpendingRecord
from shared.credits.store import credits
from shared.jobs import settlement
from shared.keys.record import ApiKeyRecord
from shared.keys.store import MOST_KEYS, TooManyKeys, api_keys
from shared.observability import Expected
from tests.support.steps import complete_steps
from tests.support.studio import Answer, Creator, Studio

ARN = "arn:aws:execute-api:us-east-1:1:api/test/$connect"


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


def authorized(token: str) -> dict[str, str]:
    event = {"type": "REQUEST", "headers": {"Authorization": f"Bearer {token}"}, "methodArn": ARN}
    context: dict[str, str] = authorizer(event, None)["context"]
    return context


# --- keys


@pytest.mark.endpoint("GET /api/auth/keys", "POST /api/auth/keys")
def test_a_key_is_shown_once_and_stored_as_a_hash(ada: Creator) -> None:
    body = {"name": "Nightly films", "scopes": ["jobs:read", "jobs:write"], "monthlyCap": 50}
    made = ada.post("/api/auth/keys", body).body
    assert made["key"].startswith("kin_")
    [listed] = ada.list("/api/auth/keys")
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert (listed["scopes"], listed["monthlyCap"], listed["lastUsedAt"]) == (["jobs:read", "jobs:write"], 50, None)
    secret = made["key"].split("_", 2)[2]
    assert secret not in str(ada.studio.dump())


def test_a_key_acts_for_its_user_within_its_scopes(ada: Creator) -> None:
    project = ada.project()
    program = ada.key(Permission.JOBS_READ, Permission.JOBS_WRITE)
    assert program.job(project)["projectId"] == project
    assert len(program.list("/api/jobs")) == 1
    assert refusal(program.get("/api/projects")) == (403, "forbidden")
    [listed] = ada.list("/api/auth/keys")
    assert listed["lastUsedAt"]


@pytest.mark.parametrize("scopes", [[], ["account:write"], ["account:read", "jobs:read"], ["everything"], ["*"]])
def test_a_key_without_scopes_or_with_scopes_of_the_account_is_refused(ada: Creator, scopes: list[str]) -> None:
    assert ada.post("/api/auth/keys", {"name": "films", "scopes": scopes}).status == 422


@pytest.mark.parametrize("past", ["2020-01-01T00:00:00Z", "2999-01-01T00:00:00"])
def test_an_expiry_is_a_time_in_the_future_with_an_offset(ada: Creator, past: str) -> None:
    body = {"name": "films", "scopes": ["jobs:read"], "expiresAt": past}
    assert ada.post("/api/auth/keys", body).status == 422


def test_no_key_makes_or_shows_keys(ada: Creator) -> None:
    program = ada.key(*KEY_SCOPES)
    [own] = ada.list("/api/auth/keys")
    assert refusal(program.post("/api/auth/keys", {"name": "x", "scopes": ["jobs:read"]})) == (403, "forbidden")
    assert program.get("/api/auth/keys").status == 403
    assert program.delete(f"/api/auth/keys/{own['id']}").status == 403


@pytest.mark.endpoint("DELETE /api/auth/keys/{key_id}")
def test_a_revoked_key_is_refused_also_with_a_cached_answer_of_the_authorizer(studio: Studio, ada: Creator) -> None:
    program = ada.key(Permission.JOBS_READ)
    cached = authorized(program.token)
    [own] = ada.list("/api/auth/keys")
    assert studio.call("GET", "/api/jobs", authorizer=cached).status == 200
    assert ada.delete(f"/api/auth/keys/{own['id']}").status == 204
    assert refusal(program.get("/api/jobs")) == (401, "unauthorized")
    assert refusal(studio.call("GET", "/api/jobs", authorizer=cached)) == (401, "unauthorized")
    assert ada.delete(f"/api/auth/keys/{own['id']}").status == 404


def test_an_expired_key_is_refused_also_with_a_cached_answer_of_the_authorizer(studio: Studio, ada: Creator) -> None:
    program = ada.key(Permission.JOBS_READ, expiresAt=(utc_now() + timedelta(hours=1)).isoformat())
    cached = authorized(program.token)
    assert studio.call("GET", "/api/jobs", authorizer=cached).status == 200
    [own] = ada.list("/api/auth/keys")
    ApiKeyRecord(own["id"]).update([ApiKeyRecord.expires_at.set(utc_now())])
    assert program.get("/api/jobs").status == 401
    assert studio.call("GET", "/api/jobs", authorizer=cached).status == 401


def test_the_answer_of_the_authorizer_ends_with_the_key(ada: Creator) -> None:
    soon = utc_now() + timedelta(minutes=3)
    context = authorized(ada.key(Permission.JOBS_READ, expiresAt=soon.isoformat()).token)
    assert int(context["expiresAt"]) == int(soon.timestamp())


def test_forged_keys_are_refused(ada: Creator, eve: Creator) -> None:
    text = ada.key(Permission.JOBS_READ).token
    other = eve.key(Permission.JOBS_READ).token
    head, key_id, secret = text.split("_", 2)
    swapped = f"{head}_{key_id}_{other.split('_', 2)[2]}"
    before = ada.studio.dump()
    for forged in (
        "kin_" + "x" * 5000,
        "kin_\ud800",
        "kin_",
        "kin__",
        "kin_x",
        f"kin_{key_id}",
        f"kin_{key_id}_",
        text[:-1],
        text + "x",
        swapped,
        secret,
    ):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorized(forged)
    assert ada.studio.dump() == before


def test_a_user_has_a_limited_number_of_keys(ada: Creator) -> None:
    at = utc_now()
    for _ in range(MOST_KEYS):
        api_keys.create(ada.user_id, name="x", scopes=["jobs:read"], monthly_cap=None, expires_at=None, at=at)
    with pytest.raises(TooManyKeys):
        api_keys.create(ada.user_id, name="x", scopes=["jobs:read"], monthly_cap=None, expires_at=None, at=at)


# --- the monthly cap of a key


def spent(program: Creator) -> int:
    [row] = ApiKeyRecord.by_user.query(program.user_id)
    return sum(int(one.credits) for one in SpendingRecord.query(row.key_id))


def test_a_key_spends_its_cap_and_no_more(ada: Creator) -> None:
    project = ada.project()
    program = ada.key(Permission.JOBS_READ, Permission.JOBS_WRITE, monthlyCap=13)
    job = {"projectId": project, "prompt": "a lighthouse at dusk"}
    assert [program.post("/api/jobs", job).status for _ in range(3)] == [202, 202, 402]
    refused = program.post("/api/jobs", job)
    assert refusal(refused) == (402, "monthly_cap_reached")
    assert "with this key" in refused.body["detail"]
    assert spent(program) == 12
    assert ada.post("/api/jobs", job).status == 202, "the cap is the key's"


def test_credits_that_a_job_returns_can_be_spent_again(ada: Creator) -> None:
    project = ada.project()
    program = ada.key(Permission.JOBS_READ, Permission.JOBS_WRITE, monthlyCap=6)
    job_id = program.job(project)["id"]
    assert program.post(f"/api/jobs/{job_id}/cancel").status == 200
    assert spent(program) == 0
    settlement.complete(complete_steps(program.job(project)["id"]), at=utc_now())
    assert spent(program) == 6, "a charge stays"


def test_a_key_spends_credits_of_an_organization_within_both_caps(ada: Creator, eve: Creator) -> None:
    organization = ada.organization(credits=50)
    token = ada.invite(organization, "eve@example.com")
    eve.post("/api/teams/accept", {"token": token})
    assert ada.patch(f"/api/teams/{organization}/members/{eve.user_id}", {"monthlyCap": 6}).status == 200
    program = eve.key(monthlyCap=100)
    job = {"projectId": eve.project(organization=organization), "prompt": "a lighthouse at dusk"}
    assert [program.post("/api/jobs", job).status for _ in range(2)] == [202, 402]
    assert spent(program) == 6


def test_a_hold_of_the_previous_release_is_released(ada: Creator) -> None:
    """Its record names no key."""
    job_id = ada.job(ada.project())["id"]
    with transaction() as tx:
        credits.release(credits.get_hold(job_id), tx=tx)
    assert credits.account(ada.user_id).available == 100


# --- tickets of sockets


def ticket_event(ticket: str) -> dict[str, Any]:
    return {
        "type": "REQUEST", "headers": {}, "queryStringParameters": {"ticket": ticket}, "methodArn": ARN,
        "requestContext": {"eventType": "CONNECT", "connectionId": "c1"},
    }  # fmt: skip


def opened(ticket: str) -> int:
    """Open a socket with the ticket, as API Gateway does, and return the status."""
    event = ticket_event(ticket)
    try:
        context = authorizer(event, None)["context"]
    except Expected:
        return 401
    event["requestContext"]["authorizer"] = context
    status: int = connect.handler(event, None)["statusCode"]
    return status


@pytest.mark.endpoint("POST /api/auth/ws-ticket")
def test_a_ticket_opens_one_socket_for_its_user(ada: Creator) -> None:
    made = ada.post("/api/auth/ws-ticket").body
    assert made["expiresIn"] == 30
    assert [opened(made["ticket"]) for _ in range(2)] == [200, 401]
    assert ConnectionRecord.get("c1").user_id == ada.user_id
    assert made["ticket"] not in str(ada.studio.dump())


def test_a_ticket_expires_after_30_seconds(ada: Creator) -> None:
    at = utc_now()
    context = authorized(ada.token)
    late, soon = (socket_tickets.create(context, at=at) for _ in range(2))
    assert socket_tickets.take(late, at=at + TICKET_LIFE) is None
    assert socket_tickets.take(soon, at=at + TICKET_LIFE - timedelta(seconds=2)) == context


def test_a_ticket_whose_answer_is_lost_is_taken_once(ada: Creator) -> None:
    ticket = socket_tickets.create(authorized(ada.token), at=utc_now())
    ada.studio.cloud.loses_once("UpdateItem")
    assert socket_tickets.take(ticket, at=utc_now())
    assert socket_tickets.take(ticket, at=utc_now()) is None


def test_a_socket_of_a_ticket_ends_with_the_token_and_the_session(studio: Studio) -> None:
    ada = studio.sign_up()
    ticket = ada.post("/api/auth/ws-ticket").body["ticket"]
    assert opened(ticket) == 200
    assert ConnectionRecord.get("c1").expires_at <= utc_now() + timedelta(minutes=15)
    late = ada.post("/api/auth/ws-ticket").body["ticket"]
    assert ada.delete("/api/auth/sessions").status == 204
    assert opened(late) == 401


def test_a_ticket_opens_no_rest_route_and_names_no_other_caller(ada: Creator) -> None:
    ticket = ada.post("/api/auth/ws-ticket").body["ticket"]
    event = ticket_event(ticket)
    event["requestContext"] = {"httpMethod": "GET"}
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer(event, None)
    assert [opened(wrong) for wrong in ("x", "x" * 5000, "\ud800")] == [401] * 3
    assert opened(ticket) == 200


def test_a_ticket_and_a_key_are_in_no_log(ada: Creator, logged: io.StringIO) -> None:
    ticket = ada.post("/api/auth/ws-ticket").body["ticket"]
    program = ada.key(Permission.JOBS_READ)
    for _ in range(2):
        opened(ticket)
    program.get("/api/jobs")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorized(program.token + "x")
    assert logged.getvalue()
    for secret in (ticket, program.token, program.token.split("_", 2)[2]):
        assert secret not in logged.getvalue()
