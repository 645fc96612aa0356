"""Sends to many sockets at once, with a rate cap. A socket that does not accept a message delays no other socket."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from time import monotonic, sleep

from pynamodb.exceptions import PynamoDBException

from functions.realtime.posting import Outcome, encoded, hang_up, post
from shared.access.permissions import Permission
from shared.aws import queues
from shared.aws.clients import SOCKETS_AT_ONCE
from shared.connections.messages import CatchUp
from shared.connections.store import Readers, connections
from shared.core.wire import View
from shared.jobs.record import JobRecord
from shared.members.store import members
from shared.observability import logger
from shared.stages.queues import FAN_OUT_QUEUE

# Maximum calls of `@connections` per second by one execution environment. API Gateway's default quota is 10,000
# requests per second for all APIs of an account in a region, and REST requests count too.
CALLS_PER_SECOND = 1000
CATCH_UP_SECONDS = (2, 8, 30)  # delay of each catch-up; after the last one the server closes the connection


class Pace:
    """A maximum number of calls per second by all threads."""

    def __init__(self, per_second: float) -> None:
        self._gap, self._next, self._lock = 1 / per_second, 0.0, Lock()

    def wait(self) -> None:
        """Return when the next call may start."""
        with self._lock:
            now = monotonic()
            start = max(now, self._next)
            self._next = start + self._gap
        sleep(start - now)


_pace = Pace(CALLS_PER_SECOND)


def readers_of(job: JobRecord) -> Readers:
    """Return the check of the users who may read the job now: a removed member receives no further message."""
    return partial(members.readers, job.account_id, permission=Permission.JOBS_READ)


def send_all(connection_ids: Sequence[str], message: View) -> list[str]:
    """Send the message to each connection, delete those that are gone, and return those that need it later."""
    data = encoded(message)
    return _each(connection_ids, lambda connection_id: post(connection_id, data))


def close_all(connection_ids: Sequence[str]) -> list[str]:
    """Close each connection, delete it, and return those that could not be closed."""

    def close(connection_id: str) -> Outcome:
        outcome = hang_up(connection_id)
        return Outcome.GONE if outcome is Outcome.DONE else outcome

    return _each(connection_ids, close)


def catch_up_later(job: JobRecord, connection_ids: Sequence[str], *, tries: int = 0) -> None:
    """Send the job's newest state to these connections after a delay."""
    if connection_ids:
        logger.info("sockets are late", connections=len(connection_ids), tries=tries)
        message = CatchUp(job_id=job.job_id, connection_ids=tuple(connection_ids), tries=tries)
        queues.send(FAN_OUT_QUEUE, message, group=job.account_id, delay_seconds=CATCH_UP_SECONDS[tries])


def _each(connection_ids: Sequence[str], call: Callable[[str], Outcome]) -> list[str]:
    """Call `call` for each connection, many at once. Return the connections with the outcome LATER."""

    def one(connection_id: str) -> Outcome:
        _pace.wait()
        outcome = call(connection_id)
        if outcome is Outcome.GONE:
            _forget(connection_id)
        return outcome

    if not connection_ids:
        return []
    with ThreadPoolExecutor(min(SOCKETS_AT_ONCE, len(connection_ids))) as threads:
        outcomes = list(zip(connection_ids, threads.map(one, connection_ids), strict=True))
    if refused := [connection_id for connection_id, outcome in outcomes if outcome is Outcome.REFUSED]:
        logger.error("sockets refused a message", connections=len(refused), connection_id=refused[0])
    return [connection_id for connection_id, outcome in outcomes if outcome is Outcome.LATER]


def _forget(connection_id: str) -> None:
    """Delete the connection. After an error it stays, and the next message finds it gone again."""
    try:
        connections.close(connection_id)
    except PynamoDBException:
        logger.warning("closed connection not deleted", exc_info=True)
