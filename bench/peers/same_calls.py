"""The peer: a function of the stock stack that makes the calls of our function, and shows what they return.

It has no rules: it checks no role, prices nothing and signs no URL. It stands frozen, like `stock`.
"""

import json
import os
from datetime import UTC, datetime
from uuid import uuid4

import boto3
from aws_lambda_powertools import Logger
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel, Field
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from bench.peers.stock import Item

PREFIX = os.environ["KINORA_TABLE_PREFIX"]
REGION = "us-east-1"


class StockQuota(Model):
    class Meta:
        table_name = f"{PREFIX}-quotas"
        region = REGION

    bucket = UnicodeAttribute(hash_key=True)
    full_at_ms = NumberAttribute()


class ByAccount(GlobalSecondaryIndex["StockJob"]):
    class Meta:
        index_name = "by_account"
        projection = KeysOnlyProjection()

    account_id = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)


class StockJob(Model):
    class Meta:
        table_name = f"{PREFIX}-jobs"
        region = REGION

    by_account = ByAccount()
    job_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    owner_id = UnicodeAttribute()
    project_id = UnicodeAttribute()
    status = UnicodeAttribute()
    progress = NumberAttribute()
    credits = NumberAttribute()
    seq = NumberAttribute()
    created_at = NumberAttribute()
    current_step = UnicodeAttribute(null=True)
    error = UnicodeAttribute(null=True)


class StockJobView(BaseModel):
    id: str
    project_id: str
    status: str
    progress: int
    credits: int
    seq: int
    created_at: datetime
    current_step: str | None
    error: str | None


class JobsView(BaseModel):
    data: list[StockJobView]


class Submitted(BaseModel):
    id: str
    project_id: str
    prompt: str
    created_at: datetime


class StockSettings(BaseModel):
    duration: int = Field(ge=1, le=60)


class Submission(BaseModel):
    project_id: str = Field(alias="projectId")
    prompt: str = Field(min_length=1, max_length=2000)
    settings: StockSettings


logger = Logger(service="stock")
app = FastAPI()
s3 = boto3.client("s3")
stepfunctions = boto3.client("stepfunctions")
connection = Connection(region=REGION)


@app.get("/api/jobs")
def list_jobs(account_id: str) -> JobsView:
    _count(account_id)
    found = [row.job_id for row in StockJob.by_account.query(account_id, scan_index_forward=False, limit=21)]
    return JobsView(data=[_view(job) for job in StockJob.batch_get(found[:20])])


@app.get("/api/jobs/{job_id}")
def read_job(job_id: str, account_id: str) -> StockJobView:
    _count(account_id)
    [job] = StockJob.batch_get([job_id], consistent_read=True)
    list(Item.batch_get(["one", "two", "three"]))
    for _ in range(2):
        s3.get_object(Bucket=os.environ["KINORA_MEDIA_BUCKET"], Key="stock")["Body"].read()
    return _view(job)


@app.post("/api/jobs", status_code=202)
def create_job(body: Submission, account_id: str) -> Submitted:
    _count(account_id)
    for _ in range(4):
        Item.get("one")
    _write(4)
    _look_for_work()
    list(Item.query("one", limit=1, consistent_read=True))
    Item.get("one")
    _write(4)
    job_id = str(uuid4())
    stepfunctions.start_execution(
        stateMachineArn=os.environ["KINORA_STATE_MACHINE_ARN"], name=job_id, input=json.dumps({"jobId": job_id})
    )
    _look_for_work()
    _look_for_work()
    logger.info("job accepted", extra={"job_id": job_id})
    return Submitted(id=job_id, project_id=body.project_id, prompt=body.prompt, created_at=datetime.now(UTC))


def _count(account_id: str) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)
    StockQuota(f"stock#{account_id}").update(
        [StockQuota.full_at_ms.set(now)], StockQuota.bucket.does_not_exist() | (StockQuota.full_at_ms <= now)
    )


def _look_for_work() -> None:
    list(Item.batch_get(["one"], consistent_read=True))
    for _ in range(2):
        list(Item.query("one", limit=1))
    Item.get("one", consistent_read=True)


def _write(items: int) -> None:
    with TransactWrite(connection=connection, client_request_token=str(uuid4())) as transaction:
        for _ in range(items):
            transaction.save(Item(str(uuid4()), name="Harbour at night"))


def _view(job: StockJob) -> StockJobView:
    return StockJobView(
        id=job.job_id, project_id=job.project_id, status=job.status, progress=int(job.progress),
        credits=int(job.credits), seq=int(job.seq), created_at=datetime.fromtimestamp(job.created_at, UTC),
        current_step=job.current_step, error=job.error,
    )  # fmt: skip


handler = logger.inject_lambda_context(Mangum(app, lifespan="off"))
