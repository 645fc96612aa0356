"""Outgoing webhooks: a receiver on loopback verifies the events with the library of Standard Webhooks."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from functions.webhooks import deliver, notify
from shared.core.clock import utc_now
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.store import jobs
from shared.stages.queues import WEBHOOKS_QUEUE
from shared.webhooks.deliveries import LONGEST_DELAY_SECONDS, PAUSES, deliveries
from shared.webhooks.messages import DeliverWebhook
from shared.webhooks.record import DeliveryStatus, WebhookDeliveryRecord, WebhookEventType, WebhookRecord
from shared.webhooks.store import MOST_WEBHOOKS, OVERLAP, PATIENCE, webhooks
from tests.support.receiver import ReceivedWebhook, Receiver, receiver
from tests.support.steps import complete_steps
from tests.support.studio import Answer, Creator, Studio

ALL = [event.value for event in WebhookEventType]
ENDS = ["job.completed", "job.failed", "job.cancelled"]
HOOKS = "/api/webhooks"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiver(monkeypatch) as one:
        yield one


def hook(creator: Creator, url: str, events: list[str] | None = None, **more: object) -> dict[str, Any]:
    answer = creator.post(HOOKS, {"url": url, "events": events or ENDS, **more})
    assert answer.status == 201, answer.body
    made: dict[str, Any] = answer.body
    return made


def notify_all(studio: Studio) -> None:
    """Deliver the whole stream of jobs to the function."""
    assert notify.handler({"Records": studio.job_changes()}, None) == {"batchItemFailures": []}


def handle(*bodies: str) -> list[dict[str, str]]:
    """Deliver messages of the queue to the function, and return those that failed."""
    records = [{"messageId": str(n), "body": body} for n, body in enumerate(bodies)]
    failed: list[dict[str, str]] = deliver.handler({"Records": records}, None)["batchItemFailures"]
    return failed


def handle_queued(studio: Studio) -> None:
    """Handle each message that waits in the queue, and delete it."""
    while delivery := studio.deliver(WEBHOOKS_QUEUE):
        assert handle(delivery.body) == []
        delivery.delete()


def completed_job(creator: Creator) -> str:
    job_id = str(creator.job(creator.project())["id"])
    settlement.complete(complete_steps(job_id), at=utc_now())
    return job_id


def verified(secret: str, got: ReceivedWebhook) -> dict[str, Any]:
    event: dict[str, Any] = Webhook(secret).verify(got.body, got.headers)
    return event


def begun(creator: Creator, made: dict[str, Any]) -> dict[str, Any]:
    """Begin a test event and return its delivery."""
    answer = creator.post(f"{HOOKS}/{made['id']}/test")
    assert answer.status == 202, answer.body
    body: dict[str, Any] = answer.body
    return body


def rows(made: dict[str, Any]) -> list[WebhookDeliveryRecord]:
    return list(WebhookDeliveryRecord.query(made["id"], consistent_read=True))


def try_now(row: WebhookDeliveryRecord) -> WebhookDeliveryRecord:
    """Handle the message of the delivery's next try, as if its pause were over. Return the stored delivery."""
    row.update([WebhookDeliveryRecord.next_at.set(utc_now())])
    message = DeliverWebhook(webhook_id=row.webhook_id, event_id=row.event_id, attempt=int(row.attempts))
    assert handle(message.encoded()) == []
    row.refresh(consistent_read=True)
    return row


# --- events


@pytest.mark.endpoint("POST /api/webhooks")
def test_a_stranger_verifies_the_event_of_a_completed_job(studio: Studio, ada: Creator, endpoint: Receiver) -> None:
    made = hook(ada, endpoint.url)
    job_id = completed_job(ada)
    notify_all(studio)
    handle_queued(studio)
    [got] = endpoint.received
    event = verified(made["secret"], got)
    assert event["type"] == "job.completed"
    assert (event["data"]["id"], event["data"]["status"]) == (job_id, "COMPLETED")
    assert got.headers["content-type"] == "application/json"
    [shown] = ada.list(f"{HOOKS}/{made['id']}/deliveries")
    assert (shown["id"], shown["status"], shown["attempts"]) == (got.headers["webhook-id"], "DELIVERED", 1)
    assert (shown["answerStatus"], shown["body"]) == (204, got.body)


