"""Corrections of moto for the laptop cloud, written against moto 5.2.5 and applied in the process that serves it.

| moto's fault | correction |
|---|---|
| Transactions are not isolated; a cancelled one replaces whole tables without stream records | one lock for all DynamoDB requests, an undo log of the changed keys |
| ClientRequestToken is ignored | a repeated transaction gets the same response and is not applied again |
| A task token's answer or heartbeat is lost if the Lambda that received the token still runs | it is stored |
| All retries of a task share one task token, so a retry receives the failure of the first try | each retry has its own |
| StopExecution does not end an execution that waits for a task token | it ends it |
| The cause of a failed task is dropped | it reaches the state machine's Catch |
| Each state machine task creates a boto client (60 ms) | clients are cached |
| Stream iterators are never deleted | only the newest stay |
| Each member that an answer of DynamoDB may have is looked up under several names, an eighth of all time | those it has, once |
| Each update expression is parsed twice, and its tree is visited slowly, which is a sixth of all time | once, and faster |
| Each request lists moto's folder of packages and the methods of a class, 40 % of all time | once |
| A query looks at each item of its table, and sorts them all | at those with its key |
| A list of versions copies the whole bucket, 40 % of all time at 5,000 files | what begins with its prefix |
| Lambda needs Docker | invocations go to a runner over HTTP; one that dies is a `Lambda.Unknown`, as in AWS |
"""  # noqa: E501  # rows of a table

import copy
import http.client
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cache, lru_cache, wraps
from inspect import signature
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core import responses
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.core.serialize import AttributePicker, ResponseSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import ast_nodes, expressions
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.models import DynamoDBStreamsBackend
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.s3.models import S3Backend
from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.responses import StepFunctionResponse

LIVE_ITERATORS = 64
REMEMBERED_TOKENS = 4096

_lock = threading.RLock()
_in_transaction = threading.local()


def isolate_transactions() -> None:
    """Isolate transactions: a request sees all of a transaction or nothing, and a cancelled one changes nothing."""
    _replace(DynamoHandler, call_action=_locked(DynamoHandler.call_action))
    _replace(DynamoDBStreamsHandler, call_action=_locked(DynamoDBStreamsHandler.call_action))
    _replace(DynamoDBBackend, transact_write_items=_with_undo_log(DynamoDBBackend.transact_write_items))
    _replace(Table, __deepcopy__=_copy_unless_in_transaction)


def honour_request_tokens() -> None:
    """Apply a transaction once per ClientRequestToken. Refuse a known token with other items."""
    _replace(DynamoHandler, transact_write_items=_once_for_each_token(DynamoHandler.transact_write_items))


def keep_early_callbacks() -> None:
    """Accept a task token as soon as it exists, as Step Functions does."""
    setup = _notified_if_answered(CallbackEndpoint.setup_heartbeat_endpoint)
    _replace(CallbackEndpoint, setup_heartbeat_endpoint=setup, notify_heartbeat=_accept_heartbeat)


def renew_tokens() -> None:
    """Give each retry of a task its own task token."""
    _replace(ExecutionState, _handle_retry=_with_new_token(ExecutionState._handle_retry))


def end_stopped_executions() -> None:
    """Let StopExecution end an execution that waits for a task token, as ABORTED."""
    stop, error = _waking(Environment.set_stop), _unless_stopped(Environment.set_error)
    _replace(Environment, set_stop=stop, set_error=error)


def keep_causes() -> None:
    """Pass the cause of SendTaskFailure to the state machine's Catch."""

    def send_task_failure(response: Any) -> ActionResult:
        token, error, cause = (response._get_param(name) for name in ("taskToken", "error", "cause"))
        response.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
        return EmptyResult()

    _replace(StepFunctionResponse, send_task_failure=send_task_failure)


