"""Makes moto honest enough for a laptop cloud; written against moto 5.2.5, applied in the process that serves it.

What moto gets wrong, and what is put in its place:

- transactions are not isolated, and a cancelled one swaps whole tables behind the stream's back: one lock around
  everything DynamoDB answers, and an undo log of the touched keys;
- request tokens are ignored: a repeated transaction is answered without being applied again;
- a callback, or a heartbeat, that comes before the Lambda that got the token has returned is lost: it is remembered;
- a failed task's cause is dropped: it is passed on;
- each state machine task makes a boto client (60 ms) for one call: clients are kept;
- stream iterators are never forgotten: only the newest stay;
- Lambda needs Docker: invocations go to a runner over HTTP.
"""

import copy
import http.client
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cache, wraps
from typing import Any
from urllib.parse import quote, urlsplit

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.models import DynamoDBStreamsBackend
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.responses import StepFunctionResponse

LIVE_ITERATORS = 64
REMEMBERED_TOKENS = 4096

_lock = threading.RLock()
_in_transaction = threading.local()


def isolate_transactions() -> None:
    """Each request sees all of a transaction or nothing of it, and a cancelled one leaves others' writes alone."""
    _replace(DynamoHandler, call_action=_locked(DynamoHandler.call_action))
    _replace(DynamoDBStreamsHandler, call_action=_locked(DynamoDBStreamsHandler.call_action))
    _replace(DynamoDBBackend, transact_write_items=_with_undo_log(DynamoDBBackend.transact_write_items))
    _replace(Table, __deepcopy__=_copy_unless_in_transaction)


def honour_request_tokens() -> None:
    """A transaction whose ClientRequestToken was applied before is answered, not applied; other items are refused."""
    _replace(DynamoHandler, transact_write_items=_once_for_each_token(DynamoHandler.transact_write_items))


def keep_early_callbacks() -> None:
    """A task token works from the moment it is handed out, as it does in Step Functions."""
    setup = _notified_if_answered(CallbackEndpoint.setup_heartbeat_endpoint)
    _replace(CallbackEndpoint, setup_heartbeat_endpoint=setup, notify_heartbeat=_accept_heartbeat)


def keep_causes() -> None:
    """What SendTaskFailure says of the cause reaches the state machine's Catch."""

    def send_task_failure(response: Any) -> ActionResult:
        token, error, cause = (response._get_param(name) for name in ("taskToken", "error", "cause"))
        response.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
        return EmptyResult()

    _replace(StepFunctionResponse, send_task_failure=send_task_failure)


def keep_clients() -> None:
    """State machine tasks share one boto client for each service and region."""
    make = cache(lambda service, region: boto_client.boto_client_for(region, service))

    def kept(region: str, service: str, state_credentials: object = None) -> Any:
        del state_credentials  # moto does not look at them either
        return make(service, region)

    _replace(lambda_eval_utils, boto_client_for=kept)


def forget_iterators() -> None:
    """A reader that polls a stream for hours does not fill the memory."""
    _replace(DynamoDBStreamsBackend, get_records=_forgetting(DynamoDBStreamsBackend.get_records))


def invoke_over_http(runner_url: str) -> None:
    """Lambda invocations become `POST {runner_url}/functions/{name}/invocations`."""
    _replace(LambdaSimpleBackend, invoke=_invoke_at(runner_url))


def apply(runner_url: str) -> None:
    """All of the above."""
    isolate_transactions()
    honour_request_tokens()
    keep_early_callbacks()
    keep_causes()
    keep_clients()
    forget_iterators()
    invoke_over_http(runner_url)


def _replace(owner: Any, **methods: Callable[..., Any]) -> None:
    for name, method in methods.items():
        setattr(owner, name, method)