def test_a_failed_and_a_cancelled_job_have_their_own_events(studio: Studio, ada: Creator, endpoint: Receiver) -> None:
    made, project = hook(ada, endpoint.url), ada.project()
    failed, cancelled = ada.job(project)["id"], ada.job(project)["id"]
    settlement.fail(jobs.get(failed), error="The provider is gone.", at=utc_now())
    assert ada.post(f"/api/jobs/{cancelled}/cancel").status == 200
    notify_all(studio)
    handle_queued(studio)
    found = {event["data"]["id"]: event for event in (verified(made["secret"], got) for got in endpoint.received)}
    assert (found[failed]["type"], found[failed]["data"]["error"]) == ("job.failed", "The provider is gone.")
    assert found[cancelled]["type"] == "job.cancelled"


def test_steps_are_sent_to_endpoints_that_ask_for_them(studio: Studio, ada: Creator, endpoint: Receiver) -> None:
    made, without = hook(ada, endpoint.url, ["step.completed"]), hook(ada, endpoint.url)
    completed_job(ada)
    notify_all(studio)
    assert [json.loads(row.body)["data"]["stepType"] for row in rows(made)] == [
        "IMAGE_GENERATION", "VIDEO_SYNTHESIS", "POST_PROCESSING",
    ]  # fmt: skip
    assert [row.event_type for row in rows(without)] == ["job.completed"]


def test_few_credits_are_reported_once_a_day(studio: Studio, endpoint: Receiver) -> None:
    poor, rich = studio.arrive("poor@example.com", credits=25), studio.arrive("rich@example.com", credits=500)
    made, other = hook(poor, endpoint.url, ["credits.low"]), hook(rich, endpoint.url, ["credits.low"])
    for creator, number in ((poor, 2), (rich, 1)):
        project = creator.project()
        for _ in range(number):
            creator.job(project)
    notify_all(studio)
    handle_queued(studio)
    [got] = endpoint.received
    event = verified(made["secret"], got)
    assert (event["type"], event["data"]["available"]) == ("credits.low", credits.account(poor.user_id).available)
    assert rows(other) == []


def test_an_event_of_one_account_reaches_no_other(studio: Studio, ada: Creator, eve: Creator,
                                                  endpoint: Receiver) -> None:  # fmt: skip
    hers = hook(eve, endpoint.url, ALL)
    organization = ada.organization(credits=50)
    theirs = hook(ada, endpoint.url, organizationId=organization)
    job_id = ada.job(ada.project(organization=organization))["id"]
    settlement.complete(complete_steps(job_id), at=utc_now())
    notify_all(studio)
    assert rows(hers) == []
    assert json.loads(rows(theirs)[0].body)["data"]["organizationId"] == organization


def test_a_record_that_the_stream_repeats_begins_nothing_twice(studio: Studio, ada: Creator,
                                                               endpoint: Receiver) -> None:  # fmt: skip
    made = hook(ada, endpoint.url)
    completed_job(ada)
    studio.cloud.loses_once("PutItem")
    notify_all(studio)
    notify_all(studio)
    handle_queued(studio)
    assert len(rows(made)) == len(endpoint.received) == 1


# --- tries


@pytest.mark.endpoint("POST /api/webhooks/{webhook_id}/test")
def test_a_refused_event_is_tried_eight_times_within_a_day(ada: Creator, endpoint: Receiver) -> None:
    made = hook(ada, endpoint.url)
    begun(ada, made)
    [row] = rows(made)
    endpoint.answers_next(*[500] * 8)
    for pause in PAUSES:
        row = try_now(row)
        assert row.status == "PENDING"
        assert row.next_at is not None
        assert row.next_at - row.updated_at == pause
    row = try_now(row)
    assert (row.status, row.attempts, row.answer_status) == ("FAILED", 8, 500)
    assert row.next_at is None
    assert len({got.headers["webhook-id"] for got in endpoint.received}) == 1
    assert timedelta(hours=22) < sum(PAUSES, timedelta()) <= timedelta(days=1)
    handle(DeliverWebhook(webhook_id=made["id"], event_id=row.event_id, attempt=7).encoded())
    assert len(endpoint.received) == 8, "a message that arrives twice after the end is ignored"


