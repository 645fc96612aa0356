"""Comparison of a handler's AWS calls with the grants of its row in `infra/functions.py`."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from fnmatch import fnmatchcase
from functools import wraps
from importlib import import_module
from typing import Any

from botocore.client import BaseClient

from infra.functions import FUNCTIONS, Function
from infra.grants import READ, SCAN, WRITE, Grants
from shared.aws.lone_secret import full_name
from shared.aws.queues import QueueConfig
from shared.aws.records import Record
from shared.jobs.keys import WORK

Call = tuple[str, str]  # an IAM action and its resource: `("dynamodb:PutItem", "kinora-test-users")`

REFUSED: list[str] = []  # calls beyond the grants, one sentence each
_running: ContextVar[Function | None] = ContextVar("running", default=None)
_S3 = {  # the permission of an operation whose name differs
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
}
_PREFIXES = {
    "stepfunctions": "states",
    "sagemaker-runtime": "sagemaker",
    "sesv2": "ses",
}  # service prefixes of IAM actions


def observe() -> None:
    """Compare every later AWS call of every handler in this process with its grants.

    Secrets are cached, so only the first handler that reads a secret in a deployment calls AWS for it.

    Call this before a test module imports a handler, because it replaces the name in the handler's module by a wrapper.
    """
    for row in FUNCTIONS:
        module, _, name = row.handler.partition(":")
        loaded = import_module(module)
        setattr(loaded, name, attributed(row, getattr(loaded, name)))
    BaseClient._make_api_call = _compared(BaseClient._make_api_call)  # type: ignore[attr-defined]  # stubs hide it
    ThreadPoolExecutor.submit = _in_context(ThreadPoolExecutor.submit)  # type: ignore[method-assign]  # S3 transfers


def refused(may: Grants, service: str, operation: str, params: Any) -> list[Call]:
    """Return the actions of the call that the grants do not cover."""
    return [call for call in _calls(service, operation, params) if not _granted(may, *call)]


def sentence(row: Function, call: Call) -> str:
    action, resource = call
    where = row.handler.partition(":")[0].removesuffix(".handler")
    return f"{where} does {action} on {resource}, which its row ({row.name}) does not grant"


def attributed(row: Function, handler: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return the handler, whose calls are compared with the grants of the row."""

    @wraps(handler)
    def call(event: Any, context: Any) -> Any:
        before = _running.set(row)
        try:
            return handler(event, context)
        finally:
            _running.reset(before)

    return call


def _compared(make_call: Callable[..., Any]) -> Callable[..., Any]:
    def call(client: Any, operation: str, params: Any) -> Any:
        if row := _running.get():
            service = client.meta.service_model.service_name
            REFUSED.extend(sentence(row, each) for each in refused(row.may, service, operation, params))
        return make_call(client, operation, params)

    return call


