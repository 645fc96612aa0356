"""Reads the jobs table's stream and tells the job's listeners."""

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
    """A batch of stream records, in order; from the first that fails on, the batch is delivered again."""
    for record in event["Records"]:
        images = record["dynamodb"]
        if "OldImage" not in images or "NewImage" not in images:
            continue  # made or deleted: nobody can have subscribed yet, or there is nothing left to tell
        with logged(sequence_number=images["SequenceNumber"]):
            try:
                _tell(JobRecord.from_raw_data(images["OldImage"]), JobRecord.from_raw_data(images["NewImage"]))
            except Exception:  # noqa: BLE001  # whatever it was, the stream must not lose its place
                logger.exception("job change not pushed")
                return {"batchItemFailures": [{"itemIdentifier": images["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def _tell(old: JobRecord, new: JobRecord) -> None:
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
