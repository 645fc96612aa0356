"""The WebSocket's handlers: the messages of the API contract with `seq`, sent to the owner only (I5, I8)."""

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto.backends import get_backend

from functions.authorizer.handler import handler as authorizer
from functions.realtime import connect, disconnect, fanout, ping, push, subscribe, unknown, unsubscribe
from functions.realtime.broadcast import CATCH_UP_SECONDS
from shared.access import tokens
from shared.access.permissions import AccountRole
from shared.access.principal import Principal
from shared.aws.secrets import secret
from shared.connections.messages import CatchUp
from shared.connections.record import ConnectionRecord, ListenerRecord
from shared.connections.store import ConnectionExpired
from shared.core.clock import utc_now
from shared.credentials.refresh_tokens import COOKIE, RefreshToken
from shared.credentials.store import CredentialStore
from shared.jobs import settlement
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.steps import Fenced, steps
from shared.jobs.store import StepResult, jobs
from shared.stages.queues import FAN_OUT_QUEUE
from shared.stages.stages import Stage
from tests.support.cloud import nothing
from tests.support.documents import asyncapi
from tests.support.json_schema import faults
from tests.support.steps import LEASE, claim, complete_step, complete_steps, result_of
from tests.support.studio import Creator, Studio

IMAGE, VIDEO, _, POST = Stage
Message = dict[str, Any]


def event(connection_id: str, body: object = None, *, raw: str | None = None) -> Message:
    return {"requestContext": {"connectionId": connection_id}, "body": raw if raw is not None else json.dumps(body)}


def principal(creator: Creator, **changed: Any) -> Principal:
    facts: dict[str, Any] = {"role": AccountRole.OWNER, "expires_at": utc_now() + timedelta(minutes=10)} | changed
    return Principal(creator.user_id, creator.user_id, **facts)


def opened(creator: Creator, connection_id: str) -> None:
    request = event(connection_id)
    request["requestContext"]["authorizer"] = principal(creator).context()
    assert connect.handler(request, None) == {"statusCode": 200}


def listen(connection_id: str, job_id: str) -> dict[str, int]:
    return subscribe.handler(event(connection_id, {"type": "subscribe", "channel": f"job:{job_id}"}), None)


class Stream:
    """The jobs table's stream as Lambda reads it: each change once."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.read = studio, len(studio.job_changes())

    def next(self) -> list[Message]:
        changes = self.studio.job_changes()[self.read :]
        self.read += len(changes)
        return changes

    def push(self) -> dict[str, Any]:
        answer: dict[str, Any] = push.handler({"Records": self.next()}, None)
        return answer


@pytest.fixture
def job_id(ada: Creator) -> str:
    return str(ada.job(ada.project())["id"])


@pytest.fixture
def stream(studio: Studio, ada: Creator, job_id: str) -> Stream:
    """The stream from this point. Ada's socket `c` has subscribed to her job and received its snapshot."""
    opened(ada, "c")
    assert listen("c", job_id) == {"statusCode": 200}
    studio.cloud.sent.clear()
    return Stream(studio)


# --- subscribing


def test_a_subscriber_gets_a_snapshot_first(studio: Studio, ada: Creator, job_id: str) -> None:
    opened(ada, "c")
    complete_step(job_id, IMAGE)
    listen("c", job_id)
    [message] = studio.cloud.messages_to("c")
    assert set(message) == {"type", "jobId", "seq", "job"}
    assert (message["type"], message["jobId"], message["seq"]) == ("job.snapshot", job_id, jobs.get(job_id).seq)
    rest = ada.get(f"/api/jobs/{job_id}").body
    assert set(message["job"]) == set(rest)
    assert [step["status"] for step in message["job"]["steps"]] == [step["status"] for step in rest["steps"]]


def test_a_snapshot_is_json_for_any_metric_of_an_engine(studio: Studio, ada: Creator, job_id: str) -> None:
    attempt = claim(job_id, IMAGE)
    odd = StepResult((), {"odd": float("nan")})
    steps.record_result(jobs.get(job_id), IMAGE, odd, attempt=attempt, at=utc_now())
    opened(ada, "c")
    listen("c", job_id)
    [message] = studio.cloud.messages_to("c")
    json.dumps(message, allow_nan=False)


