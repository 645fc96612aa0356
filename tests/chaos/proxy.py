"""The proxy between the AWS clients and moto. It loses, repeats, delays, damages and refuses calls, as planned."""

import asyncio
import json
import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
from yarl import URL

from tests.chaos.plan import CALLS, CHANCE, RARELY_POSSIBLE, SERVICES, SIGNALS, StormPlan

_TARGETS = {
    "DynamoDB": "DynamoDB",
    "DynamoDBStreams": "Streams",
    "AWSStepFunctions": "Step Functions",
    "AmazonSQS": "SQS",
}
_JOB_ID = re.compile("job_[0-9A-Z]{26}")
_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
_READS = ("Get", "BatchGet", "Query", "Scan", "Describe", "List", "HEAD")
_AFTER = "500 after the write"
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "date", "server", "expect"}
_LATE_SECONDS = (0.5, 3.0)
_DELAYS_SECONDS = {"late": (4, 12), "overtaken": (1, 3)}  # of messages
STOPPED_LEASES = 1.5  # duration of SIGSTOP, in leases


@dataclass(frozen=True)
class AwsCall:
    """One call of an AWS client."""

    service: str
    operation: str
    key: str  # of an object in S3
    body: bytes

    @classmethod
    def of(cls, request: web.BaseRequest, body: bytes) -> "AwsCall":
        if target := request.headers.get("X-Amz-Target"):
            service, _, operation = target.partition(".")
            return cls(_TARGETS.get(service.partition("_")[0], service), operation, "", body)
        if "/functions/" in request.path:
            return cls("Lambda", "Invoke", "", body)
        if body.startswith(b"Action="):
            return cls("STS", parse_qs(body.decode())["Action"][0], "", body)
        _, _, key = request.path.lstrip("/").partition("/")
        if key:
            return cls("S3", {"GET": "GetObject", "PUT": "PutObject"}.get(request.method, request.method), key, body)
        return cls("S3", {"GET": "ListObjects", "POST": "DeleteObjects"}.get(request.method, request.method), "", body)

    def job_id(self) -> str:
        """Return the id of the job that the call names first, or an empty string."""
        found = _JOB_ID.search(self.key or self.body.decode(errors="replace"))
        return found.group() if found else ""

    def faults(self) -> list[str]:
        """Return the faults that this call can have."""
        calls: Sequence[str] = CALLS
        if self.service == "Streams":
            calls = CALLS[:2]
        elif self.operation.startswith(_READS):  # after a read, a lost answer is the same as a lost request
            calls = [fault for fault in CALLS if fault not in {"answer lost", _AFTER}]
        found = [f"{self.service}: {fault}" for fault in calls]
        match self.operation:
            case "GetObject":
                found.append("S3: partial body")
                found += ["S3: 404 for a stored object"] if self.key.startswith(("jobs/", "work/")) else []
            case "SendMessage":
                found += ["message: duplicate", "message: late", "message: overtaken"]
            case "DeleteMessage":
                found.append("message: delivered again after its deletion")
            case "TransactWriteItems":
                found.append("DynamoDB: conflict")
            case operation if operation in _WRITES:
                found.append("DynamoDB: conflict")
        return found


