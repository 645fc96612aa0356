"""Messages to the environment's queues."""

from shared.aws.clients import sqs
from shared.aws.traces import header
from shared.core.config import Config
from shared.core.wire import Wire


class QueueConfig(Config):
    queue_url_prefix: str = ""


def queue_url(name: str) -> str:
    return QueueConfig().queue_url_prefix + name


def send(name: str, message: Wire, *, group: str, delay_seconds: int = 0) -> None:
    """Send the message with the header of the current trace.

    `group` is the id of the account that the work is for. SQS fair queues deliver the groups in turn. Consumers
    receive the message after `delay_seconds` (at most 900).
    """
    trace = header()
    sqs().send_message(
        QueueUrl=queue_url(name),
        MessageBody=message.encoded(),
        MessageGroupId=group,
        DelaySeconds=delay_seconds,
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": trace}} if trace else {},
    )