def test_the_subscription_is_stored_before_the_job_is_read(studio: Studio, ada: Creator, job_id: str) -> None:
    """Otherwise a change between the two would be in neither the snapshot nor an event.

    Here the change happens when the subscription is written, so the snapshot must contain it.
    """
    opened(ada, "c")

    def change(operation: str) -> None:
        if operation == "PutItem":
            studio.cloud.afterwards = nothing
            worker = Thread(target=complete_step, args=(job_id, IMAGE))  # outside the grants of `subscribe`
            worker.start()
            worker.join()

    studio.cloud.afterwards = change
    listen("c", job_id)
    [message] = studio.cloud.messages_to("c")
    assert message["seq"] == jobs.get(job_id).seq > 1


def test_the_members_of_an_organization_receive_messages_until_they_are_removed(
    studio: Studio, ada: Creator, eve: Creator
) -> None:
    organization = ada.organization(credits=10)
    bob = ada.hire(organization, "bob@example.com", AccountRole.VIEWER)
    shared_job = str(ada.job(ada.project(organization=organization))["id"])
    stream = Stream(studio)
    for creator, name, status in ((ada, "a", 200), (bob, "b", 200), (eve, "e", 404)):
        opened(creator, name)
        assert listen(name, shared_job) == {"statusCode": status}
    complete_step(shared_job, IMAGE)
    stream.push()
    assert {name for name in "abe" if len(studio.cloud.messages_to(name)) > 1} == {"a", "b"}
    assert ada.delete(f"/api/teams/{organization}/members/{bob.user_id}").status == 204
    studio.cloud.sent.clear()
    complete_step(shared_job, VIDEO)
    stream.push()
    assert {name for name, _ in studio.cloud.sent} == {"a"}
    late = CatchUp(job_id=shared_job, connection_ids=("a", "b"))
    studio.cloud.sent.clear()
    fanout.handler({"Records": [{"messageId": "m", "body": late.encoded()}]}, None)
    assert [name for name, _ in studio.cloud.sent] == ["a"]
    assert listen("b", shared_job) == {"statusCode": 404}


def test_an_event_of_an_own_job_reads_no_roles(studio: Studio, stream: Stream, job_id: str) -> None:
    complete_step(job_id, IMAGE)
    changes = stream.next()
    studio.cloud.calls.clear()
    push.handler({"Records": changes[-1:]}, None)
    assert studio.cloud.calls.count("BatchGetItem") == 1, "the results of the step"


def test_a_job_of_another_account_cannot_be_subscribed(studio: Studio, eve: Creator, job_id: str) -> None:
    opened(eve, "e")
    before = studio.dump()
    assert listen("e", job_id) == {"statusCode": 404}
    others = studio.cloud.messages_to("e")
    assert studio.dump() == before
    studio.cloud.sent.clear()
    assert listen("e", "job_unknown") == {"statusCode": 404}
    assert studio.cloud.messages_to("e") == others == [
        {"type": "error", "code": "job_not_found", "detail": "There is no such job."}
    ]  # fmt: skip


def test_a_token_without_the_scope_opens_no_socket(studio: Studio, ada: Creator) -> None:
    request, before = event("c"), studio.dump()
    request["requestContext"]["authorizer"] = principal(ada, scopes=frozenset({"assets:read"})).context()
    assert connect.handler(request, None) == {"statusCode": 403}
    assert studio.dump() == before


def test_a_subscription_of_another_account_receives_nothing(studio: Studio, eve: Creator, stream: Stream,
                                                            job_id: str) -> None:  # fmt: skip
    """The push authorizes each subscription again, whatever its origin."""
    ListenerRecord(f"job:{job_id}", "e", account_id=eve.user_id, expires_at=utc_now() + LEASE).save()
    complete_step(job_id, IMAGE)
    stream.push()
    assert studio.cloud.messages_to("e") == []
    assert studio.cloud.messages_to("c")