class Proxy:
    """The proxy, and the control point of workers: they report each point that they reach, and are signalled there."""

    def __init__(self, moto_url: str, plan: StormPlan, lease_seconds: float) -> None:
        self.down: set[str] = set()  # services in an outage
        self.doomed: set[str] = set()  # jobs that must fail, because an input of theirs is missing
        self.raised: set[str] = set()  # jobs whose engine has raised once
        self._moto, self._plan, self._lease_seconds = moto_url, plan, lease_seconds
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, server: Any) -> None:
        """Serve on an open socket."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        application = web.Application(client_max_size=1 << 28)
        application.router.add_get("/chaos/birth", self._birth)
        application.router.add_get("/chaos/point", self._point)
        application.router.add_get("/chaos/stream", self._stream)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, server).start()

    async def stop(self) -> None:
        """Stop serving."""
        if self._runner is not None and self._session is not None:
            await self._runner.cleanup()
            await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        call = AwsCall.of(request, body)
        if call.service in self.down:
            return _lost(request)
        faults = call.faults() if call.service in _SUBJECT else []
        chance = RARELY_POSSIBLE if call.service == "Streams" else CHANCE
        fault = self._plan.choose(faults, call.operation, chance, call.job_id())
        kind = fault.partition(": ")[2] if fault else ""
        if kind != _AFTER and (refusal := self._refused(request, call, kind)):
            return refusal
        if kind in _DELAYS_SECONDS:
            message = json.loads(body)
            delay = self._plan.random.randint(*_DELAYS_SECONDS[kind])
            body = json.dumps(message | {"DelaySeconds": max(delay, message.get("DelaySeconds", 0))}).encode()
        if kind == "duplicate":
            await self._forward(request, body)
        answer, content = await self._forward(request, body)
        match kind:
            case "answer lost":
                return _lost(request)
            case "500 after the write":  # `_AFTER`
                return _error(call, *_refusal(call, kind))
            case "answer late":
                await asyncio.sleep(self._plan.random.uniform(*_LATE_SECONDS))
            case "partial body":
                return await _partial(request, answer, content)
        return await _passed_on(request, answer, content)

    def _refused(self, request: web.Request, call: AwsCall, kind: str) -> web.Response | None:
        """Return the answer to a call that does not reach moto, or None."""
        match kind:
            case "request lost":
                return _lost(request)
            case "conflict":
                return _conflict(call)
            case "delivered again after its deletion":
                return web.json_response({})
            case "404 for a stored object":
                self.doomed.add(call.key.split("/")[1])
        return _error(call, *_refusal(call, kind)) if kind in _REFUSALS else None

    async def _forward(self, request: web.Request, body: bytes) -> tuple[aiohttp.ClientResponse, bytes]:
        url = URL(self._moto + request.raw_path, encoded=True)
        sent = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        assert self._session is not None
        async with self._session.request(request.method, url, headers=sent, data=body or None) as answer:
            return answer, await answer.read()

    async def _birth(self, _: web.Request) -> web.Response:
        """Return the clock of a new worker: its error in seconds, and the error after a number of seconds."""
        fault = self._plan.choose([f"worker: clock {kind}" for kind in _CLOCKS], "", RARELY_POSSIBLE)
        error, later = _CLOCKS[fault.removeprefix("worker: clock ")] if fault else (0, 0)
        return web.json_response({"error": error, "after": self._plan.random.uniform(5, 30), "later": later})

    async def _stream(self, request: web.Request) -> web.Response:
        """Return the fault of a batch of stream records."""
        faults = ["stream: duplicate records", "stream: poisonous record"]
        return web.json_response(self._plan.choose(faults, f"{request.query['records']} records", RARELY_POSSIBLE))

    async def _point(self, request: web.Request) -> web.Response:
        """Signal the worker that has reached this point, or make its engine raise, if the plan says so."""
        point, pid, job_id = request.query["point"], int(request.query["pid"]), request.query["job"]
        faults = [f"worker: {name}, {point}" for name in SIGNALS]
        if point == "engine runs" and job_id not in self.raised:
            faults.append("worker: engine raises")
        fault = self._plan.choose(faults, request.query["stage"], job_id=job_id)
        if fault is None:
            return web.Response(text="go on")
        if fault == "worker: engine raises":
            self.raised.add(job_id)
            return web.Response(text="raise")
        number = signal.Signals[fault.removeprefix("worker: ").partition(",")[0]]
        os.kill(pid, number)
        if number is signal.SIGSTOP:
            asyncio.get_running_loop().call_later(STOPPED_LEASES * self._lease_seconds, _continue, pid)
        return web.Response(text="go on")


_SUBJECT = {*SERVICES, "Streams"}
# Status and code of a refusal by most services, and by those that differ.
_REFUSALS = {
    "503 before the write": (503, "ServiceUnavailable"),
    "throttled": (400, "ThrottlingException"),
    "500 after the write": (500, "InternalServerError"),
    "404 for a stored object": (404, "NoSuchKey"),
}
_THROTTLED = {
    "S3": (503, "SlowDown"),
    "Lambda": (429, "TooManyRequestsException"),
    "STS": (400, "Throttling"),
}
_XML = {
    "S3": '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>chaos</Message></Error>',
    "STS": "<ErrorResponse><Error><Code>{code}</Code><Message>chaos</Message></Error></ErrorResponse>",
}
_CLOCKS = {"one hour fast": (3600, 3600), "one hour slow": (-3600, -3600), "jumps": (0, 3600)}


def _continue(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:  # the run is over
        return


def _lost(request: web.Request) -> web.Response:
    """Reset the connection."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _refusal(call: AwsCall, kind: str) -> tuple[int, str]:
    return _THROTTLED.get(call.service, _REFUSALS[kind]) if kind == "throttled" else _REFUSALS[kind]


def _error(call: AwsCall, status: int, code: str) -> web.Response:
    if call.service in _XML:
        return web.Response(status=status, text=_XML[call.service].format(code=code), content_type="application/xml")
    return web.json_response({"__type": code, "message": "chaos"}, status=status)


def _conflict(call: AwsCall) -> web.Response:
    """Return the refusal of a write that meets a transaction on the same item."""
    if call.operation != "TransactWriteItems":
        return _error(call, 400, "TransactionConflictException")
    items = json.loads(call.body)["TransactItems"]
    reasons = [{"Code": "TransactionConflict", "Message": "chaos"}, *({"Code": "None"} for _ in items[1:])]
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    name = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    body = {"__type": name, "Message": message, "message": message, "CancellationReasons": reasons}
    return web.json_response(body, status=400)


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}


async def _partial(request: web.Request, answer: aiohttp.ClientResponse, content: bytes) -> web.StreamResponse:
    """Send half of the body, then reset the connection."""
    response = web.StreamResponse(status=answer.status, headers=_headers(answer))
    response.content_length = len(content)
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    _lost(request)
    return response


async def _passed_on(request: web.Request, answer: aiohttp.ClientResponse, content: bytes) -> web.StreamResponse:
    if request.method != "HEAD":
        return web.Response(status=answer.status, headers=_headers(answer), body=content)
    response = web.StreamResponse(status=answer.status, headers=_headers(answer))
    response.content_length = int(answer.headers.get("Content-Length", 0))
    await response.prepare(request)
    return response