def _in_context(submit: Callable[..., Any]) -> Callable[..., Any]:
    """Run the tasks of thread pools in the context of the handler that submitted them."""

    def call(pool: ThreadPoolExecutor, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = submit(pool, copy_context().run, task, *args, **kwargs)
        return future

    return call


def _calls(service: str, operation: str, params: Any) -> Iterator[Call]:
    """Yield the permissions that the call needs, each with its resource as the code names it."""
    if service == "dynamodb":
        yield from _dynamodb_calls(operation, params)
    elif operation == "CopyObject":
        yield "s3:GetObject", params["CopySource"]["Key"]
        yield "s3:PutObject", params["Key"]
    elif service == "s3":
        keys = [each["Key"] for each in params.get("Delete", {}).get("Objects", ())]
        for key in keys or [params.get("Key", params.get("Prefix", ""))]:
            yield f"s3:{_S3.get(operation, operation)}", key
    elif service == "sqs":
        yield f"sqs:{operation}", params["QueueUrl"].removeprefix(QueueConfig().queue_url_prefix)
    elif service == "secretsmanager":
        yield f"secretsmanager:{operation}", _secret_name(params["SecretId"])
    elif service == "apigatewaymanagementapi":
        yield "execute-api:ManageConnections", "connections"
    else:
        yield f"{_PREFIXES.get(service, service)}:{operation}", "any resource"


def _dynamodb_calls(operation: str, params: Any) -> Iterator[Call]:
    if operation in {"TransactWriteItems", "TransactGetItems"}:
        for item in params["TransactItems"]:
            for kind, details in item.items():  # Put, Update, Delete, ConditionCheck or Get
                yield f"dynamodb:{kind}Item", details["TableName"]
    else:
        for table in params.get("RequestItems") or [params["TableName"]]:
            yield f"dynamodb:{operation}", table


def _granted(may: Grants, action: str, resource: str) -> bool:
    return any(action in actions and fnmatchcase(resource, form) for actions, forms in _policy(may) for form in forms)


def _policy(may: Grants) -> tuple[tuple[Sequence[str], Sequence[str]], ...]:
    """Return the grants as (actions, patterns of resources), for stages on queues and on endpoints."""
    task_queues = [name for stage in may.dispatches for name in (stage.queue, stage.priority_queue)]
    return (
        (READ, _tables(may.reads)),
        (SCAN, _tables(may.scans)),
        (WRITE, _tables(may.writes)),
        (("dynamodb:GetItem",), _tables(may.gets)),
        (("dynamodb:PutItem",), _tables(may.puts)),
        (("dynamodb:UpdateItem",), _tables([updates.record for updates in may.updates])),
        (("lambda:Invoke",), ("*",) if may.calls else ()),
        (("ecs:DescribeServices",), ("*",) if may.measures_workers or may.starts_workers else ()),
        (("ecs:UpdateService",), ("*",) if may.starts_workers else ()),
        (("sqs:GetQueueAttributes",), ("*",) if may.measures_workers else ()),
        (("sts:AssumeRole",), ("*",) if may.lends_media else ()),
        (("s3:GetObject",), _below(may.media_reads)),
        (("s3:PutObject",), _below((*may.media_writes, *((WORK,) if may.dispatches else ())))),
        (("s3:DeleteObject",), _below(may.media_deletes)),
        (("s3:ListBucketVersions",), _below((*may.media_versions, *may.media_deletes))),
        (("s3:ListBucket",), _below((*may.media_lists, *may.media_deletes))),
        (("sqs:SendMessage",), (*may.sends, *task_queues)),
        # The event source of a caller of isolated functions grants this.
        (("sqs:ChangeMessageVisibility",), may.sends if may.calls else ()),
        (("secretsmanager:GetSecretValue",), (*may.secrets, *may.secrets_renewed)),
        (("secretsmanager:DescribeSecret",), (*may.secrets_described, *may.secrets_renewed)),
        (("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"), may.secrets_renewed),
        (may.executions, ("*",)),
        (("kms:Encrypt",), ("*",) if may.seals else ()),
        (("kms:Decrypt",), ("*",) if may.unseals else ()),
        (("ses:SendEmail",), ("*",) if may.mails else ()),
        (("execute-api:ManageConnections",), ("*",) if may.sockets else ()),
        (("sagemaker:InvokeEndpointAsync",), ("*",) if may.dispatches else ()),
        (("xray:PutTraceSegments",), ("*",)),  # granted to every function
    )


def _below(prefixes: Sequence[str]) -> list[str]:
    return [f"{prefix}*" for prefix in prefixes]


def _tables(records: Sequence[type[Record]]) -> list[str]:
    return [record.Meta.table_name for record in records]


def _secret_name(name_or_arn: str) -> str:
    """Return `media-signing-key` for `kinora/test/media-signing-key` or its ARN, which ends with six random letters."""
    if name_or_arn.startswith("arn:"):
        name_or_arn = name_or_arn.rpartition(":secret:")[2][: -len("-??????")]
    return name_or_arn.removeprefix(full_name(""))
