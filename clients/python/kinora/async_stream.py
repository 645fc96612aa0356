"""The events of a job in order, over a socket that may be cut, and over REST where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

from .async_http import AsyncHttp
from .async_sockets import AsyncSocket, subscribed
from .errors import ConnectionFailed, WaitTimedOut
from .models import Event, Job, JobSnapshot
from .order import Order, event_of

QUIET_SECONDS = 10.0  # without an event for this time, the client reads the job over REST
PING_SECONDS = 240.0  # API Gateway closes a connection after ten minutes without a message of the client
POLL_SECONDS = 2.0
MAX_PAUSE_SECONDS = 60.0  # between two tries of a socket that cannot be opened


async def stream(http: AsyncHttp, job_id: str, *, timeout: float | None = None) -> AsyncIterator[Event]:
    """Yield the job's snapshot, then each event in order and once, until the job has ended.

    After a cut the stream continues with a snapshot. Without a socket it polls. Raise WaitTimedOut after `timeout`
    seconds, and ApiError if the studio refuses to show the job.
    """
    order, deadline = Order(), None if timeout is None else monotonic() + timeout
    failures, next_try = 0, 0.0
    while not order.ended:
        if monotonic() >= next_try:
            try:
                async with subscribed(http.settings, job_id) as socket:
                    order.connected()
                    async for event in _received(http, socket, job_id, deadline):
                        failures = 0
                        for one in order.take(event):
                            yield one
                        if order.ended:
                            return
            except ConnectionFailed:
                failures += 1
                next_try = monotonic() + min(MAX_PAUSE_SECONDS, 2.0 ** (failures - 1) - 1)  # at once after the first
        for one in order.take(await _snapshot(http, job_id)):
            yield one
        if not order.ended:
            pause = max(0.0, next_try - monotonic())
            await asyncio.sleep(min(POLL_SECONDS, pause, left(deadline, job_id)))


async def _received(http: AsyncHttp, socket: AsyncSocket, job_id: str, deadline: float | None) -> AsyncIterator[Event]:
    """Yield the events of one connection, and the job over REST when it is quiet. Raise ConnectionFailed."""
    pinged = monotonic()
    while True:
        message = await socket.receive(min(QUIET_SECONDS, left(deadline, job_id)))
        if message is None:
            yield await _snapshot(http, job_id)
        elif message.get("jobId") == job_id:
            if event := event_of(message):
                yield event
        elif message.get("type") != "pong":
            raise ConnectionFailed("The studio refuses the subscription.")
        if monotonic() - pinged > PING_SECONDS:
            await socket.send({"type": "ping"})
            pinged = monotonic()


async def _snapshot(http: AsyncHttp, job_id: str) -> JobSnapshot:
    """Return the job over REST, in the form of a socket's snapshot."""
    job = await http.read(Job, "GET", f"/api/jobs/{job_id}")
    return JobSnapshot(type="job.snapshot", job_id=job_id, seq=job.seq, job=job)


def left(deadline: float | None, job_id: str) -> float:
    """Return the seconds until the deadline. Raise WaitTimedOut after it."""
    seconds = MAX_PAUSE_SECONDS if deadline is None else deadline - monotonic()
    if seconds <= 0:
        raise WaitTimedOut(f"The job {job_id} has not ended in time. It continues.")
    return seconds