def test_a_long_pause_is_a_chain_of_messages(studio: Studio, ada: Creator, endpoint: Receiver) -> None:
    made = hook(ada, endpoint.url)
    begun(ada, made)
    [row] = rows(made)
    row.update([WebhookDeliveryRecord.next_at.set(utc_now() + timedelta(seconds=1000))])
    [(body, _)] = studio.queued(WEBHOOKS_QUEUE)
    assert handle(body) == []
    assert endpoint.received == []
    assert studio.queued(WEBHOOKS_QUEUE)[-1] == (body, LONGEST_DELAY_SECONDS)
    row.update([WebhookDeliveryRecord.next_at.set(utc_now() - timedelta(seconds=1))])
    assert handle(body) == []
    assert len(endpoint.received) == 1


def test_a_process_that_dies_after_a_try_does_not_end_the_tries(studio: Studio, ada: Creator,
                                                                endpoint: Receiver) -> None:  # fmt: skip
    made = hook(ada, endpoint.url)
    begun(ada, made)
    [(body, _)] = studio.queued(WEBHOOKS_QUEUE)
    endpoint.answers_next(500)
    studio.cloud.broken["SendMessage"] = RuntimeError("the process dies")
    assert handle(body) == [{"itemIdentifier": "0"}]
    del studio.cloud.broken["SendMessage"]
    assert handle(body) == []
    assert len(endpoint.received) == 1, "the recorded try is not repeated"
    newest, delay_seconds = studio.queued(WEBHOOKS_QUEUE)[-1]
    assert json.loads(newest)["attempt"] == 1
    assert delay_seconds <= PAUSES[0].total_seconds()


def test_of_two_consumers_one_records_a_try(ada: Creator, endpoint: Receiver) -> None:
    made = hook(ada, endpoint.url)
    begun(ada, made)
    [one], [other] = rows(made), rows(made)
    facts: Any = {"status": DeliveryStatus.PENDING, "answer_status": 500, "answer_text": "", "next_at": utc_now()}
    assert deliveries.record(one, **facts, at=utc_now()) is True
    assert deliveries.record(other, **facts, at=utc_now()) is False
    assert rows(made)[0].attempts == 1


def test_an_answer_is_stored_in_part_and_a_redirect_is_a_failure(ada: Creator, endpoint: Receiver) -> None:
    made = hook(ada, endpoint.url)
    begun(ada, made)
    [row] = rows(made)
    endpoint.answers_next(302, body=b"x" * 5000, headers={"Location": endpoint.url})
    row = try_now(row)
    assert (row.status, row.answer_status, row.answer_text) == ("PENDING", 302, "x" * 1024)
    assert len(endpoint.received) == 1


def test_a_name_with_an_address_of_the_deployment_gets_no_request(ada: Creator, endpoint: Receiver) -> None:
    made = hook(ada, "https://localhost/")
    begun(ada, made)
    row = try_now(rows(made)[0])
    assert row.answer_text == "This address is not on the public Internet."
    assert endpoint.received == []


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://169.254.169.254/", "https://a:b@x.com/"]
)
def test_a_url_outside_of_the_internet_is_refused(ada: Creator, url: str) -> None:
    made = hook(ada, "https://example.com/")
    for answer in (ada.post(HOOKS, {"url": url, "events": ENDS}), ada.patch(f"{HOOKS}/{made['id']}", {"url": url})):
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "url")


# --- endpoints that fail


