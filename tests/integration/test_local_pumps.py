"""The pumps of the laptop cloud: the threads that call functions for queues and for the stream of jobs."""

import time
from typing import Any, cast

import boto3
import pytest
from moto.server import ThreadedMotoServer

from local.environment import HOST, PREFIX, environment
from local.gateway import pumps
from local.gateway.functions import Functions
from local.processes import listen


class Called:
    """Functions that do nothing. `names` are those that were called."""

    def __init__(self) -> None:
        self.names = set[str]()

    def call(self, name: str, _event: object) -> None:
        self.names.add(name)


def test_pumps_that_start_while_nothing_answers_work_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen() as free:
        port = free.getsockname()[1]
    for name, value in environment(f"http://{HOST}:{port}", "").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(pumps, "QUEUE_POLL_SECONDS", 0.05)
    called = Called()
    running = pumps.Pumps(cast(Functions, called))
    running._thread(running._pump_stream, "of the stream")
    running._thread(running._pump_queues, "of the queue", "remote-engine")
    time.sleep(0.5)
    server = ThreadedMotoServer(HOST, port, verbose=False)
    server.start()
    try:
        _fill()
        deadline = time.monotonic() + 10
        while len(called.names) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        running.stop()
        server.stop()
    assert called.names == {"of the stream", "of the queue"}


def _fill() -> None:
    """Put a record into the stream and a message into the queue."""
    clients: Any = {service: boto3.client(service) for service in ("dynamodb", "sqs")}
    clients["dynamodb"].create_table(
        TableName=pumps.JOBS_TABLE,
        KeySchema=[{"AttributeName": "job_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "job_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    clients["dynamodb"].put_item(TableName=pumps.JOBS_TABLE, Item={"job_id": {"S": "job_1"}})
    url = clients["sqs"].create_queue(QueueName=f"{PREFIX}-remote-engine")["QueueUrl"]
    clients["sqs"].send_message(QueueUrl=url, MessageBody="{}")