def keep_clients() -> None:
    """Share one boto client per service and region among the state machine's tasks."""
    make = cache(lambda service, region: boto_client.boto_client_for(region, service))

    def cached(region: str, service: str, state_credentials: object = None) -> Any:
        del state_credentials  # moto does not use them either
        return make(service, region)

    _replace(lambda_eval_utils, boto_client_for=cached)


def forget_iterators() -> None:
    """Delete old stream iterators, so that hours of polling do not fill the memory."""
    _replace(DynamoDBStreamsBackend, get_records=_forgetting(DynamoDBStreamsBackend.get_records))


def read_own_names() -> None:
    """Look up the members that an answer of DynamoDB has, under their own names only."""
    _replace(AttributePicker, __call__=_own_name(AttributePicker.__call__))
    serialize = _members_that_exist(ResponseSerializer._serialize_type_structure)
    _replace(ResponseSerializer, _serialize_type_structure=serialize)


def parse_once() -> None:
    """Parse each update expression once, and visit its tree without slow checks of types. moto changes only copies."""
    parser: Any = vars(expressions)["UpdateExpressionParser"]  # moto excludes these two modules from type checks
    _replace(parser, make=staticmethod(lru_cache(parser.make)))
    _replace(vars(ast_nodes)["DepthFirstTraverser"], traverse=_traverse)
    _replace(_NODE, find_clauses=_find_clauses)


def look_up_once() -> None:
    """Find the backend of each host once, and the methods of each class of responses."""
    dispatcher = DomainDispatcherApplication
    _replace(dispatcher, get_backend_for_host=lru_cache(dispatcher.get_backend_for_host))
    _replace(responses, method_names_from_class=cache(method_names_from_class))


def read_own_keys() -> None:
    """Let a query read the items with its key, and a list of versions the files below its prefix."""
    _replace(Table, query=_of_its_key(Table.query))
    _replace(S3Backend, list_object_versions=_below_its_prefix(S3Backend.list_object_versions))


def invoke_over_http(runner_url: str) -> None:
    """Send Lambda invocations to `POST {runner_url}/functions/{name}/invocations`."""
    _replace(LambdaSimpleBackend, invoke=_invoke_at(runner_url))


def apply(runner_url: str) -> None:
    """Apply all corrections."""
    isolate_transactions()
    honour_request_tokens()
    keep_early_callbacks()
    renew_tokens()
    end_stopped_executions()
    keep_causes()
    keep_clients()
    forget_iterators()
    read_own_names()
    parse_once()
    look_up_once()
    read_own_keys()
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
    """Copy a table, except for a roll-back: moto copies whole tables (5.6 s at 10,000 items), the undo log does not."""
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
    """Return the current items of the transaction's keys, and the length of each table's stream."""
    before, marks = [], {}
    for operation in (next(iter(item.values())) for item in items):
        table = backend.tables.get(operation.get("TableName"))
        source = operation.get("Key") or operation.get("Item") or {}
        if table is None or table.hash_key_attr not in source:
            continue  # the transaction itself reports the error
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


