"""`subscribe`: listen to a job of one's own. Registers first, then reads, so that no change falls in between."""

from typing import Any

from functions.realtime.messages import channel_of, read_channel, refuse, send
from shared.connections.store import connections
from shared.core.clock import utc_now
from shared.core.errors import AppError
from shared.jobs.store import jobs
from shared.jobs.views import job_view
from shared.observability import about, observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Sends `{"type": "job.snapshot", "jobId", "seq", "job"}`; later events with `seq` no higher are old news."""
    connection_id, at = event["requestContext"]["connectionId"], utc_now()
    try:
        job_id = read_channel(event)
        account_id = connections.account_of(connection_id)
        jobs.get(job_id, account_id=account_id)
        about(job_id=job_id)
        connections.subscribe(connection_id, channel_of(job_id), account_id=account_id, at=at)
        job = jobs.get(job_id, account_id=account_id)
    except AppError as error:
        return refuse(connection_id, error)
    view = job_view(job, jobs.spec(job_id), jobs.results(job), at)
    snapshot = view.model_dump(mode="json", by_alias=True)
    send(connection_id, {"type": "job.snapshot", "jobId": job_id, "seq": view.seq, "job": snapshot})
    return {"statusCode": 200}
