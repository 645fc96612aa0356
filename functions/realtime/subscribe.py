"""`subscribe`: listen to a job of the caller's account.

The function registers the listener before it reads the job. A change between the two
then reaches the client as an event.
"""

from typing import Any

from functions.realtime.messages import Subscribe, channel_of, read_channel, refuse, send
from shared.connections.store import connections
from shared.core.clock import utc_now
from shared.core.errors import AppError
from shared.jobs import admission
from shared.jobs.events import JobSnapshot
from shared.jobs.store import jobs
from shared.jobs.views import job_view
from shared.observability import about, observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Send the job's snapshot, or an error."""
    connection_id, at = event["requestContext"]["connectionId"], utc_now()
    try:
        job_id = read_channel(event, Subscribe)
        account_id = connections.account_of(connection_id)
        jobs.get(job_id, account_id=account_id)
        about(job_id=job_id)
        connections.subscribe(connection_id, channel_of(job_id), account_id=account_id, at=at)
        job = jobs.get(job_id, account_id=account_id)
    except AppError as error:
        return refuse(connection_id, error)
    view = admission.with_place(job_view(job, jobs.spec(job_id), jobs.results(job), at), job, at)
    send(connection_id, JobSnapshot(job_id=job_id, seq=view.seq, job=view))
    return {"statusCode": 200}
