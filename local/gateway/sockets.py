"""The WebSocket API: `/ws` for clients, `@connections` for functions that send messages."""

import asyncio
import json
import logging
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import WSMsgType, web

from infra.functions import SOCKET_ROUTES
from local.gateway.authorizer import CallRefused, authorize
from local.gateway.events import socket_authorizer_event, socket_event
from local.gateway.functions import FunctionFailed, Functions
from local.gateway.problem import problem
from local.pages import sent_by_page

MESSAGE_LIMIT_BYTES = 128 * 1024
IDLE_SECONDS = 600
SEND_SECONDS = 0.5  # maximum time until a client's buffer has space for a message, or until a client closes

log = logging.getLogger(__name__)


@dataclass
class Connection:
    """One connected client."""

    id: str
    socket: web.WebSocketResponse
    request: web.Request
    authorizer: dict[str, Any]
    connected_at: datetime
    last_active_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def event(self, route: str, kind: str, **facts: Any) -> dict[str, Any]:
        return socket_event(
            self.request, self.id, self.connected_at, route=route, kind=kind, authorizer=self.authorizer, **facts
        )


class SocketGateway:
    """The WebSocket endpoint. It holds the connections; the functions do everything else."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._connections: dict[str, Connection] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one client from its upgrade request until the connection closes."""
        if not web.WebSocketResponse().can_prepare(request):
            return problem(426, "upgrade_required", "This address accepts WebSocket connections only.")
        connection_id = (
            f"{secrets.token_urlsafe(11)}="  # API Gateway's ids end in `=` too, so clients must escape ids in URLs
        )
        now = datetime.now(UTC)
        try:
            authorizer = await authorize(self._functions, socket_authorizer_event(request, connection_id, now))
        except CallRefused as refused:
            return problem(refused.status, refused.code, refused.detail)
        socket = web.WebSocketResponse(max_msg_size=MESSAGE_LIMIT_BYTES)
        connection = Connection(connection_id, socket, request, authorizer, now)
        status = await self._connect(connection)
        if status >= 300:
            return problem(status, "connection_refused", "The connection was refused.")
        self._connections[connection_id] = connection
        try:
            await socket.prepare(request)
            await self._listen(connection)
        finally:
            del self._connections[connection_id]
            await self._run(connection.event("$disconnect", "DISCONNECT", close_code=socket.close_code))
        return socket

    async def _connect(self, connection: Connection) -> int:
        """Return the status code of the `$connect` function."""
        answer = await self._run(connection.event("$connect", "CONNECT"))
        return int(answer.get("statusCode", 502)) if isinstance(answer, dict) else 502

    async def _listen(self, connection: Connection) -> None:
        while True:
            try:
                message = await connection.socket.receive(IDLE_SECONDS)
            except TimeoutError:
                await connection.socket.close(code=1001, message=b"Going away")
                return
            if message.type is not WSMsgType.TEXT:
                if message.type is WSMsgType.BINARY:
                    await connection.socket.close(code=1003, message=b"Text only")
                return
            connection.last_active_at = datetime.now(UTC)
            event = connection.event(_route(message.data), "MESSAGE", body=message.data)
            if await self._run(event) is None and not connection.socket.closed:
                failed = {"message": "Internal server error", "connectionId": connection.id}
                await connection.socket.send_json({**failed, "requestId": event["requestContext"]["requestId"]})

    async def _run(self, event: dict[str, Any]) -> Any:
        """Return the route's response, or None when the function failed."""
        try:
            return (
                await self._functions.call_async(SOCKET_ROUTES[event["requestContext"]["routeKey"]].name, event) or {}
            )
        except (FunctionFailed, TimeoutError):
            return None

    async def manage(self, request: web.Request) -> web.StreamResponse:
        """Serve `@connections/{id}`: POST sends, GET describes, DELETE closes. Answer 410 if the client has left."""
        if sent_by_page(request.headers):
            return _refusal(403, "ForbiddenException")
        connection = self._connections.get(request.match_info["id"])
        if connection is None or connection.socket.closed:
            return _refusal(410, "GoneException")
        if request.method == "GET":
            return web.json_response(
                {
                    "connectedAt": connection.connected_at.isoformat(),
                    "lastActiveAt": connection.last_active_at.isoformat(),
                    "identity": {"sourceIp": connection.request.remote, "userAgent": ""},
                }
            )
        if request.method == "DELETE":
            await _close(connection)
            return web.Response(status=204)
        text = (await request.read()).decode("utf-8", "replace")
        return await _send(connection, text)

    async def close(self) -> None:
        """Close every connection with code 1001."""
        await asyncio.gather(*map(_close, list(self._connections.values())))


async def _send(connection: Connection, text: str) -> web.Response:
    if len(text) > MESSAGE_LIMIT_BYTES:
        return _refusal(413, "PayloadTooLargeException")
    try:
        sent = await _in_time(connection.socket.send_str(text))
    except ConnectionError:
        return _refusal(410, "GoneException")
    # After the time is over, the message stays in the buffer: the client reads too slowly.
    return web.Response() if sent else _refusal(504, "EndpointRequestTimedOutException")


async def _close(connection: Connection) -> None:
    """Close the connection. Cut it if the client does not confirm in time."""
    closed = await _in_time(connection.socket.close(code=1001, message=b"Going away"))
    if not closed and (transport := connection.request.transport):
        transport.abort()


async def _in_time(call: Coroutine[Any, Any, object]) -> bool:
    """Wait for the call, at most `SEND_SECONDS`, and return whether it ended. It is not cancelled.

    All calls on one socket wait for the same future in aiohttp, so the end of one would cancel the others.
    """
    task = asyncio.create_task(call)
    done, _ = await asyncio.wait({task}, timeout=SEND_SECONDS)
    if done:
        task.result()
    else:
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody waits for it
    return bool(done)


def _route(text: str) -> str:
    """Return the route that the message's `type` names, or `$default` for an unknown type."""
    try:
        message = json.loads(text)
    except ValueError:
        return "$default"
    named = message.get("type") if isinstance(message, dict) else None
    known = isinstance(named, str) and not named.startswith("$") and named in SOCKET_ROUTES
    return str(named) if known else "$default"


def _refusal(status: int, error: str) -> web.Response:
    return web.json_response({"message": error}, status=status, headers={"x-amzn-ErrorType": error})
