"""The proxy of the storm in front of moto: what a client sees of each fault, and what is stored afterwards."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto.server import ThreadedMotoServer

from local.environment import HOST
from local.processes import listen
from tests.chaos.plan import StormPlan
from tests.chaos.proxy import Proxy

AWS_ERRORS = (BotoCoreError, ClientError)


class OneFault(StormPlan):
    """A plan with one fault, at the next call that can have it."""

    def __init__(self) -> None:
        super().__init__(seed=1, faults=0)
        self.next = ""

    def choose(self, faults: Sequence[str], place: str, chance: float = 1, job_id: str = "") -> str | None:  # noqa: ARG002  # the interface of a plan
        if self.next not in faults:
            return None
        chosen, self.next = self.next, ""
        return chosen


@pytest.fixture(scope="module")
def plan() -> OneFault:
    return OneFault()


@pytest.fixture(scope="module")
def clients(plan: OneFault) -> Iterator[dict[str, Any]]:
    """Clients that call moto through the proxy once, without retries."""
    moto, server, loop = ThreadedMotoServer(HOST, 0, verbose=False), listen(), asyncio.new_event_loop()
    moto.start()
    host, port = moto.get_host_and_port()
    proxy = Proxy(f"http://{host}:{port}", plan, lease_seconds=1)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(proxy.start(server), loop).result(5)
    url = f"http://{HOST}:{server.getsockname()[1]}"
    once = Config(retries={"total_max_attempts": 1})
    services: tuple[Any, ...] = ("dynamodb", "sqs", "s3", "sts", "lambda")
    try:
        made: dict[str, Any] = {
            name: boto3.client(name, region_name="us-east-1", endpoint_url=url, config=once) for name in services
        }
        made["dynamodb"].create_table(
            TableName="t",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        made["s3"].create_bucket(Bucket="bucket")
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        server.close()
        moto.stop()


@pytest.mark.parametrize(
    ("fault", "written"),
    [
        ("request lost", False),
        ("answer lost", True),
        ("500 after the write", True),
        ("503 before the write", False),
        ("throttled", False),
        ("conflict", False),
    ],
)
def test_a_failed_write_is_stored_only_if_the_fault_came_after_it(
    clients: dict[str, Any], plan: OneFault, fault: str, *, written: bool
) -> None:
    db, key = clients["dynamodb"], {"k": {"S": fault}}
    plan.next = f"DynamoDB: {fault}"
    with pytest.raises(AWS_ERRORS):
        db.put_item(TableName="t", Item=key)
    assert ("Item" in db.get_item(TableName="t", Key=key)) is written


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("DynamoDB", "ThrottlingException"),
        ("S3", "SlowDown"),
        ("SQS", "ThrottlingException"),
        ("STS", "Throttling"),
        ("Lambda", "TooManyRequestsException"),
    ],
)
def test_each_service_refuses_with_its_own_code(
    clients: dict[str, Any], plan: OneFault, service: str, code: str
) -> None:
    calls: dict[str, Callable[[], object]] = {
        "DynamoDB": lambda: clients["dynamodb"].describe_table(TableName="t"),
        "S3": lambda: clients["s3"].list_objects_v2(Bucket="bucket"),
        "SQS": clients["sqs"].list_queues,
        "STS": lambda: clients["sts"].assume_role(RoleArn="arn:aws:iam::1:role/role", RoleSessionName="xy"),
        "Lambda": lambda: clients["lambda"].invoke(FunctionName="f"),
    }
    plan.next = f"{service}: throttled"
    with pytest.raises(ClientError) as raised:
        calls[service]()
    assert raised.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(("fault", "copies"), [("duplicate", 2), ("late", 1), ("overtaken", 1)])
def test_a_sent_message_is_in_the_queue_twice_or_later(
    clients: dict[str, Any], plan: OneFault, fault: str, copies: int
) -> None:
    sqs = clients["sqs"]
    url = clients["sqs"].create_queue(QueueName=fault)["QueueUrl"]
    plan.next = f"message: {fault}"
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert [int(found[name]) for name in names] == ([copies, 0] if copies == 2 else [0, copies])


def test_a_deleted_message_is_delivered_again(clients: dict[str, Any], plan: OneFault) -> None:
    sqs = clients["sqs"]
    url = sqs.create_queue(QueueName="again")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    (message,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    plan.next = "message: delivered again after its deletion"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1


@pytest.mark.parametrize("fault", ["partial body", "404 for a stored object", "throttled"])
def test_an_object_is_read_whole_or_not_at_all(clients: dict[str, Any], plan: OneFault, fault: str) -> None:
    s3 = clients["s3"]
    s3.put_object(Bucket="bucket", Key="jobs/job_1/x", Body=b"content")
    plan.next = f"S3: {fault}"
    with pytest.raises(AWS_ERRORS):
        s3.get_object(Bucket="bucket", Key="jobs/job_1/x")["Body"].read()
    assert s3.get_object(Bucket="bucket", Key="jobs/job_1/x")["Body"].read() == b"content"
    assert s3.head_object(Bucket="bucket", Key="jobs/job_1/x")["ContentLength"] == 7