def _locked(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with _lock:
            return method(*args, **kwargs)

    return locked


def _copy_unless_in_transaction(table: Any, memo: dict[int, Any]) -> Any:
    """moto copies whole tables to roll back (5.6 s at 10,000 items); the undo log does that instead."""
    if getattr(_in_transaction, "now", False):
        return table
    twin = table.__class__.__new__(table.__class__)
    memo[id(table)] = twin
    twin.__dict__.update({name: copy.deepcopy(value, memo) for name, value in table.__dict__.items()})
    return twin


def _with_undo_log(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def transact(backend: Any, items: list[dict[str, Any]], *args: Any, **kwargs: Any) -> Any:
        with _lock:
            before, marks = _remember(backend, items)
            applied = False
            _in_transaction.now = True
            try:
                answer = original(backend, items, *args, **kwargs)
                applied = True
            finally:
                _in_transaction.now = False
                if not applied:
                    _roll_back(backend, before, marks)
            return answer

    return transact


def _remember(backend: Any, items: list[dict[str, Any]]) -> tuple[list[Any], dict[str, Any]]:
    """The touched items as they are, and how long each touched table's stream is."""
    before, marks = [], {}
    for operation in (next(iter(item.values())) for item in items):
        table = backend.tables.get(operation.get("TableName"))
        source = operation.get("Key") or operation.get("Item") or {}
        if table is None or table.hash_key_attr not in source:
            continue  # the transaction itself will say what is wrong
        key = {name: source[name] for name in (table.hash_key_attr, table.range_key_attr) if name in source}
        item = backend.get_item(table.name, key)
        before.append((table, key, copy.deepcopy(item)))
        if table.stream_shard:
            marks[table.name] = (table.stream_shard, len(table.stream_shard.items))
    return before, marks


def _roll_back(backend: Any, before: list[Any], marks: dict[str, Any]) -> None:
    for table, key, item in reversed(before):
        shard, table.stream_shard = table.stream_shard, None
        try:
            if item:
                backend.put_item(table.name, item.to_json()["Attributes"])
            else:
                backend.delete_item(table.name, key)
        finally:
            table.stream_shard = shard
    for shard, length in marks.values():
        del shard.items[length:]


def _once_for_each_token(original: Callable[..., Any]) -> Callable[..., Any]:
    applied: OrderedDict[str, str] = OrderedDict()

    @wraps(original)
    def transact(handler: Any) -> Any:
        token = handler.body.get("ClientRequestToken")
        items = repr(handler.body["TransactItems"])
        if token in applied:
            if applied[token] != items:
                raise JsonRESTError(
                    "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
                    "The request token was used before, with other items.",
                )
            return ActionResult({})
        answer = original(handler)
        if token:
            applied[token] = items
            if len(applied) > REMEMBERED_TOKENS:
                applied.popitem(last=False)
        return answer

    return transact


def _notified_if_answered(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def setup(endpoint: Any, heartbeat_seconds: int) -> Any:
        heartbeat = original(endpoint, heartbeat_seconds)
        if endpoint.get_outcome() is not None:
            heartbeat.notify()
        return heartbeat

    return setup


def _accept_heartbeat(endpoint: Any) -> bool:
    if endpoint._heartbeat_endpoint:
        endpoint._heartbeat_endpoint.notify()
    return True


def _forgetting(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def get_records(backend: Any, *args: Any, **kwargs: Any) -> Any:
        answer = original(backend, *args, **kwargs)
        known = backend.shard_iterators
        for oldest in list(known)[: max(0, len(known) - LIVE_ITERATORS)]:
            del known[oldest]
        return answer

    return get_records


def _invoke_at(runner_url: str) -> Callable[..., bytes]:
    runner = urlsplit(runner_url)

    def invoke(
        backend: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
    ) -> bytes:
        del backend, qualifier, headers
        name = function_name.rsplit(":", 1)[-1]
        connection = http.client.HTTPConnection(runner.hostname or "", runner.port)
        try:
            payload = body.encode() if isinstance(body, str) else body
            connection.request("POST", f"/functions/{quote(name)}/invocations", payload or b"{}")
            answer = connection.getresponse()
            if answer.status == http.HTTPStatus.NOT_FOUND:
                raise UnknownFunctionException(function_name)
            if error := answer.headers.get("x-amz-function-error"):
                response_headers["x-amz-function-error"] = error
            return answer.read()
        finally:
            connection.close()

    return invoke