def test_an_expired_connection_does_not_subscribe(studio: Studio, ada: Creator, job_id: str) -> None:
    opened(ada, "d")
    connection = ConnectionRecord.get("d")
    connection.expires_at = utc_now() - LEASE
    connection.save()
    assert listen("d", job_id) == {"statusCode": ConnectionExpired.status}
    assert [message["type"] for message in studio.cloud.messages_to("d")] == ["error"]
    assert "d" in studio.cloud.gone


def test_an_expired_connection_receives_nothing(studio: Studio, ada: Creator, stream: Stream, job_id: str) -> None:
    """DynamoDB deletes expired items hours later, and API Gateway's `$disconnect` can be lost."""
    opened(ada, "d")
    listen("d", job_id)
    for record in (ConnectionRecord.get("d"), ListenerRecord.get(f"job:{job_id}", "d")):
        record.expires_at = utc_now() - LEASE
        record.save()
    studio.cloud.sent.clear()
    complete_step(job_id, IMAGE)
    stream.push()
    assert studio.cloud.messages_to("c")
    assert studio.cloud.messages_to("d") == []
    assert "d" in studio.cloud.gone, "the client connects again with a new token"


def test_a_connection_expires_with_its_token(ada: Creator) -> None:
    opened(ada, "d")
    left = ConnectionRecord.get("d").expires_at - utc_now()
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)


def test_a_subscription_expires_with_its_connection(ada: Creator, job_id: str) -> None:
    opened(ada, "d")
    connection = ConnectionRecord.get("d")
    connection.expires_at -= LEASE
    connection.save()
    listen("d", job_id)
    assert ListenerRecord.get(f"job:{job_id}", "d").expires_at == connection.expires_at


def test_a_ping_is_answered(studio: Studio, ada: Creator) -> None:
    opened(ada, "c")
    assert ping.handler(event("c", {"type": "ping"}), None) == {"statusCode": 200}
    assert studio.cloud.messages_to("c") == [{"type": "pong"}]


MESSAGES = {
    "subscribe": subscribe.handler,
    "unsubscribe": unsubscribe.handler,
    "ping": ping.handler,
    "dance": unknown.handler,
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_the_first_message_after_the_token_expired_closes_the_socket(
    studio: Studio, ada: Creator, job_id: str, kind: str
) -> None:
    opened(ada, "c")
    connection = ConnectionRecord.get("c")
    connection.expires_at = utc_now() - LEASE
    connection.save()
    before = studio.dump()
    assert MESSAGES[kind](event("c", {"type": kind, "channel": f"job:{job_id}"}), None) == {"statusCode": 401}
    assert [message["code"] for message in studio.cloud.messages_to("c")] == ["connection_expired"]
    assert "c" in studio.cloud.gone
    assert studio.dump() == before


def test_an_expired_token_opens_no_socket(studio: Studio, ada: Creator) -> None:
    """The token can expire between the authorizer and the function."""
    request, before = event("c"), studio.dump()
    request["requestContext"]["authorizer"] = principal(ada, expires_at=utc_now()).context()
    assert connect.handler(request, None) == {"statusCode": 401}
    assert studio.dump() == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200), ({"Origin": "https://kinora.test"}, 200), ({"origin": "https://evil.test"}, 403),
        ({"Origin": "https://kinora.test.evil.test"}, 403), ({"Origin": "null"}, 403), ({"Origin": ""}, 403),
        ({"Origin": "http://kinora.test"}, 403),
    ],
)  # fmt: skip
def test_only_the_studios_pages_open_a_socket(
    studio: Studio, ada: Creator, headers: dict[str, str], status: int
) -> None:
    """Programs send no origin."""
    request = event("c") | {"headers": headers}
    request["requestContext"]["authorizer"] = principal(ada).context()
    assert connect.handler(request, None) == {"statusCode": status}
    assert bool(studio.dump()["kinora-test-connections"]) == (status == 200)


# --- the end of a session


