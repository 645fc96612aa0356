"""The restore drill of the runbook: tables restored beside the real ones, and their audit in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from functions.pipeline import settle
from infra.tables import RECORDS
from local.environment import ACCOUNT
from shared.aws.clients import s3
from shared.core.clock import utc_now
from shared.credits.record import LedgerRecord
from shared.jobs.steps import steps
from shared.stages.stages import Stage
from tests.support.steps import claim, complete_step, complete_steps
from tests.support.studio import Studio

pytestmark = pytest.mark.slow  # each test starts two processes

ROOT = Path(__file__).parents[2]
MEDIA = f"kinora-prod-media-{ACCOUNT}"
Audit = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def audit() -> Iterator[Audit]:
    """A function that runs the audit of restored tables with the operator's variables: exit status and output."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "PATH": os.defpath, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "NO_PROXY": host, "COLUMNS": "200",
    }  # fmt: skip

    def run(*options: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "tools.audit", "--env", "prod", "--tables", "drill-kinora-prod", *options]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # our own program
        return done.returncode, done.stdout.strip()

    yield run
    server.stop()


@pytest.fixture
def account(studio: Studio) -> Iterator[str]:
    """The account of a creator with a completed job and a running one, in restored tables too."""
    ada = studio.arrive("ada@example.com", credits=1000)
    project = ada.project()
    completed, running = (str(ada.job(project)["id"]) for _ in range(2))
    for job_id in (completed, running):
        steps.store_token(job_id, Stage.IMAGE_GENERATION, "token", at=utc_now())
    complete_steps(completed)
    settle.handler({"jobId": completed}, None)
    complete_step(running, Stage.IMAGE_GENERATION)
    claim(running, Stage.VIDEO_SYNTHESIS)
    s3().create_bucket(Bucket=MEDIA)
    for item in s3().list_objects_v2(Bucket="kinora-test-media")["Contents"]:
        s3().copy_object(Bucket=MEDIA, Key=item["Key"], CopySource=f"kinora-test-media/{item['Key']}")
    restored = {record.Meta.table_name: record.Meta.table_name.replace("test", "prod", 1) for record in RECORDS}
    dynamodb = boto3.client("dynamodb")
    for source, target in restored.items():
        dynamodb.restore_table_to_point_in_time(
            SourceTableName=source, TargetTableName=f"drill-{target}", UseLatestRestorableTime=True
        )
    yield ada.user_id
    for target in restored.values():
        dynamodb.delete_table(TableName=f"drill-{target}")


def test_restored_tables_are_audited_instead_of_the_real_ones(account: str, audit: Audit) -> None:
    LedgerRecord(account, "grant#opening").delete()  # in the real table
    assert audit() == (0, "No findings.")


def test_a_corruption_in_a_restored_table_is_found(account: str, audit: Audit) -> None:
    boto3.client("dynamodb").delete_item(
        TableName="drill-kinora-prod-credit-ledger",
        Key={"account_id": {"S": account}, "operation_id": {"S": "grant#opening"}},
    )
    status, found = audit()
    assert (status, account in found, "I1" in found) == (1, True, True)


@pytest.mark.usefixtures("account")
def test_old_data_is_audited_as_of_its_time(audit: Audit) -> None:
    """A job that ran then is past its deadline now."""
    restored_at = utc_now()
    assert audit("--at", f"{restored_at:%Y-%m-%dT%H:%M:%SZ}") == (0, "No findings.")
    status, found = audit("--at", f"{restored_at + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}")
    assert (status, "I3" in found) == (1, True)
