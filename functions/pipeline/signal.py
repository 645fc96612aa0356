"""Ends what nobody will finish: tasks that their queue gave up on."""

import json
from contextlib import suppress
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from shared.assets.store import AssetNotFound, AssetStore
from shared.jobs import executions
from shared.jobs.record import JobStatus
from shared.jobs.store import JobStore
from shared.observability import logger
from shared.stages.messages import AssetVerificationTask, StageTask

jobs = JobStore()
assets = AssetStore()

_LETTER: TypeAdapter[StageTask | AssetVerificationTask] = TypeAdapter(
    StageTask | AssetVerificationTask,
    config=ConfigDict(hide_input_in_errors=True),  # errors are logged, prompts are not
)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A batch of messages from the dead-letter queues."""
    failed = []
    for record in event["Records"]:
        try:
            _give_up(record["body"])
        except Exception:  # noqa: BLE001  # one bad message must not hold back the others; it is delivered again
            logger.exception("dead letter not answered", message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _give_up(body: str) -> None:
    match _LETTER.validate_json(body):
        case AssetVerificationTask(asset_id=asset_id):
            _reject_asset(asset_id)
        case task:
            _answer_token(task)


def _reject_asset(asset_id: str) -> None:
    logger.error("verification given up", asset_id=asset_id)
    with suppress(AssetNotFound):
        assets.reject(assets.get(asset_id), error="This file could not be looked at. Upload it again.")


def _answer_token(task: StageTask) -> None:
    token = jobs.token(task.job_id, task.stage)
    if token is None:
        return
    if jobs.get(task.job_id).step(task.stage).status == JobStatus.COMPLETED:  # recorded, but nobody could be told
        executions.answer(token)
    else:
        logger.error("step given up", job_id=task.job_id, stage=task.stage)
        cause = {"code": "worker_lost", "message": "This step failed several times. Nothing was charged."}
        executions.answer(token, error="Stage.Final", cause=json.dumps(cause))