def session(studio: Studio) -> tuple[RefreshToken, dict[str, str]]:
    """Return the refresh token of a new session, and the authorizer's context of its access token."""
    token = CredentialStore().begin_family("usr_1", at=utc_now())
    access = tokens.issue(
        "usr_1", signing_key=secret("access-token-signing-key"), at=utc_now(), session_id=token.family_id
    )
    answer = authorizer({"authorizationToken": f"Bearer {access}", "methodArn": "arn:aws:x:api/test/GET"}, None)
    return token, answer["context"]


def connected(connection_id: str, context: dict[str, str]) -> int:
    request = event(connection_id)
    request["requestContext"]["authorizer"] = context
    return connect.handler(request, None)["statusCode"]


def deliver_fan_out(studio: Studio) -> None:
    records = [{"messageId": "m", "body": json.dumps(message)} for message in studio.messages(FAN_OUT_QUEUE)]
    assert records
    assert fanout.handler({"Records": records}, None) == {"batchItemFailures": []}


def cookie_of(token: RefreshToken) -> dict[str, str]:
    text = token.text(bytes.fromhex("11" * 32))
    return {"origin": "https://kinora.test", "x-kinora-refresh": "1", "cookie": f"{COOKIE}={text}"}


def test_signing_out_closes_the_sockets_of_the_session_only(studio: Studio) -> None:
    (token, context), (_, other) = session(studio), session(studio)
    assert [connected("a", context), connected("b", context), connected("c", other)] == [200] * 3
    assert studio.call("POST", "/api/auth/logout", headers=cookie_of(token)).status == 204
    deliver_fan_out(studio)
    assert studio.cloud.gone == {"a", "b"}
    [row] = studio.dump()["kinora-test-connections"]
    assert '"c"' in row
    assert connected("d", context) == 401, "the access token is still valid, but its session has ended"
    assert connected("d", other) == 200


def test_the_reuse_of_a_refresh_token_closes_the_sockets_of_its_session(studio: Studio) -> None:
    token, context = session(studio)
    store, at = CredentialStore(), utc_now()
    store.rotate(token, at=at - timedelta(seconds=60))
    assert connected("a", context) == 200
    assert studio.call("POST", "/api/auth/refresh", headers=cookie_of(token)).status == 401
    deliver_fan_out(studio)
    assert studio.cloud.gone == {"a"}


def test_a_socket_that_opens_during_the_end_of_its_session_is_refused(studio: Studio) -> None:
    """The end of the session finds no connection, because it reads before the connection is written."""
    token, context = session(studio)

    def end(operation: str) -> None:
        if operation == "PutItem":
            studio.cloud.afterwards = nothing
            ending = Thread(target=CredentialStore().revoke, args=(token,), kwargs={"at": utc_now()})
            ending.start()
            ending.join()

    studio.cloud.afterwards = end
    assert connected("a", context) == 401
    assert studio.dump()["kinora-test-connections"] == []


def test_a_socket_that_cannot_be_closed_is_closed_later(studio: Studio) -> None:
    token, context = session(studio)
    connected("a", context)
    studio.cloud.broken["DeleteConnection"] = EndpointConnectionError(endpoint_url="x")
    message = {"version": 1, "sessionId": token.family_id}
    for tries in range(len(CATCH_UP_SECONDS)):
        fanout.handler({"Records": [{"messageId": "m", "body": json.dumps(message)}]}, None)
        [message] = waiting(studio)
        assert message["tries"] == tries + 1
    fanout.handler({"Records": [{"messageId": "m", "body": json.dumps(message)}]}, None)
    assert waiting(studio) == []


def waiting(studio: Studio) -> list[Message]:
    """Take all messages from the fan-out queue, the delayed ones too."""
    queued = get_backend("sqs")["123456789012"]["us-east-1"].queues[f"kinora-test-{FAN_OUT_QUEUE}"]._messages
    taken = [json.loads(message.body) for message in queued]
    queued.clear()
    return taken


