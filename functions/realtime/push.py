"""The consumer of the jobs table's stream: it sends events to the job's listeners, and the end to the notices.

If a channel has many listeners, or one does not accept an event, they receive the newest state through the fan-out
queue. Its message is sent after the change is in the table, so the state that `fanout` reads contains the change.
"""

from collections import defaultdict
from typing import Any

from functions.realtime.broadcast import catch_up_later, close_all, readers_of, send_all
from functions.realtime.messages import channel_of
from shared.aws import queues
from shared.aws.clients import sockets
from shared.aws.init import prepare
from shared.aws.records import dynamodb
from shared.connections.messages import FanOut
from shared.connections.store import connections
from shared.core.clock import utc_now
from shared.jobs.events import job_event, needs_results
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import jobs
from shared.mail.messages import FilmEnded
from shared.observability import about, logged, logger, observed
from shared.stages.queues import FAN_OUT_QUEUE, NOTICE_QUEUE

DIRECT_LISTENERS = 100  # maximum number of a channel's listeners that receive single events
# Delay of the newest state of a larger channel. Changes during the delay, but not the last one, cause no own pass.
COALESCE_SECONDS = 5

Late = defaultdict[str, set[str]]  # connections, each with the jobs whose newest state it receives later


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Push a batch of stream records in order. After a failure, Lambda delivers the batch again from that record.

    A socket's error is no failure. A socket that was late once receives no more events of this batch, only the newest
    state.
    """
    late: Late = defaultdict(set)
    for record in event["Records"]:
        images = record["dynamodb"]
        if "OldImage" not in images or "NewImage" not in images:
            continue  # created, so without subscribers, or deleted
        with logged(sequence_number=images["SequenceNumber"]):
            try:
                _push(JobRecord.from_raw_data(images["OldImage"]), JobRecord.from_raw_data(images["NewImage"]), late)
            except Exception:  # noqa: BLE001  # Lambda must repeat from this record after any error
                logger.exception("job change not pushed")
                return {"batchItemFailures": [{"itemIdentifier": images["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def _push(old: JobRecord, new: JobRecord, late: Late) -> None:
    about(job_id=new.job_id)
    at = utc_now()
    if new.ended and not old.ended and new.status != JobStatus.CANCELLED:  # a repeated batch sends it again
        queues.send(NOTICE_QUEUE, FilmEnded(job_id=new.job_id), group=new.account_id)
    channel = channel_of(new.job_id)
    found = connections.subscribers(channel, readers=readers_of(new), at=at, limit=DIRECT_LISTENERS)
    # The clients connect again with a new token. One that cannot be closed is tried again in the next batch.
    for each in close_all([each for each in found.expired if each not in late]):
        late[each].add(new.job_id)
    if not found.connection_ids and not found.more_after:
        return
    results = jobs.results(new) if needs_results(old, new) else {}
    message = job_event(old, new, results, at)
    if message is None:
        return
    if found.more_after:
        delay_seconds = 0 if JobStatus(new.status).ended else COALESCE_SECONDS
        asked = FanOut(job_id=new.job_id, seq=int(new.seq))
        queues.send(FAN_OUT_QUEUE, asked, group=new.account_id, delay_seconds=delay_seconds)
        return
    waiting = [each for each in found.connection_ids if each in late and new.job_id not in late[each]]
    waiting += send_all([each for each in found.connection_ids if each not in late], message)
    catch_up_later(new, waiting)
    for each in waiting:
        late[each].add(new.job_id)


prepare(dynamodb, sockets)
