"""A stand-in between the AWS clients and moto: it records calls, forbids Scans, and implements what moto does not."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectionClosedError, HTTPClientError
from botocore.response import StreamingBody
from moto.core.models import botocore_stubber

from infra.functions import FUNCTIONS
from infra.workers import ISOLATED
from shared.users.record import UserRecord
from tests.support.documents import check_event

SCANNED = {UserRecord.Meta.table_name}  # platform admins search it
_OK = SimpleNamespace(status_code=200)
_REFUSED = SimpleNamespace(status_code=410)


@dataclass(frozen=True)
class TaskAnswer:
    """One answer to Step Functions about a task token."""

    token: str
    error: str | None
    cause: str


def nothing(_operation: str) -> None:
    """Do nothing."""


def lose_answer(_operation: str) -> None:
    """Lose the answer of the call: botocore sends the request again."""
    raise ConnectionClosedError(endpoint_url="x")


class ProcessDied(Exception):
    """The end of a process. Each of its later calls raises this too."""


def no_isolated(name: str, _event: Any) -> tuple[Any, dict[str, Any]]:
    raise AssertionError(f"nothing calls {name}")


@dataclass
class AwsStandIn:
    """A hook between the clients and moto. It answers the callbacks of Step Functions, and `@connections`."""

    calls: list[str] = field(default_factory=list)  # operation names, in order
    answers: list[TaskAnswer] = field(default_factory=list)
    segments: list[dict[str, Any]] = field(default_factory=list)  # segments sent to X-Ray
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # (connection id, message)
    gone: set[str] = field(default_factory=set)  # ids of closed connections
    invocations: list[dict[str, str]] = field(default_factory=list)  # headers of requests to SageMaker's endpoints
    fails_once: dict[str, list[Exception]] = field(default_factory=dict)  # errors of an operation, each raised once
    broken: dict[str, Exception] = field(default_factory=dict)  # the error that an operation raises on every call
    # Called with the operation after each call that moto has carried out. If it raises, the caller gets no answer.
    afterwards: Callable[[str], None] = nothing
    isolated: Callable[[str, Any], Any] = no_isolated  # the call of a function that decodes files
    dead: bool = False  # the process has died
    may_scan: bool = False  # the test runs the upkeep, which reads whole tables
    _last: Callable[[], Callable[[], object]] = lambda: lambda: None  # makes the repetition of the last call

    def watch(self, client: Any) -> None:
        client.meta.events.register("before-call", self._before_call)
        client.meta.events.register_last("before-send", self._after_send)  # moto answers in an earlier "before-send"
        client.meta.events.register_first("needs-retry", self._send_again_at_once)

    def forget(self) -> None:
        for recorded in (self.calls, self.answers, self.segments, self.sent, self.gone, self.invocations):
            recorded.clear()
        for planned in (self.fails_once, self.broken):
            planned.clear()
        self.afterwards, self.isolated, self.dead, self.may_scan = nothing, no_isolated, False, False

    def loses_once(self, operation: str) -> None:
        """Lose the answer of the operation's next call, after its write."""

        def lose(called: str) -> None:
            if called == operation:
                self.afterwards = nothing
                lose_answer(called)

        self.afterwards = lose

    def die(self) -> None:
        """End the process: this call and its later ones raise ProcessDied."""
        self.dead = True
        raise ProcessDied

    def messages_to(self, connection_id: str) -> list[dict[str, Any]]:
        return [message for to, message in self.sent if to == connection_id]

    def again(self) -> Callable[[], object]:
        """Return a function that carries out the last call once more. Nobody gets its answer."""
        return self._last()

    def _before_call(self, model: Any, params: Any, **_: Any) -> Any:
        operation = model.name
        if operation == "Scan" and json.loads(params["body"])["TableName"] not in SCANNED:
            assert self.may_scan, "every list is a Query on an index"
        if self.dead:
            raise ProcessDied
        self.calls.append(operation)
        if self.fails_once.get(operation):
            raise self.fails_once[operation].pop(0)
        if operation in self.broken:
            raise self.broken[operation]
        carry_out = partial(self._carry_out, operation, params)
        answer = carry_out()
        if answer is None or answer[0] is _REFUSED:
            return answer
        self._last = lambda: carry_out
        try:
            self.afterwards(operation)
        except HTTPClientError:
            return self._before_call(model, params)
        return answer

    def _carry_out(self, operation: str, params: Any) -> tuple[Any, dict[str, Any]] | None:
        """Carry out the call and return its answer. Return None if moto does that."""
        match operation:
            case "SendTaskSuccess":
                self.answers.append(TaskAnswer(json.loads(params["body"])["taskToken"], None, ""))
            case "SendTaskFailure":
                body = json.loads(params["body"])
                self.answers.append(TaskAnswer(body["taskToken"], body["error"], body["cause"]))
            case "PutTraceSegments":
                documents = json.loads(params["body"])["TraceSegmentDocuments"]
                self.segments += [json.loads(document) for document in documents]
            case "PostToConnection":
                connection_id = params["url_path"].rpartition("/")[2]
                if connection_id in self.gone:
                    return _REFUSED, {"Error": {"Code": "GoneException", "Message": ""}, "ResponseMetadata": {}}
                message = json.loads(params["body"])
                check_event(message)
                self.sent.append((connection_id, message))
            case "DeleteConnection":
                self.gone.add(params["url_path"].rpartition("/")[2])
            case "InvokeEndpointAsync":
                self.invocations.append(dict(params["headers"]))
            case "Invoke":
                return self._invoke(params)
            case _:
                return None
        return _OK, {"ResponseMetadata": {"HTTPStatusCode": 200}}

    def _invoke(self, params: Any) -> tuple[Any, dict[str, Any]]:
        """Call the function in this process, as Lambda does."""
        name = unquote(params["url_path"]).split("/")[-2].partition(":")[0].removeprefix("kinora-test-")
        if name in ISOLATED:
            answer: tuple[Any, dict[str, Any]] = self.isolated(name, json.loads(params["body"]))
            return answer
        [row] = [row for row in FUNCTIONS if row.name == name]
        module, _, handler = row.handler.partition(":")
        return answered(getattr(import_module(module), handler)(json.loads(params["body"]), None))

    def _after_send(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> None:
        self._last = lambda: partial(botocore_stubber, event_name, _copy(request))
        self.afterwards(event_name.rpartition(".")[2])

    def _send_again_at_once(self, caught_exception: Exception | None, **_: Any) -> int | None:
        """Return the pause before botocore sends a lost request again, in seconds."""
        return 0 if isinstance(caught_exception, ConnectionClosedError) else None


def answered(answer: Any, **more: str) -> tuple[Any, dict[str, Any]]:
    """Return Lambda's answer to a call of a function."""
    text = json.dumps(answer).encode()
    return _OK, {
        "ResponseMetadata": {"HTTPStatusCode": 200},
        "Payload": StreamingBody(BytesIO(text), len(text)),
        **more,
    }


def _copy(request: AWSPreparedRequest) -> AWSPreparedRequest:
    """Return a copy of a request that was sent. Its body is no stream, which the caller closes."""
    body: Any = request.body
    if hasattr(body, "read"):
        request.reset_stream()
        body = body.read()
    return AWSPreparedRequest(request.method, request.url, request.headers, body, stream_output=False)


class AtCall:
    """A value of `AwsStandIn.afterwards` that calls `fault` after one call, and notes the operation."""

    def __init__(self, cloud: AwsStandIn, number: int, fault: Callable[[str], None]) -> None:
        self.operation = ""
        self._cloud, self._left, self._fault = cloud, number, fault

    def __call__(self, operation: str) -> None:
        self._left -= 1
        if self._left == 0:
            self.operation, self._cloud.afterwards = operation, nothing
            self._fault(operation)