BAD = [
    "", "{", "[]", "null", "7", "NaN", '{"type": "subscribe"}', '{"type": "subscribe", "channel": 7}',
    '{"type": "subscribe", "channel": ""}', '{"type": "subscribe", "channel": "job:"}',
    '{"type": "subscribe", "channel": "user:usr_1"}', '{"type": "subscribe", "channel": "job:é"}',
    '{"type": "subscribe", "channel": "job:x", "extra": 1}', '{"type": "subscribe", "channel": "job:' + "x" * 65 + '"}',
    r'{"type": "subscribe", "channel": "job:\ud800"}', "[" * 10_000, r'{"type": "subscribe", "channel": "job:\u0000"}',
]  # fmt: skip


@pytest.mark.parametrize("raw", BAD, ids=lambda raw: ascii(raw)[:60])
@pytest.mark.parametrize("handler", [subscribe.handler, unsubscribe.handler], ids=["subscribe", "unsubscribe"])
def test_a_bad_message_is_answered_and_the_socket_stays_open(
    studio: Studio, ada: Creator, handler: Callable[[Message, object], dict[str, int]], raw: str
) -> None:
    opened(ada, "c")
    before = studio.dump()
    status = handler(event("c", raw=raw), None)["statusCode"]
    sent = studio.cloud.messages_to("c")
    assert (status in {404, 422} and [message["type"] for message in sent] == ["error"]) or (status, sent) == (200, [])
    assert studio.dump() == before


def test_an_unknown_type_of_message_is_answered(studio: Studio, ada: Creator) -> None:
    opened(ada, "c")
    assert unknown.handler(event("c", {"type": "dance"}), None) == {"statusCode": 422}
    assert studio.cloud.messages_to("c")[0]["type"] == "error"


def test_a_connection_that_never_opened_cannot_subscribe(studio: Studio, job_id: str) -> None:
    assert listen("ghost", job_id) == {"statusCode": 401}
    assert studio.dump()["kinora-test-listeners"] == []


# --- events


def test_the_events_of_a_whole_job_follow_the_contract(studio: Studio, stream: Stream, job_id: str) -> None:
    steps.queue(job_id, IMAGE, at=utc_now())
    attempt = claim(job_id, IMAGE)
    steps.beat(job_id, IMAGE, attempt=attempt, lease_until=utc_now(), progress=(50, 16), at=utc_now())
    steps.record_result(jobs.get(job_id), IMAGE, result_of(job_id, IMAGE, attempt), attempt=attempt, at=utc_now())
    for stage in (VIDEO, POST):
        complete_step(job_id, stage)
    settlement.complete(jobs.get(job_id), at=utc_now())
    assert stream.push() == {"batchItemFailures": []}

    messages = studio.cloud.messages_to("c")
    assert [(message["type"], message.get("status")) for message in messages] == [
        ("job.progress", "QUEUED"), ("job.progress", "RUNNING"), ("job.progress", "RUNNING"), ("step.completed", None),
        ("job.progress", "RUNNING"), ("step.completed", None), ("job.progress", "RUNNING"), ("step.completed", None),
        ("job.completed", None),
    ]  # fmt: skip
    fields = {
        "job.progress": {"type", "jobId", "seq", "progress", "currentStep", "status"},
        "step.completed": {"type", "jobId", "seq", "stepId", "stepType", "resultUrl"},
        "job.completed": {"type", "jobId", "seq", "videoUrl", "thumbnailUrl"},
    }
    assert all(set(message) == fields[message["type"]] for message in messages)
    assert (messages[2]["progress"], messages[2]["currentStep"]) == (16, "IMAGE_GENERATION")
    assert [message["stepType"] for message in messages if message["type"] == "step.completed"] == [IMAGE, VIDEO, POST]
    assert messages[3]["resultUrl"].startswith(
        f"https://media.kinora.test/jobs/{job_id}/previews/image_generation/{attempt}/stepPreview"
    )
    assert all("Signature=" in messages[-1][url] for url in ("videoUrl", "thumbnailUrl"))


