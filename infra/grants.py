"""Permissions of functions and workers as data: CDK makes IAM policies of them, tests compare code with them."""

from dataclasses import dataclass

from shared.aws.records import Record
from shared.stages.stages import Stage

# Actions of Step Functions.
START, STOP, DESCRIBE = "states:StartExecution", "states:StopExecution", "states:DescribeExecution"
ANSWER = ("states:SendTaskSuccess", "states:SendTaskFailure")
BEAT = (*ANSWER, "states:SendTaskHeartbeat")

# Actions of DynamoDB. Scan is in neither: every list is a Query.
READ = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:ConditionCheckItem")
WRITE = (
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """The permissions of one role. Without a value a field grants nothing."""

    reads: tuple[type[Record], ...] = ()  # items by key, and queries of all indexes
    writes: tuple[type[Record], ...] = ()  # items one by one, in batches and in transactions; no reading
    secrets: tuple[str, ...] = ()  # their values
    secrets_described: tuple[str, ...] = ()  # whether they have a value, without reading it
    secrets_renewed: tuple[str, ...] = ()  # their values, new ones included
    media_reads: tuple[str, ...] = ()  # prefixes of keys, like `media_writes` and `media_deletes`
    media_writes: tuple[str, ...] = ()
    media_deletes: tuple[str, ...] = ()  # deleting objects, and listing them below the prefix
    sends: tuple[str, ...] = ()  # queues that it sends to
    # Stages whose tasks it sends: to their queues, or where the environment has a SageMaker endpoint for the stage, to
    # the endpoint, which fetches the task from below `JOBS`.
    dispatches: tuple[Stage, ...] = ()
    executions: tuple[str, ...] = ()  # actions of Step Functions on the pipeline and its executions
    sockets: bool = False  # sends to clients' WebSocket connections, and closes them
    public_keys: bool = False  # manages CloudFront's public keys and key groups


NOTHING = Grants()
