"""`subscribe`: listen to a job of the caller's own account, or of an organization.

The function registers the listener before it reads the job. A change between the two
then reaches the client as an event.
"""

from typing import Any

from functions.realtime.messages import Subscribe, answer, channel_of, read_channel
from functions.realtime.snapshots import snapshot
from shared.access.permissions import Permission
from shared.aws.clients import sockets
from shared.aws.init import prepare
from shared.aws.records import dynamodb
from shared.connections.record import ConnectionRecord
from shared.connections.store import connections
from shared.core.clock import utc_now
from shared.jobs.events import JobSnapshot
from shared.jobs.store import jobs
from shared.members.actor import Actor
from shared.observability import about, observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Send the job's snapshot, or an error."""

    def subscribe(connection: ConnectionRecord) -> JobSnapshot:
        job_id = read_channel(event, Subscribe)
        reader = Actor(connection.user_id, Permission.JOBS_READ)
        jobs.get(job_id, accounts=reader)
        about(job_id=job_id)
        connections.subscribe(connection, channel_of(job_id))
        return snapshot(jobs.get(job_id, accounts=reader), utc_now())

    return answer(event, subscribe)


prepare(dynamodb, sockets)
