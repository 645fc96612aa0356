"""The consumer of the jobs table's stream: it sends events to the job's listeners."""

from typing import Any

from functions.realtime.messages import channel_of, send
from shared.connections.store import connections
from shared.core.clock import utc_now
from shared.jobs.events import job_event, needs_results
from shared.jobs.record import JobRecord
from shared.jobs.store import jobs
from shared.jobs.views import access
from shared.observability import about, logged, logger, observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Push a batch of stream records in order. After a failure, Lambda delivers the batch again from that record."""
    for record in event["Records"]:
        images = record["dynamodb"]
        if "OldImage" not in images or "NewImage" not in images:
            continue  # created, so without subscribers, or deleted
        with logged(sequence_number=images["SequenceNumber"]):
            try:
                _push(JobRecord.from_raw_data(images["OldImage"]), JobRecord.from_raw_data(images["NewImage"]))
            except Exception:  # noqa: BLE001  # Lambda must repeat from this record after any error
                logger.exception("job change not pushed")
                return {"batchItemFailures": [{"itemIdentifier": images["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def _push(old: JobRecord, new: JobRecord) -> None:
    about(job_id=new.job_id)
    listeners = connections.subscribers(channel_of(new.job_id), account_id=new.account_id)
    if not listeners:
        return
    results = jobs.results(new) if needs_results(old, new) else {}
    message = job_event(old, new, results, access(new.job_id, utc_now()))
    if message is None:
        return
    for listener in listeners:
        if not send(listener.connection_id, message):
            connections.close(listener.connection_id)
