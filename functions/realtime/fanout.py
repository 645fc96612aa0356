"""The consumer of the fan-out queue: it sends the newest state of a job.

`FanOut` is for all subscribers of a large channel, page by page. `CatchUp` is for sockets that were late. In the end
each socket has accepted a state that is at least as new as the change, or the server has closed it. Then the client
connects again and receives a snapshot. `SessionOver` closes the sockets of a session, and `AccountOver` those of
a suspended user.
"""

from contextlib import suppress
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from functions.realtime.broadcast import CATCH_UP_SECONDS, catch_up_later, close_all, readers_of, send_all
from functions.realtime.messages import channel_of
from functions.realtime.snapshots import snapshot
from shared.aws import queues
from shared.connections.messages import AccountOver, CatchUp, FanOut, SessionOver
from shared.connections.store import PassReplaced, connections
from shared.core.clock import utc_now
from shared.jobs.store import JobNotFound, jobs
from shared.observability import about, logged, logger, observed
from shared.stages.queues import FAN_OUT_QUEUE

PAGE = 500  # connections in one message's page; if no socket answers, it takes 500 / 32 calls of 1 s = 16 s

Message = FanOut | CatchUp | SessionOver | AccountOver
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message, config=ConfigDict(hide_input_in_errors=True))


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle messages of the fan-out queue."""
    failed = []
    for record in event["Records"]:
        with logged(message_id=record["messageId"]):
            try:
                with suppress(JobNotFound, PassReplaced):
                    _handle(_MESSAGE.validate_json(record["body"]), record["messageId"])
            except Exception:  # noqa: BLE001  # SQS must deliver this message again after any error
                logger.exception("newest state not sent")
                failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _handle(message: Message, message_id: str) -> None:
    match message:
        case FanOut():
            _fan_out(message, message_id)
        case CatchUp():
            _catch_up(message)
        case SessionOver():
            _close(connections.of_session(message.session_id), message, group=message.session_id)
        case AccountOver():
            _close(connections.of_account(message.account_id), message, group=message.account_id)


def _fan_out(message: FanOut, message_id: str) -> None:
    """Send to one page of the subscribers. Raise PassReplaced if a newer pass serves them."""
    about(job_id=message.job_id)
    at, channel = utc_now(), channel_of(message.job_id)
    job = jobs.get(message.job_id)
    pass_id = message.pass_id or message_id  # the id of a message is the same at each delivery
    if message.pass_id is None:
        connections.begin_pass(channel, pass_id, asked_seq=message.seq, seq=int(job.seq), at=at)
    else:
        connections.check_pass(channel, pass_id)
    page = connections.subscribers(channel, readers=readers_of(job), at=at, limit=PAGE, after=message.after)
    if page.more_after:  # before the sending, so that pages are sent in parallel
        following = message.model_copy(update={"pass_id": pass_id, "after": page.more_after})
        queues.send(FAN_OUT_QUEUE, following, group=job.account_id)
    close_all(page.expired)
    catch_up_later(job, send_all(page.connection_ids, snapshot(job, at)))


def _catch_up(message: CatchUp) -> None:
    about(job_id=message.job_id)
    at = utc_now()
    job = jobs.get(message.job_id)
    listeners = connections.still_subscribed(
        channel_of(message.job_id), message.connection_ids, readers=readers_of(job), at=at
    )
    late = send_all(listeners, snapshot(job, at))
    if message.tries + 1 < len(CATCH_UP_SECONDS):
        catch_up_later(job, late, tries=message.tries + 1)
    else:
        catch_up_later(job, close_all(late), tries=message.tries)


def _close(connection_ids: list[str], message: SessionOver | AccountOver, *, group: str) -> None:
    late = close_all(connection_ids)
    if late and message.tries < len(CATCH_UP_SECONDS):
        again = message.model_copy(update={"tries": message.tries + 1})
        queues.send(FAN_OUT_QUEUE, again, group=group, delay_seconds=CATCH_UP_SECONDS[message.tries])
