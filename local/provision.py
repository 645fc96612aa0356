"""Create the resources that a deployment would have: tables, queues, bucket, secrets and the state machine."""

import json
import os
from pathlib import Path
from typing import Any

import boto3

from local.environment import (
    DATA_KEY,
    MAIL_DOMAIN,
    MEDIA_BUCKET,
    PREFIX,
    ROOT,
    SECRET_PREFIX,
    STATE_MACHINE,
    function_arn,
    queue_arn,
)
from local.keys import secret_values
from shared.stages.queues import QUEUES

ROLE = "arn:aws:iam::123456789012:role/kinora-local"
_FUNCTIONS = {"DispatchFunctionArn": "pipeline-dispatch", "SettleFunctionArn": "pipeline-settle"}
STATE_MACHINE_FILE = ROOT / "stepfunctions" / "generate_video.asl.json"


def provision(endpoint_url: str, folder: Path) -> None:
    """Create all resources but the state machine in the account at `endpoint_url`. The keys are stored in `folder`."""
    os.environ["AWS_ENDPOINT_URL"] = endpoint_url  # pynamodb's client reads it too
    _tables()
    create_queues(boto3.client("sqs"))
    boto3.client("s3").create_bucket(Bucket=MEDIA_BUCKET, ACL="private")
    boto3.client("s3").put_bucket_versioning(Bucket=MEDIA_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    boto3.client("sesv2").create_email_identity(EmailIdentity=MAIL_DOMAIN)
    kms = boto3.client("kms")
    kms.create_alias(AliasName=DATA_KEY, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    secrets = boto3.client("secretsmanager")
    for name, value in secret_values(folder / "keys").items():
        secrets.create_secret(Name=SECRET_PREFIX + name)
        if value:
            secrets.put_secret_value(SecretId=SECRET_PREFIX + name, SecretString=value)


def provision_state_machine() -> None:
    """Create the state machine, after `provision`. moto needs a second to load its parser."""
    boto3.client("stepfunctions").create_state_machine(name=STATE_MACHINE, definition=definition(), roleArn=ROLE)


def definition() -> str:
    """Return the state machine's definition with this environment's function ARNs."""
    text = STATE_MACHINE_FILE.read_text()
    for name, function in _FUNCTIONS.items():
        text = text.replace(f"${{{name}}}", function_arn(function))
    return text


def _tables() -> None:
    from infra.tables import RECORDS  # noqa: PLC0415  # records read the environment, which `provision` sets first

    for record in RECORDS:
        record.create_table(wait=True)


def create_queues(sqs: Any) -> None:
    """Create every queue of `shared/stages/queues.py` and its dead-letter queue."""
    for queue in QUEUES:
        sqs.create_queue(QueueName=f"{PREFIX}-{queue.name}-dlq")
        redrive = {
            "deadLetterTargetArn": queue_arn(f"{queue.name}-dlq"),
            "maxReceiveCount": str(queue.max_receives),
        }
        sqs.create_queue(
            QueueName=f"{PREFIX}-{queue.name}",
            Attributes={
                "VisibilityTimeout": str(queue.visibility_seconds),
                "RedrivePolicy": json.dumps(redrive),
            },
        )