def test_an_endpoint_that_fails_for_five_days_is_disabled_with_an_email(studio: Studio, ada: Creator,
                                                                        endpoint: Receiver) -> None:  # fmt: skip
    made = hook(ada, endpoint.url)
    begun(ada, made)
    [row] = rows(made)
    endpoint.answers_next(500, 200, 500, 500)
    row = try_now(row)
    assert shown(ada, made)["failingSince"]
    row = try_now(row)
    assert (row.status, shown(ada, made)["failingSince"]) == ("DELIVERED", None)
    assert studio.mails("ada@example.com") == []
    replayed(ada, made, row)
    row = try_now(row)
    record = webhooks.find(made["id"])
    assert record is not None
    record.update([WebhookRecord.failing_since.set(utc_now() - PATIENCE)])
    row = try_now(row)
    assert (shown(ada, made)["enabled"], shown(ada, made)["disabledBecause"]) == (False, "FAILURES")
    assert endpoint.url in studio.mails("ada@example.com")[-1]
    row = try_now(row)
    assert (row.status, row.answer_text, len(endpoint.received)) == ("FAILED", "The webhook is disabled.", 4)
    assert ada.patch(f"{HOOKS}/{made['id']}", {"enabled": True}).body["enabled"] is True
    replayed(ada, made, row)
    assert try_now(row).status == "DELIVERED"


def test_an_endpoint_that_is_gone_is_disabled_at_once_and_gets_no_events(studio: Studio, ada: Creator,
                                                                         endpoint: Receiver) -> None:  # fmt: skip
    organization = ada.organization(credits=50)
    mate = ada.hire(organization, "mate@example.com")
    made = hook(ada, endpoint.url, organizationId=organization)
    begun(ada, made)
    endpoint.answers_next(410)
    assert try_now(rows(made)[0]).status == "FAILED"
    assert shown(ada, made)["disabledBecause"] == "GONE"
    assert len(studio.mails("ada@example.com")) == 1
    assert len(studio.mails("mate@example.com")) == 1, "the invite only: the mate owns nothing"
    settlement.complete(complete_steps(ada.job(ada.project(organization=organization))["id"]), at=utc_now())
    notify_all(studio)
    assert len(rows(made)) == 1
    assert mate.get(HOOKS, organizationId=organization).status == 403


# --- requests


def shown(creator: Creator, made: dict[str, Any]) -> dict[str, Any]:
    answer = creator.get(f"{HOOKS}/{made['id']}")
    assert answer.status == 200
    body: dict[str, Any] = answer.body
    return body


def replayed(creator: Creator, made: dict[str, Any], row: WebhookDeliveryRecord) -> None:
    assert replay(creator, made, row.event_id).status == 202
    row.refresh(consistent_read=True)


def replay(creator: Creator, made: dict[str, Any], event_id: str) -> Answer:
    return creator.post(f"{HOOKS}/{made['id']}/deliveries/{event_id}/replay")


@pytest.mark.endpoint("POST /api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay")
def test_a_replay_has_the_same_id_and_waits_for_the_end(ada: Creator, endpoint: Receiver) -> None:
    made = hook(ada, endpoint.url)
    event_id = begun(ada, made)["id"]
    assert replay(ada, made, event_id).body["code"] == "delivery_pending"
    [row] = rows(made)
    row = try_now(row)
    replayed(ada, made, row)
    row = try_now(row)
    assert (row.status, [got.headers["webhook-id"] for got in endpoint.received]) == ("DELIVERED", [event_id] * 2)
    row.update(
        [WebhookDeliveryRecord.status.set("PENDING"), WebhookDeliveryRecord.next_at.set(utc_now() - timedelta(hours=2))]
    )
    assert replay(ada, made, event_id).status == 202, "its message was lost"


@pytest.mark.endpoint("POST /api/webhooks/{webhook_id}/secret")
def test_both_secrets_sign_for_a_day_after_a_rotation(studio: Studio, ada: Creator, endpoint: Receiver) -> None:
    made = hook(ada, endpoint.url)
    new = ada.post(f"{HOOKS}/{made['id']}/secret").body["secret"]
    begun(ada, made)
    row = try_now(rows(made)[0])
    assert verified(new, endpoint.received[0]) == verified(made["secret"], endpoint.received[0])
    record = webhooks.find(made["id"])
    assert record is not None
    record.update([WebhookRecord.old_secret_until.set(utc_now() - OVERLAP)])
    replayed(ada, made, row)
    try_now(row)
    assert verified(new, endpoint.received[1])["type"] == "webhook.test"
    with pytest.raises(WebhookVerificationError):
        verified(made["secret"], endpoint.received[1])


