"""Emails about the ends of films, through the job's stream, the queue and SES; and addresses that get none."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from functions.notices import refusals
from functions.notices.send import LOW_CREDITS
from functions.notices.send import handler as send
from functions.realtime.push import handler as push
from shared.core.clock import utc_now
from shared.credits.record import AccountRecord
from shared.jobs import settlement
from shared.jobs.store import jobs
from shared.mail.marks import Refusal, marks
from shared.stages.queues import NOTICE_QUEUE
from tests.support.steps import complete_steps
from tests.support.studio import Creator, Studio

ADA = "ada@example.com"
ALL = {"filmCompleted": True, "filmFailed": True, "lowCredits": True}


def switch(creator: Creator, **switches: bool) -> None:
    assert creator.patch("/api/settings", {"notifications": switches}).status == 200


def completed(creator: Creator) -> str:
    job_id: str = creator.job(creator.project())["id"]
    settlement.complete(complete_steps(job_id), at=utc_now())
    return job_id


def failed(creator: Creator) -> str:
    job_id: str = creator.job(creator.project())["id"]
    settlement.fail(jobs.get(job_id), error="The engine <does> not answer.", at=utc_now())
    return job_id


def deliver(studio: Studio) -> list[dict[str, Any]]:
    """Deliver the stream of jobs, and then each message of the queue of notices. Return the failures."""
    assert push({"Records": studio.job_changes()}, None) == {"batchItemFailures": []}
    failures = []
    while delivery := studio.deliver(NOTICE_QUEUE):
        failures += send({"Records": [{"messageId": "m", "body": delivery.body}]}, None)["batchItemFailures"]
    return failures


def test_the_end_of_a_film_is_mailed_to_a_creator_who_has_switched_it_on(studio: Studio, ada: Creator) -> None:
    switch(ada, filmCompleted=True, filmFailed=True)
    ready, lost = completed(ada), failed(ada)
    assert deliver(studio) == []
    [first, second] = sorted(studio.mails(ADA), key=lambda html: "could not" in html)
    assert f"/film?id={ready}" in first
    assert f"/film?id={lost}" in second
    assert "The engine &lt;does&gt; not answer." in second


@pytest.mark.parametrize("switches", [{}, {"filmFailed": True}, {"filmCompleted": True}], ids=str)
def test_a_notice_that_is_off_is_not_sent(studio: Studio, ada: Creator, switches: dict[str, bool]) -> None:
    switch(ada, **switches)
    completed(ada)
    failed(ada)
    deliver(studio)
    assert len(studio.mails(ADA)) == len(switches)


def test_a_cancelled_film_is_no_news(studio: Studio, ada: Creator) -> None:
    switch(ada, **ALL)
    job_id = ada.job(ada.project())["id"]
    assert ada.post(f"/api/jobs/{job_id}/cancel").status == 200
    deliver(studio)
    assert studio.mails(ADA) == []


def test_a_repeated_batch_and_a_repeated_message_send_no_second_mail(studio: Studio, ada: Creator) -> None:
    switch(ada, filmCompleted=True)
    completed(ada)
    for _ in range(3):
        deliver(studio)
    assert len(studio.mails(ADA)) == 1


def test_a_message_that_ses_refuses_is_sent_later(studio: Studio, ada: Creator) -> None:
    switch(ada, filmCompleted=True)
    completed(ada)
    refused: Any = {"Error": {"Code": "TooManyRequestsException", "Message": ""}}
    studio.cloud.broken["SendEmail"] = ClientError(refused, "SendEmail")
    assert len(deliver(studio)) == 1
    del studio.cloud.broken["SendEmail"]
    assert deliver(studio) == []
    assert len(studio.mails(ADA)) == 1


def test_a_message_whose_answer_is_lost_is_not_sent_again(studio: Studio, ada: Creator) -> None:
    """SES has no idempotency: it may have sent the message."""
    switch(ada, filmCompleted=True)
    completed(ada)
    studio.cloud.broken["SendEmail"] = ReadTimeoutError(endpoint_url="https://email")
    studio.cloud.calls.clear()
    assert deliver(studio) == []
    assert studio.cloud.calls.count("SendEmail") == 1
    del studio.cloud.broken["SendEmail"]
    deliver(studio)
    assert studio.mails(ADA) == []


def test_a_film_that_leaves_few_credits_is_news_once(studio: Studio, ada: Creator) -> None:
    switch(ada, lowCredits=True)
    completed(ada)
    deliver(studio)
    assert studio.mails(ADA) == [], "the account has enough"
    for _ in range(2):
        job_id = ada.job(ada.project())["id"]
        AccountRecord(ada.user_id).update([AccountRecord.available.set(LOW_CREDITS - 1)])
        settlement.complete(complete_steps(job_id), at=utc_now())
        deliver(studio)
        AccountRecord(ada.user_id).update([AccountRecord.available.set(100)])
    assert [f"{LOW_CREDITS - 1} credits left" in html for html in studio.mails(ADA)] == [True]


# --- bounces and complaints


def reported(**detail: object) -> dict[str, Any]:
    """Return an event of SES in EventBridge."""
    return {"source": "aws.ses", "detail-type": "Email Bounced", "detail": {"mail": {"messageId": "1"}, **detail}}


def bounce(kind: str) -> dict[str, Any]:
    return reported(
        eventType="Bounce", bounce={"bounceType": kind, "bouncedRecipients": [{"emailAddress": "Ada@example.com"}]}
    )


def complaint(kind: str | None) -> dict[str, Any]:
    found = {"complainedRecipients": [{"emailAddress": ADA}]} | ({"complaintFeedbackType": kind} if kind else {})
    return reported(eventType="Complaint", complaint=found)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (bounce("Permanent"), "BOUNCED"), (bounce("Transient"), None), (bounce("Undetermined"), None),
        (complaint("abuse"), "COMPLAINED"), (complaint(None), "COMPLAINED"), (complaint("not-spam"), None),
    ],
    ids=json.dumps,
)  # fmt: skip
def test_an_address_that_refuses_our_mail_gets_no_more(
    studio: Studio, ada: Creator, event: dict[str, Any], reason: str | None
) -> None:
    switch(ada, **ALL)
    assert refusals.handler(event, None) == {"refused": int(reason is not None)}
    assert ada.get("/api/settings").body["emailRefusal"] == reason
    completed(ada)
    assert deliver(studio) == []
    assert len(studio.mails(ADA)) == (0 if reason else 1)


def test_a_bounce_does_not_shorten_a_complaint(studio: Studio) -> None:
    at = utc_now()
    for reason in (Refusal.BOUNCED, Refusal.COMPLAINED, Refusal.BOUNCED):
        marks.refuse(ADA, reason, at=at)
    assert marks.refusal(ADA, at=at) is Refusal.COMPLAINED


def test_no_address_is_logged(studio: Studio, ada: Creator, logged: Any) -> None:
    refusals.handler(bounce("Permanent"), None)
    switch(ada, **ALL)
    completed(ada)
    deliver(studio)
    assert "example.com" not in logged.getvalue().lower()
