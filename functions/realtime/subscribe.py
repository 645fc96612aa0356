"""`subscribe`: listen to a job of the caller's account.

The function registers the listener before it reads the job. A change between the two
then reaches the client as an event.
"""

from typing import Any

from functions.realtime.messages import Subscribe, channel_of, read_channel, refuse
from functions.realtime.posting import reply
from functions.realtime.snapshots import snapshot
from shared.connections.store import connections
from shared.core.clock import utc_now
from shared.core.errors import AppError
from shared.jobs.store import jobs
from shared.observability import about, observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Send the job's snapshot, or an error."""
    connection_id, at = event["requestContext"]["connectionId"], utc_now()
    try:
        job_id = read_channel(event, Subscribe)
        connection = connections.get(connection_id, at=at)
        jobs.get(job_id, account_id=connection.account_id)
        about(job_id=job_id)
        connections.subscribe(connection, channel_of(job_id))
        job = jobs.get(job_id, account_id=connection.account_id)
    except AppError as error:
        return refuse(connection_id, error)
    reply(connection_id, snapshot(job, at))
    return {"statusCode": 200}
