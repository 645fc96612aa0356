"""A queue of `shared/stages/queues.py` and its dead-letter queue, encrypted, with TLS required."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.environments import Environment
from shared.stages.queues import Queue

RETENTION = Duration.days(14)  # SQS's maximum, to give the operator time


class DeadLetterQueue(sqs.Queue):
    """A queue of messages that failed; they stay until an operator handles them, and an alarm watches each queue."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        queue_name: str,
        visibility_seconds: int = 30,
    ) -> None:
        super().__init__(
            scope,
            id,
            queue_name=queue_name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=RETENTION,
            visibility_timeout=Duration.seconds(visibility_seconds),
        )
        acknowledge(
            self,
            "It is a dead-letter queue itself, and an alarm watches it.",
            "AwsSolutions-SQS3",
            "Serverless-SQSRedrivePolicy",
        )


class StageQueue(Construct):
    """The queue `{prefix}-{name}` and its dead-letter queue `{prefix}-{name}-dlq`.

    `consumer_seconds` is the timeout of the function that reads the dead letters. The visibility timeout of that queue
    is six times as long, as Lambda recommends.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        queue: Queue,
        consumer_seconds: int,
    ) -> None:
        super().__init__(scope, id)
        name = f"{environment.prefix}-{queue.name}"
        self.dead_letters = DeadLetterQueue(
            self, "DeadLetters", queue_name=f"{name}-dlq", visibility_seconds=6 * consumer_seconds
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(4),
            visibility_timeout=Duration.seconds(queue.visibility_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=queue.max_receives),
        )
