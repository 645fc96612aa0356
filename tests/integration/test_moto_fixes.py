"""The faults of moto that `local/moto_fixes.py` corrects; each test fails without its fix."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import monotonic, sleep
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core import responses
from moto.core.config import default_user_config
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.models import DynamoDBStreamsBackend, dynamodbstreams_backends
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server import werkzeug_app
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.s3.models import FakeKey, S3Backend
from moto.server import ThreadedMotoServer
from moto.stepfunctions.models import StepFunctionBackend
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint, CallbackOutcomeSuccess
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.responses import StepFunctionResponse

from local import moto_fixes

PATCHED = (
    (DynamoHandler, "call_action"),
    (DynamoHandler, "transact_write_items"),
    (DynamoDBStreamsHandler, "call_action"),
    (DynamoDBBackend, "transact_write_items"),
    (Table, "__deepcopy__"),
    (DynamoDBStreamsBackend, "get_records"),
    (CallbackEndpoint, "setup_heartbeat_endpoint"),
    (CallbackEndpoint, "notify_heartbeat"),
    (ExecutionState, "_handle_retry"),
    (Environment, "set_stop"),
    (Environment, "set_error"),
    (StepFunctionResponse, "send_task_failure"),
    (lambda_eval_utils, "boto_client_for"),
    (Table, "query"),
    (S3Backend, "list_object_versions"),
    (DomainDispatcherApplication, "get_backend_for_host"),
    (responses, "method_names_from_class"),
    (LambdaSimpleBackend, "invoke"),
)


@pytest.fixture(autouse=True)
def _moto_is_restored() -> Iterator[None]:
    before = [(owner, name, vars(owner).get(name)) for owner, name in PATCHED]
    yield
    for owner, name, value in before:
        if value is None:
            if name in vars(owner):
                delattr(owner, name)
        else:
            setattr(owner, name, value)


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def client(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], Any]]:
    monkeypatch.setitem(default_user_config, "lambda", {"use_docker": False})

    def make(service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=moto_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    yield make
    moto_api_backend.reset()


@pytest.fixture
def dynamodb(client: Callable[[Any], Any]) -> Any:
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return dynamodb


def _put(name: str, condition: str | None = None) -> dict[str, Any]:
    put = {"TableName": "things", "Item": {"id": {"S": name}}}
    return {"Put": {**put, "ConditionExpression": condition} if condition else put}


def _ids(dynamodb: Any) -> set[str]:
    return {item["id"]["S"] for item in dynamodb.scan(TableName="things")["Items"]}


def _iterator(streams: Any, dynamodb: Any) -> str:
    arn = dynamodb.describe_table(TableName="things")["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator: str = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    return iterator


@pytest.fixture
def _eager_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_eager_threads")
def test_one_credit_pays_for_one_job_under_threads(dynamodb: Any) -> None:
    moto_fixes.isolate_transactions()
    for account in ("ada", "bea", "cleo", "dora"):
        bought = _bought_with_one_credit(dynamodb, account)
        assert len(bought) == 1
        assert {name for name in _ids(dynamodb) if name.startswith(account)} == {account, *bought}


def _bought_with_one_credit(dynamodb: Any, account: str) -> list[str]:
    """Buy in twelve threads at the same time, and return the names of those that succeeded."""
    dynamodb.put_item(TableName="things", Item={"id": {"S": account}, "credits": {"N": "1"}})
    start = threading.Barrier(12)
    spend = {
        "TableName": "things",
        "Key": {"id": {"S": account}},
        "UpdateExpression": "ADD credits :minus",
        "ConditionExpression": "credits > :none",
        "ExpressionAttributeValues": {":minus": {"N": "-1"}, ":none": {"N": "0"}},
    }
    bought = []

    def buy(name: str) -> None:
        start.wait()
        try:
            dynamodb.transact_write_items(TransactItems=[{"Update": spend}, _put(name)])
        except dynamodb.exceptions.TransactionCanceledException:
            return
        bought.append(name)

    threads = [threading.Thread(target=buy, args=(f"{account}-job-{n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return bought


def test_a_cancelled_transaction_writes_nothing_and_the_stream_continues(
    dynamodb: Any, client: Callable[[Any], Any]
) -> None:
    moto_fixes.isolate_transactions()
    streams = client("dynamodbstreams")
    iterator = _iterator(streams, dynamodb)
    dynamodb.put_item(TableName="things", Item={"id": {"S": "taken"}})
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=[_put("new"), _put("taken", "attribute_not_exists(id)")])
    dynamodb.put_item(TableName="things", Item={"id": {"S": "later"}})
    assert _ids(dynamodb) == {"taken", "later"}
    records = streams.get_records(ShardIterator=iterator)["Records"]
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in records] == ["taken", "later"]


def test_a_transaction_copies_no_table(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moto_fixes.isolate_transactions()
    copied = []
    monkeypatch.setattr(Table, "__reduce_ex__", lambda table, _: copied.append(table.name))
    dynamodb.transact_write_items(TransactItems=[_put("a")])
    assert not copied
    assert _ids(dynamodb) == {"a"}


def test_a_repeated_request_token_is_applied_once(dynamodb: Any) -> None:
    moto_fixes.honour_request_tokens()
    add = {
        "TableName": "things",
        "Key": {"id": {"S": "account"}},
        "UpdateExpression": "ADD credits :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[{"Update": add}], ClientRequestToken="t-1")
    item = dynamodb.get_item(TableName="things", Key={"id": {"S": "account"}})["Item"]
    assert item["credits"] == {"N": "1"}
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        dynamodb.transact_write_items(TransactItems=[_put("other")], ClientRequestToken="t-1")


def test_an_answer_before_the_wait_is_not_lost() -> None:
    moto_fixes.keep_early_callbacks()
    endpoint = CallbackEndpoint("token")
    endpoint.notify(CallbackOutcomeSuccess("token", "{}"))
    assert endpoint.setup_heartbeat_endpoint(heartbeat_seconds=0).clear_and_wait()


def test_a_heartbeat_before_the_wait_is_accepted() -> None:
    moto_fixes.keep_early_callbacks()
    assert CallbackEndpoint("token").notify_heartbeat()


def _execute(client: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch, url: str) -> tuple[Any, str]:
    """Start an execution that sends its task token to the queue `tokens` and waits. Return the client and its ARN."""
    monkeypatch.setitem(default_user_config, "stepfunctions", {"execute_state_machine": True})
    monkeypatch.setenv("MOTO_PORT", url.rpartition(":")[2])
    queue = client("sqs").create_queue(QueueName="tokens")["QueueUrl"]
    wait = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}},
        "TimeoutSeconds": 60,
        "HeartbeatSeconds": 30,
        "Retry": [{"ErrorEquals": ["Stage.Retryable"], "IntervalSeconds": 1, "MaxAttempts": 1}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        "End": True,
    }
    definition = {"StartAt": "Wait", "States": {"Wait": wait, "Caught": {"Type": "Fail"}}}
    machines = client("stepfunctions")
    machine = machines.create_state_machine(
        name="waiting", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/any"
    )["stateMachineArn"]
    return machines, machines.start_execution(stateMachineArn=machine)["executionArn"]


def _token(client: Callable[[Any], Any]) -> str:
    queue = client("sqs").get_queue_url(QueueName="tokens")["QueueUrl"]
    [message] = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    token: str = json.loads(message["Body"])["token"]
    return token


def _status_after(machines: Any, execution: str) -> str:
    """Wait until the execution has ended, at most 10 s, and return its status."""
    deadline = monotonic() + 10
    while (status := machines.describe_execution(executionArn=execution)["status"]) == "RUNNING":
        if monotonic() > deadline:
            break
        sleep(0.05)
    found: str = status
    return found


def test_each_retry_has_its_own_token_and_waits_for_its_own_answer(
    client: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch, moto_url: str
) -> None:
    moto_fixes.keep_early_callbacks()
    moto_fixes.renew_tokens()
    machines, execution = _execute(client, monkeypatch, moto_url)
    first = _token(client)
    machines.send_task_failure(taskToken=first, error="Stage.Retryable", cause="")
    second = _token(client)
    assert second != first
    assert machines.describe_execution(executionArn=execution)["status"] == "RUNNING"
    machines.send_task_success(taskToken=second, output="{}")
    assert _status_after(machines, execution) == "SUCCEEDED"


def test_a_stopped_execution_no_longer_waits_for_its_token(
    client: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch, moto_url: str
) -> None:
    moto_fixes.end_stopped_executions()
    machines, execution = _execute(client, monkeypatch, moto_url)
    _token(client)
    machines.stop_execution(executionArn=execution)
    assert _status_after(machines, execution) == "ABORTED"


def test_a_failed_tasks_cause_is_passed_on(client: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    moto_fixes.keep_causes()
    reported: dict[str, Any] = {}
    monkeypatch.setattr(
        StepFunctionBackend, "send_task_failure", lambda _backend, token, **said: reported.update(said, token=token)
    )
    client("stepfunctions").send_task_failure(taskToken="t", error="Stage.Final", cause="because")
    assert reported == {"token": "t", "error": "Stage.Final", "cause": "because"}


def test_state_machine_tasks_share_a_client() -> None:
    moto_fixes.keep_clients()
    first, second = (vars(lambda_eval_utils)["boto_client_for"]("us-east-1", "lambda") for _ in range(2))
    assert first is second


def test_backends_and_methods_are_looked_up_once(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moto_fixes.look_up_once()
    dynamodb.list_tables()
    monkeypatch.setattr(vars(werkzeug_app)["backends"], "list_of_moto_modules", None)
    monkeypatch.setattr("inspect.getmembers", None)
    assert dynamodb.list_tables()["TableNames"] == ["things"]


def test_a_query_reads_the_items_of_its_key_only(client: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb, names = client("dynamodb"), ("id", "no", "owner")
    dynamodb.create_table(
        TableName="pages",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "no", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "N" if n == "no" else "S"} for n in names],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_owner",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for book in "ab":
        for number in (10, 9):
            page = {"id": {"S": book}, "no": {"N": str(number)}} | ({"owner": {"S": "ada"}} if number == 9 else {})
            dynamodb.put_item(TableName="pages", Item=page)
    moto_fixes.read_own_keys()
    monkeypatch.setattr(Table, "all_items", None)

    def found(key: str, value: str, **options: str) -> list[tuple[str, str]]:
        condition = {"KeyConditionExpression": "#k = :v", "ExpressionAttributeNames": {"#k": key}}
        values = {":v": {"S": value}}
        answer = dynamodb.query(TableName="pages", ExpressionAttributeValues=values, **condition, **options)
        return [(item["id"]["S"], item["no"]["N"]) for item in answer["Items"]]

    assert found("id", "a") == [("a", "9"), ("a", "10")]
    assert found("id", "c") == []
    assert sorted(found("owner", "ada", IndexName="by_owner")) == [("a", "9"), ("b", "9")]


def test_a_list_of_versions_copies_the_files_below_its_prefix_only(
    client: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, copied = client("s3"), []
    s3.create_bucket(Bucket="films")
    s3.put_bucket_versioning(Bucket="films", VersioningConfiguration={"Status": "Enabled"})
    for key in ("a/1", "b/1", "b/1", "b/2"):
        s3.put_object(Bucket="films", Key=key, Body=b"x")
    moto_fixes.read_own_keys()
    state = FakeKey.__getstate__

    def copy(file: FakeKey) -> dict[str, Any]:
        copied.append(file.name)
        return state(file)

    monkeypatch.setattr(FakeKey, "__getstate__", copy)
    found = s3.list_object_versions(Bucket="films", Prefix="b/")["Versions"]
    assert [(file["Key"], file["IsLatest"]) for file in found] == [("b/1", True), ("b/1", False), ("b/2", True)]
    assert set(copied) == {"b/1", "b/2"}


def test_a_stream_reader_uses_bounded_memory(dynamodb: Any, client: Callable[[Any], Any]) -> None:
    moto_fixes.forget_iterators()
    streams = client("dynamodbstreams")
    iterator = _iterator(streams, dynamodb)
    for _ in range(2 * moto_fixes.LIVE_ITERATORS):
        iterator = streams.get_records(ShardIterator=iterator)["NextShardIterator"]
    known = dynamodbstreams_backends["123456789012"]["us-east-1"].shard_iterators
    assert len(known) <= moto_fixes.LIVE_ITERATORS


@pytest.fixture
def runner() -> Iterator[str]:
    class Runner(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if "die" in body:
                self.close_connection = True
                return
            fails = "fail" in body
            answer = json.dumps({"errorType": body["fail"]} if fails else {"path": self.path, "got": body}).encode()
            self.send_response(404 if "unknown" in self.path else 200)
            if fails:
                self.send_header("x-amz-function-error", "Unhandled")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

    server = HTTPServer(("127.0.0.1", 0), Runner)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_lambda_invocations_reach_the_runner(runner: str, client: Callable[[Any], Any]) -> None:
    moto_fixes.invoke_over_http(runner)
    functions = client("lambda")
    answer = functions.invoke(FunctionName="kinora-local-settle", Payload=b'{"a": 1}')
    assert json.load(answer["Payload"]) == {"path": "/functions/kinora-local-settle/invocations", "got": {"a": 1}}
    failed = functions.invoke(FunctionName="kinora-local-settle", Payload=b'{"fail": "Stage.Final"}')
    assert failed["FunctionError"] == "Unhandled"
    assert json.load(failed["Payload"]) == {"errorType": "Stage.Final"}
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName="unknown", Payload=b"{}")


def test_an_invocation_whose_process_dies_is_an_error_that_the_state_machine_retries(
    runner: str, client: Callable[[Any], Any]
) -> None:
    moto_fixes.invoke_over_http(runner)
    lost = client("lambda").invoke(FunctionName="kinora-local-settle", Payload=b'{"die": true}')
    assert lost["FunctionError"] == "Unhandled"
    assert json.load(lost["Payload"])["errorType"] == "Lambda.Unknown"