def _with_new_token(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def handle_retry(state: Any, env: Any, failure_event: Any) -> Any:
        outcome = original(state, env, failure_event)
        context = env.states.context_object
        if outcome is RetryOutcome.CanRetry and context.context_object_data.get("Task"):
            env.callback_pool_manager.add(context.update_task_token())
        return outcome

    return handle_retry


def _waking(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def set_stop(env: Any, *args: Any, **kwargs: Any) -> None:
        original(env, *args, **kwargs)
        for endpoint in list(env.callback_pool_manager._pool.values()):
            endpoint.interrupt_all()

    return set_stop


def _unless_stopped(original: Callable[..., Any]) -> Callable[..., Any]:
    """Ignore the error that an interrupted wait causes, because it would turn ABORTED into FAILED."""

    @wraps(original)
    def set_error(env: Any, *args: Any, **kwargs: Any) -> None:
        if not isinstance(env.program_state(), ProgramStopped):
            original(env, *args, **kwargs)

    return set_error


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
        name = function_name.rpartition(":function:")[2].partition(":")[0]  # without the alias
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
        except (OSError, http.client.HTTPException) as lost:
            # Werkzeug would read it as the loss of its own client, and answer nothing: the task would wait forever.
            response_headers["x-amz-function-error"] = "Unhandled"
            return json.dumps({"errorType": "Lambda.Unknown", "errorMessage": repr(lost)}).encode()
        finally:
            connection.close()

    return invoke


def _own_name(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def pick(picker: Any, context: Any) -> Any:
        if context.service_model.service_name == "dynamodb" and isinstance(context.obj, dict):
            return context.obj.get(context.key)
        return original(picker, context)

    return pick


def _members_that_exist(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def serialize(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if serializer.operation_model.service_model.service_name != "dynamodb" or not isinstance(value, dict):
            original(serializer, serialized, value, shape, key)
            return
        made = serializer.MAP_TYPE() if key else serialized
        for name in value.keys() & shape.members.keys():
            member = shape.members[name]
            member.parent = shape
            serializer._serialize_structure_member(made, value, member, name)
        if key:
            serializer._default_serialize(serialized, made, shape, key)

    return serialize


def _of_its_key(original: Callable[..., Any]) -> Callable[..., Any]:
    parameters = signature(original)

    @wraps(original)
    def query(table: Any, *args: Any, **kwargs: Any) -> Any:
        given = parameters.bind(table, *args, **kwargs).arguments
        keys = given.get("hash_key_conditions") or [(table.hash_key_attr, given["hash_key"])]
        fewer: Any = object.__new__(type(table))  # moto keeps each table that is made in another way
        vars(fewer).update(vars(table))
        fewer.all_items = lambda: [item for item in _items_of(table) if all(_has(item, *key) for key in keys)]
        return original(fewer, *args, **kwargs)

    return query


def _items_of(table: Any) -> Iterator[Any]:
    for entry in list(table.items.values()):
        yield from list(entry.values()) if table.range_key_attr else [entry]


def _has(item: Any, name: str, wanted: Any) -> bool:
    found = item.attrs.get(name)
    if found is None or found.type != wanted.type:
        return False
    return bool(found.value == wanted.value if wanted.type == "S" else found == wanted)


def _below_its_prefix(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def versions(backend: Any, bucket_name: str, *, prefix: str = "", **options: Any) -> Any:
        files = backend.get_bucket(bucket_name).keys
        below = [(key, found) for key, found in list(files.iterlists()) if key.startswith(prefix)]
        bucket = SimpleNamespace(keys=SimpleNamespace(iterlists=lambda: below))
        return original(SimpleNamespace(get_bucket=lambda _: bucket), bucket_name, prefix=prefix, **options)

    return versions


_NODE, _EXPRESSION, _FUNCTION = (vars(ast_nodes)[name] for name in ("Node", "Expression", "UpdateExpressionFunction"))
_is: Callable[[Any, Any], bool] = cache(issubclass)  # these classes are abstract, so `isinstance` is slow


def _traverse(traverser: Any, root: Any) -> Any:
    processors = traverser._processing_map()

    def visit(node: Any, child_no: int) -> Any:
        parent = node.parent
        for number, child in enumerate(node.children or ()):
            traverser.pre_processing_of_child(node, number)
            if _is(type(child), _NODE):
                visit(child, number)
        process = next((processors[kind] for kind in processors if _is(type(node), kind)), None)
        if process:
            node = process(node)
            node.parent = parent
            if parent:
                parent.children[child_no] = node
        return node

    return visit(root, -1)


def _find_clauses(node: Any, kinds: Any) -> list[Any]:
    found = []
    for child in node.children or ():
        if type(child) in kinds:
            found.append(child)
        elif _is(type(child), (_EXPRESSION, _FUNCTION)):
            found += child.find_clauses(kinds)
    return found
