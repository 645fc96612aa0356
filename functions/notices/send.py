"""The reader of the queue of notices: it sends the emails that users have switched on. No notice is sent twice."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from shared.core.clock import utc_now
from shared.core.ids import organization_of
from shared.credits.store import credits
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import JobNotFound, jobs
from shared.mail import mail
from shared.mail.mail import MailUnavailable
from shared.mail.marks import marks
from shared.mail.messages import AccountErased, FilmEnded
from shared.observability import about, logged, logger, observed
from shared.users.record import UserRecord
from shared.users.store import users

LOW_CREDITS = 20  # below this number of available credits the account has few: less than a film of some seconds
NOTICE_LIFE = timedelta(days=30)  # longer than a message waits in the queue and in its dead-letter queue

Message = FilmEnded | AccountErased
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message, config=ConfigDict(hide_input_in_errors=True))


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle messages of the queue of notices. SQS repeats those that SES has refused."""
    failed = []
    for record in event["Records"]:
        with logged(message_id=record["messageId"]):
            try:
                send(_MESSAGE.validate_json(record["body"]), utc_now())
            except MailUnavailable:  # it may have been sent
                logger.exception("notice given up")
            except Exception:  # noqa: BLE001  # SQS must deliver this message again after any error
                logger.exception("notice not sent")
                failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def send(message: Message, at: datetime) -> None:
    if not mail.sends():
        return
    if isinstance(message, AccountErased):
        with marks.once(f"erased#{message.erasure_id}", life=NOTICE_LIFE, at=at) as first:
            if first:
                mail.notify_erased(message.address)
        return
    about(job_id=message.job_id)
    try:
        job = jobs.get(message.job_id)
    except JobNotFound:
        return
    user = users.several([job.owner_id]).get(job.owner_id)
    if user and job.ended:
        _about_film(job, user, at)
        _about_credits(job, user, at)


def _about_film(job: JobRecord, user: UserRecord, at: datetime) -> None:
    completed = job.status == JobStatus.COMPLETED
    if not (user.film_completed if completed else user.film_failed):
        return
    with marks.once(job.job_id, life=NOTICE_LIFE, at=at) as first:
        if first and completed:
            mail.notify_completed(user.email, job_id=job.job_id)
        elif first:
            mail.notify_failed(user.email, job_id=job.job_id, error=job.error or "An unknown error.")


def _about_credits(job: JobRecord, user: UserRecord, at: datetime) -> None:
    """Send the notice about few credits if a film of the user's own account has left few."""
    if not user.low_credits or organization_of(job.account_id) or job.status != JobStatus.COMPLETED:
        return
    available = int(credits.account(job.account_id).available)
    if available >= LOW_CREDITS:
        return
    with marks.once(f"low-credits#{user.user_id}", life=NOTICE_LIFE, at=at) as first:
        if first:
            mail.notify_low_credits(user.email, credits=available)
