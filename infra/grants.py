"""Permissions of functions and workers as data. The CDK app makes IAM policies from them; tests compare the code."""

from dataclasses import dataclass

from shared.aws.records import Record
from shared.stages.stages import Stage

# Actions of Step Functions.
START, STOP, DESCRIBE = "states:StartExecution", "states:StopExecution", "states:DescribeExecution"
LIST = "states:ListExecutions"
ANSWER = ("states:SendTaskSuccess", "states:SendTaskFailure")

# Actions of DynamoDB. Every list is a Query, except in the upkeep functions, which read whole tables in pages.
READ = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:ConditionCheckItem")
SCAN = ("dynamodb:Scan",)
WRITE = (
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
)


@dataclass(frozen=True, slots=True)
class Updates:
    """The permission to update single items of a table. Without `attributes` all attributes may be written."""

    record: type[Record]
    attributes: tuple[str, ...] = ()  # top-level attributes that may be written or named in a condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """The permissions of one role. An empty field grants nothing."""

    reads: tuple[type[Record], ...] = ()  # tables: get items, query all indexes
    scans: tuple[type[Record], ...] = ()  # tables: read all items in pages
    writes: tuple[type[Record], ...] = ()  # tables: write items one by one, in batches and in transactions; no reading
    gets: tuple[type[Record], ...] = ()  # tables: get single items by their keys
    puts: tuple[type[Record], ...] = ()  # tables: put single items
    updates: tuple[Updates, ...] = ()
    secrets: tuple[str, ...] = ()  # read the values
    secrets_described: tuple[str, ...] = ()  # see whether the secrets have a value, without reading it
    secrets_renewed: tuple[str, ...] = ()  # read the values and store new ones
    media_reads: tuple[str, ...] = ()  # prefixes of keys, like the other fields of media
    media_writes: tuple[str, ...] = ()
    media_lists: tuple[str, ...] = ()  # see which objects exist below the prefix
    media_versions: tuple[str, ...] = ()  # see all versions of the objects below the prefix
    media_deletes: tuple[str, ...] = ()  # delete objects and their versions, and list them below the prefix
    sends: tuple[str, ...] = ()  # queues that the role sends to
    # Stages whose tasks the role sends to the stage's queues. If the environment has a SageMaker endpoint for a stage,
    # the role stores the task below `WORK` and invokes the endpoint.
    dispatches: tuple[Stage, ...] = ()
    executions: tuple[str, ...] = ()  # actions of Step Functions on the pipeline and its executions
    calls: tuple[str, ...] = ()  # functions that the role invokes
    measures_workers: bool = False  # read the numbers of tasks in the workers' queues, and of running workers
    starts_workers: bool = False  # read the numbers of workers, and start one
    lends_media: bool = False  # create credentials for media, with the permissions of the media role or fewer
    sockets: bool = False  # send to clients' WebSocket connections and close them
    seals: bool = False  # encrypt secrets of accounts with the deployment's key
    unseals: bool = False  # decrypt them
    mails: bool = False  # send email from the deployment's own address
    public_keys: bool = False  # manage CloudFront's public keys and key groups

    @property
    def tables(self) -> frozenset[type[Record]]:
        """Return the records of all tables that the role may access."""
        updated = (updates.record for updates in self.updates)
        return frozenset({*self.reads, *self.scans, *self.writes, *self.gets, *self.puts, *updated})


NOTHING = Grants()