def test_the_event_of_a_painted_picture_has_its_words(studio: Studio, stream: Stream, job_id: str) -> None:
    words = {"understood": ["lighthouse", "dusk"], "notUnderstood": ["velvet"], "readAs": {"cove": "coast"}}
    steps.record_result(jobs.get(job_id), IMAGE, StepResult((), words), attempt=claim(job_id, IMAGE), at=utc_now())
    complete_step(job_id, VIDEO)
    stream.push()
    painted, filmed = [each for each in studio.cloud.messages_to("c") if each["type"] == "step.completed"]
    assert {key: painted[key] for key in words} == words
    assert not words.keys() & filmed.keys()


def test_every_message_of_a_whole_job_matches_the_published_document(
    studio: Studio, ada: Creator, stream: Stream, job_id: str
) -> None:
    """Each message matches exactly one message of the document by its schema."""
    steps.queue(job_id, IMAGE, at=utc_now())
    attempt = claim(job_id, IMAGE)
    steps.beat(job_id, IMAGE, attempt=attempt, lease_until=utc_now(), progress=(50, 16), preview=1, at=utc_now())
    steps.record_result(jobs.get(job_id), IMAGE, result_of(job_id, IMAGE, attempt), attempt=attempt, at=utc_now())
    for stage in (VIDEO, POST):
        complete_step(job_id, stage)
    settlement.complete(jobs.get(job_id), at=utc_now())
    stream.push()
    listen("c", job_id)
    failed = str(ada.job(ada.project())["id"])
    listen("c", failed)
    settlement.fail(jobs.get(failed), error="It broke.", at=utc_now())
    stream.push()
    listen("c", "job_unknown")

    document = asyncapi()
    messages = document["components"]["messages"]
    seen = set()
    for received in studio.cloud.messages_to("c"):
        [name] = [name for name, message in messages.items() if not faults(received, message["payload"], document)]
        seen.add(name)
    assert seen == {"JobSnapshot", "JobProgress", "StepCompleted", "JobCompleted", "JobFailed", "SocketError"}
    assert any("previewUrl" in received for received in studio.cloud.messages_to("c"))


def test_seq_strictly_rises_and_ends_at_the_stored_state(studio: Studio, stream: Stream, job_id: str) -> None:
    settlement.complete(complete_steps(job_id), at=utc_now())
    stream.push()
    numbers = [message["seq"] for message in studio.cloud.messages_to("c")]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == jobs.get(job_id).seq


def test_the_event_of_a_failed_job_has_the_reason(studio: Studio, stream: Stream, job_id: str) -> None:
    settlement.fail(jobs.get(job_id), error="It broke.", at=utc_now())
    stream.push()
    assert studio.cloud.messages_to("c") == [{"type": "job.failed", "jobId": job_id, "seq": 3, "error": "It broke."}]


def test_the_event_of_a_cancelled_job_has_its_status(studio: Studio, stream: Stream, ada: Creator, job_id: str) -> None:
    ada.post(f"/api/jobs/{job_id}/cancel")
    stream.push()
    [message] = studio.cloud.messages_to("c")
    assert (message["type"], message["status"]) == ("job.progress", "CANCELLED")


def test_no_event_follows_the_terminal_event(studio: Studio, stream: Stream, ada: Creator, job_id: str) -> None:
    """A worker that continues, a second settlement and the deletion of the job send no event."""
    attempt = claim(job_id, IMAGE)
    ada.post(f"/api/jobs/{job_id}/cancel")
    with pytest.raises(Fenced):
        steps.beat(job_id, IMAGE, attempt=attempt, lease_until=utc_now(), progress=(99, 33), at=utc_now())
    settlement.fail(jobs.get(job_id), error="late", at=utc_now())
    ada.delete(f"/api/jobs/{job_id}")
    stream.push()
    assert studio.cloud.messages_to("c")[-1]["status"] == "CANCELLED"


def test_a_beat_without_progress_sends_no_event(studio: Studio, stream: Stream, job_id: str) -> None:
    attempt = claim(job_id, IMAGE)
    stream.push()
    studio.cloud.sent.clear()
    steps.beat(job_id, IMAGE, attempt=attempt, lease_until=utc_now() + LEASE, progress=None, at=utc_now())
    assert len(studio.job_changes()) > stream.read
    stream.push()
    assert studio.cloud.sent == []


# --- fan-out