@pytest.mark.endpoint("GET /api/webhooks/{webhook_id}")
def test_a_secret_is_shown_once_and_stored_encrypted(studio: Studio, ada: Creator, endpoint: Receiver) -> None:
    made = hook(ada, endpoint.url)
    assert "secret" not in shown(ada, made)
    stored = WebhookRecord.get(made["id"])
    assert made["secret"].removeprefix("whsec_") not in json.dumps(studio.dump())
    other = hook(ada, endpoint.url)
    swapped = WebhookRecord.get(other["id"])
    swapped.update([WebhookRecord.secret.set(stored.secret)])
    with pytest.raises(Exception, match="InvalidCiphertext"):
        webhooks.secrets(swapped, at=utc_now())


@pytest.mark.endpoint("GET /api/webhooks")
def test_an_account_has_a_limited_number_of_endpoints(ada: Creator) -> None:
    for _ in range(MOST_WEBHOOKS):
        hook(ada, "https://example.com/")
    answer = ada.post(HOOKS, {"url": "https://example.com/", "events": ENDS})
    assert (answer.status, answer.body["code"]) == (409, "too_many_webhooks")
    assert len(ada.list(HOOKS)) == MOST_WEBHOOKS


@pytest.mark.endpoint("DELETE /api/webhooks/{webhook_id}")
def test_a_deleted_endpoint_has_no_deliveries_and_gets_no_request(studio: Studio, ada: Creator,
                                                                  endpoint: Receiver) -> None:  # fmt: skip
    made = hook(ada, endpoint.url)
    begun(ada, made)
    assert ada.delete(f"{HOOKS}/{made['id']}").status == 204
    assert rows(made) == []
    handle_queued(studio)
    assert endpoint.received == []


@pytest.mark.endpoint("PATCH /api/webhooks/{webhook_id}")
def test_changes_of_an_organizations_endpoints_are_in_its_audit_log(ada: Creator) -> None:
    organization = ada.organization()
    made = hook(ada, "https://example.com/", organizationId=organization)
    ada.patch(f"{HOOKS}/{made['id']}", {"enabled": False})
    ada.post(f"{HOOKS}/{made['id']}/secret")
    ada.delete(f"{HOOKS}/{made['id']}")
    entries = [one for one in ada.list(f"/api/teams/{organization}/audit") if one["subject"] == made["id"]]
    assert [one["action"] for one in entries] == [
        "webhook.deleted", "webhook.secret_replaced", "webhook.changed", "webhook.created",
    ]  # fmt: skip
    assert entries[2]["details"] == {"enabled": False}


def test_an_organization_with_an_endpoint_is_not_deleted(ada: Creator) -> None:
    """Nobody could see or delete the endpoint afterwards."""
    organization = ada.organization()
    made = hook(ada, "https://example.com/", organizationId=organization)
    assert ada.delete(f"/api/teams/{organization}").body["code"] == "organization_not_empty"
    assert ada.delete(f"{HOOKS}/{made['id']}").status == 204
    assert ada.delete(f"/api/teams/{organization}").status == 204


@pytest.mark.endpoint("GET /api/webhooks/{webhook_id}/deliveries")
def test_deliveries_come_in_pages(ada: Creator, endpoint: Receiver) -> None:
    made = hook(ada, endpoint.url)
    ids = [begun(ada, made)["id"] for _ in range(3)]
    first = ada.get(f"{HOOKS}/{made['id']}/deliveries", limit="2").body
    second = ada.get(f"{HOOKS}/{made['id']}/deliveries", limit="2", cursor=first["nextCursor"]).body
    assert [one["id"] for page in (first, second) for one in page["data"]] == ids[::-1]
