"""Kinds of stores with their graphs and alarms, as data for the dashboards and for the test of the templates."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class StoreGraph:
    """A graph of one metric of AWS. It shows the ten stores with the largest values."""

    title: str
    metric: str
    statistic: str = "Sum"
    minutes: int = 5  # period
    dimensions: Mapping[str, str] = field(default_factory=dict)  # besides the store's name


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreKind:
    """A kind of store. AWS publishes no metric of secrets and of keys, so these have no graphs of their own."""

    type: str  # in CloudFormation
    alarm: str  # section of the runbook
    namespace: str = ""
    dimension: str = ""  # also the property with the store's name in CloudFormation
    graphs: tuple[StoreGraph, ...] = ()


OUR_CALLS = "store-failures"  # the alarm that counts the failed calls of our own code, whatever the store

STORES: tuple[StoreKind, ...] = (
    StoreKind(
        type="AWS::DynamoDB::Table",
        alarm=OUR_CALLS,
        namespace="AWS/DynamoDB",
        dimension="TableName",
        graphs=(
            StoreGraph("Throttled reads of tables", "ReadThrottleEvents"),
            StoreGraph("Throttled writes of tables", "WriteThrottleEvents"),
            StoreGraph("Read units of tables", "ConsumedReadCapacityUnits"),
            StoreGraph("Write units of tables", "ConsumedWriteCapacityUnits"),
        ),
    ),
    StoreKind(
        type="AWS::S3::Bucket",
        alarm="storage",
        namespace="AWS/S3",
        dimension="BucketName",
        graphs=(
            StoreGraph("Bytes in buckets", "BucketSizeBytes", "Maximum", DAY, {"StorageType": "StandardStorage"}),
            StoreGraph("Objects in buckets", "NumberOfObjects", "Maximum", DAY, {"StorageType": "AllStorageTypes"}),
        ),
    ),
    StoreKind(
        type="AWS::Logs::LogGroup",
        alarm="budget",  # nothing else grows without a limit; a line that is lost stops no job
        namespace="AWS/Logs",
        dimension="LogGroupName",
        graphs=(StoreGraph("Bytes into log groups", "IncomingBytes"),),
    ),
    # The graphs of queues are in the section of the queues.
    StoreKind(type="AWS::SQS::Queue", alarm="queue-age", namespace="AWS/SQS", dimension="QueueName"),
    StoreKind(type="AWS::SecretsManager::Secret", alarm=OUR_CALLS),
    StoreKind(type="AWS::KMS::Key", alarm=OUR_CALLS),
)