def test_every_subscriber_receives_the_event(studio: Studio, ada: Creator, stream: Stream, job_id: str) -> None:
    opened(ada, "d")
    listen("d", job_id)
    studio.cloud.sent.clear()
    complete_step(job_id, IMAGE)
    stream.push()
    assert studio.cloud.messages_to("d") == studio.cloud.messages_to("c") != []


def test_a_subscriber_receives_events_of_its_job_only(studio: Studio, ada: Creator, stream: Stream) -> None:
    complete_step(str(ada.job(ada.project())["id"]), IMAGE)
    stream.push()
    assert studio.cloud.sent == []


def test_an_unsubscribed_connection_receives_no_more_events(studio: Studio, stream: Stream, job_id: str) -> None:
    request = event("c", {"type": "unsubscribe", "channel": f"job:{job_id}"})
    assert unsubscribe.handler(request, None) == {"statusCode": 200}
    complete_step(job_id, IMAGE)
    stream.push()
    assert studio.cloud.sent == []


def test_a_disconnected_connection_is_deleted(studio: Studio, ada: Creator, stream: Stream) -> None:
    listen("c", str(ada.job(ada.project())["id"]))
    disconnect.handler(event("c"), None)
    stored = studio.dump()
    assert stored["kinora-test-listeners"] == stored["kinora-test-connections"] == []


def test_a_closed_connection_is_deleted_and_the_others_receive_the_event(
    studio: Studio, ada: Creator, stream: Stream, job_id: str
) -> None:
    for name in ("a", "z"):
        opened(ada, name)
        listen(name, job_id)
    studio.cloud.sent.clear()
    studio.cloud.gone.add("c")
    complete_step(job_id, IMAGE)
    assert stream.push() == {"batchItemFailures": []}
    assert studio.cloud.messages_to("a") == studio.cloud.messages_to("z") != []
    assert sorted(item.connection_id for item in ListenerRecord.query(f"job:{job_id}")) == ["a", "z"]
    with pytest.raises(ConnectionRecord.DoesNotExist):
        ConnectionRecord.get("c")


def test_a_job_without_subscribers_costs_one_query(studio: Studio, ada: Creator, job_id: str) -> None:
    stream = Stream(studio)
    complete_step(job_id, IMAGE)
    studio.cloud.calls.clear()
    stream.push()
    assert set(studio.cloud.calls) == {"Query"}


def test_a_batch_is_delivered_again_from_its_bad_record(studio: Studio, stream: Stream, job_id: str) -> None:
    for stage in (IMAGE, VIDEO):
        complete_step(job_id, stage)
    changes = stream.next()
    poison = json.loads(json.dumps(changes[1], default=str))
    poison["dynamodb"]["NewImage"] = {"job_id": {"S": job_id}, "steps": {"S": "?"}}
    answer = push.handler({"Records": [changes[0], poison, *changes[2:]]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": poison["dynamodb"]["SequenceNumber"]}]}
    assert len(studio.cloud.messages_to("c")) == 1


def test_a_record_delivered_twice_sends_the_same_seq(studio: Studio, stream: Stream, job_id: str) -> None:
    """Clients ignore events whose `seq` is not higher."""
    complete_step(job_id, IMAGE)
    changes = stream.next()
    push.handler({"Records": changes}, None)
    first = list(studio.cloud.sent)
    studio.cloud.sent.clear()
    push.handler({"Records": changes}, None)
    assert [m["seq"] for _, m in studio.cloud.sent] == [m["seq"] for _, m in first]


def test_creating_or_deleting_a_job_sends_no_event(studio: Studio, ada: Creator) -> None:
    stream = Stream(studio)
    job_id = str(ada.job(ada.project())["id"])
    opened(ada, "c")
    listen("c", job_id)
    studio.cloud.sent.clear()
    made, admitted = stream.next()
    assert "OldImage" not in made["dynamodb"]
    assert push.handler({"Records": [made, admitted]}, None) == {"batchItemFailures": []}
    assert studio.cloud.sent == []
    assert JobRecord.get(job_id).status == JobStatus.PENDING
