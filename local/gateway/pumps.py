"""The event sources that call functions: the jobs stream, the dead-letter queues, the remote queue, the schedule."""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.functions import (
    BILLING,
    FAN_OUT,
    IMPORTS,
    JOBS_STREAM,
    NOTICES,
    RECONCILE_EVERY_SECONDS,
    REMOTE_ENGINES,
    UPKEEP,
    WEBHOOKS,
    WEBHOOKS_STREAM,
)
from local.environment import ACCOUNT, PREFIX, REGION, queue_arn
from local.gateway.functions import FunctionFailed, Functions
from shared.aws.queues import queue_url
from shared.stages.queues import (
    BILLING_QUEUE,
    FAN_OUT_QUEUE,
    IMPORT_QUEUE,
    NOTICE_QUEUE,
    QUEUES,
    REMOTE_QUEUE,
    WEBHOOKS_QUEUE,
)

STREAM_POLL_SECONDS, STREAM_IDLE_SECONDS = 0.05, 0.2
QUEUE_POLL_SECONDS = 2.0
BATCH_ATTEMPTS = 3
JOBS_TABLE = f"{PREFIX}-jobs"

log = logging.getLogger(__name__)

Records = list[dict[str, Any]]
Deliver = Callable[[Records], Any]


def deliver(records: Records, call: Deliver, *, attempts: int = BATCH_ATTEMPTS) -> Records:
    """Deliver a batch of stream records to a function as Lambda does, and return the records that failed.

    A failed batch is repeated from the first record that the function names in `batchItemFailures`, or from the start
    if the function raised. After `attempts` the batch is bisected, so that one bad record affects only itself.
    """
    for _ in range(attempts):
        try:
            answer = call(records)
        except FunctionFailed:
            continue
        failed = {failure["itemIdentifier"] for failure in (answer or {}).get("batchItemFailures", ())}
        start = next((n for n, record in enumerate(records) if record["dynamodb"]["SequenceNumber"] in failed), None)
        if start is None:
            return []
        records = records[start:]
    if len(records) == 1:
        return records
    middle = len(records) // 2
    return [lost for half in (records[:middle], records[middle:]) for lost in deliver(half, call, attempts=attempts)]


class Pumps:
    """Threads that run until `stop`. Errors of a function or of moto do not end a thread."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._stopping = threading.Event()

    def start(self) -> None:
        for function in (*JOBS_STREAM, *WEBHOOKS_STREAM):
            self._thread(self._pump_stream, function.name)
        self._thread(self._pump_queues, "pipeline-signal", *(f"{q.name}-dlq" for q in QUEUES if q.has_tasks))
        for function in REMOTE_ENGINES:
            self._thread(self._pump_queues, function.name, REMOTE_QUEUE)
        self._thread(self._keep_schedule, RECONCILE_EVERY_SECONDS, "pipeline-reconcile")
        for function in UPKEEP:
            self._thread(self._keep_schedule, function.every_seconds, function.name)
        for function in FAN_OUT:
            self._thread(self._pump_queues, function.name, FAN_OUT_QUEUE)
        for function in BILLING:
            self._thread(self._pump_queues, function.name, BILLING_QUEUE)
        for function in WEBHOOKS:
            self._thread(self._pump_queues, function.name, WEBHOOKS_QUEUE)
        for function in IMPORTS:
            self._thread(self._pump_queues, function.name, IMPORT_QUEUE)
        for function in NOTICES:
            self._thread(self._pump_queues, function.name, NOTICE_QUEUE)

    def stop(self) -> None:
        self._stopping.set()

    def _thread(self, target: Callable[..., None], *arguments: str | int) -> None:
        names = [argument for argument in arguments if isinstance(argument, str)]
        threading.Thread(target=target, args=arguments, name=names[0], daemon=True).start()

    def _pump_stream(self, name: str) -> None:
        streams = boto3.client("dynamodbstreams")
        arn = iterator = None
        pause = STREAM_POLL_SECONDS
        last_sequence: str | None = None
        while not self._stopping.wait(pause):
            try:
                arn = arn or _stream_arn()
                iterator = iterator or _iterator(streams, arn, last_sequence)
                page = streams.get_records(ShardIterator=iterator, Limit=100)
            except (BotoCoreError, ClientError) as error:
                log.warning("the stream cannot be read: %s", error)
                iterator, pause = None, min(2 * pause, 5.0)
                continue
            iterator = page.get("NextShardIterator")
            records = [_stream_record(record, arn) for record in page["Records"]]
            pause = STREAM_POLL_SECONDS if records else min(1.5 * pause, STREAM_IDLE_SECONDS)
            if records:
                last_sequence = records[-1]["dynamodb"]["SequenceNumber"]
                for lost in deliver(records, lambda batch: self._functions.call(name, {"Records": batch})):
                    log.error("%s could not take record %s", name, lost["dynamodb"]["SequenceNumber"])

    def _pump_queues(self, function: str, *names: str) -> None:
        sqs = boto3.client("sqs")
        while not self._stopping.wait(QUEUE_POLL_SECONDS):
            for name in names:
                try:
                    self._drain(sqs, function, name, queue_url(name))
                except (BotoCoreError, ClientError) as error:
                    log.warning("%s cannot be read: %s", name, error)

    def _drain(self, sqs: Any, function: str, name: str, url: str) -> None:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])
        for message in found.get("Messages", ()):
            try:
                answer = self._functions.call(function, {"Records": [_queue_record(message, name)]})
            except FunctionFailed:
                continue  # it becomes visible again
            if not (answer or {}).get("batchItemFailures"):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _keep_schedule(self, every_seconds: int, name: str) -> None:
        while not self._stopping.wait(every_seconds):
            with suppress(FunctionFailed):  # logged where it failed; the next call tries again
                self._functions.call(name, _schedule_event(name))


def _stream_arn() -> str:
    arn: str = boto3.client("dynamodb").describe_table(TableName=JOBS_TABLE)["Table"]["LatestStreamArn"]
    return arn


def _iterator(streams: Any, arn: str, after: str | None) -> str:
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    start = (
        {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        if after
        else {"ShardIteratorType": "TRIM_HORIZON"}
    )
    iterator: str = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, **start)["ShardIterator"]
    return iterator


def _stream_record(record: Mapping[str, Any], arn: str) -> dict[str, Any]:
    """Convert boto's form of a record to Lambda's: the time becomes a number."""
    change = dict(record["dynamodb"])
    created = change.get("ApproximateCreationDateTime")
    if isinstance(created, datetime):
        change["ApproximateCreationDateTime"] = created.timestamp()
    return {**record, "eventSourceARN": arn, "dynamodb": change}


def _queue_record(message: Mapping[str, Any], queue: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn(queue),
        "awsRegion": REGION,
    }


def _schedule_event(name: str) -> dict[str, Any]:
    return {
        "version": "0",
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "account": ACCOUNT,
        "region": REGION,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PREFIX}-{name.removeprefix('pipeline-')}"],
        "detail": {},
    }
