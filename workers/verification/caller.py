"""The Lambda that receives uploads to verify, and lets a function without a network decode them (docs/adr/0076)."""

from functools import partial
from typing import Any

from shared.assets.record import AssetRecord
from shared.aws.clients import functions, patient_functions, sqs
from shared.aws.init import prepare
from shared.aws.records import dynamodb
from shared.observability import observed
from shared.stages.messages import MediaRequest
from workers.runtime.granted import granted
from workers.runtime.outages import IsolatedOutage
from workers.runtime.received import call, each_task
from workers.verification.handler import handle
from workers.verification.isolation import VerificationOrder, VerificationOutcome

prepare(dynamodb, functions, patient_functions, sqs)


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Handle tasks of verification. The event source has batches of one message."""
    return each_task(event, partial(handle, verify=_verify_there))


def _verify_there(asset: AssetRecord, request: MediaRequest) -> None:
    answer = call(VerificationOrder(asset_id=asset.asset_id, credentials=granted(request)))
    if outage := VerificationOutcome.model_validate(answer).outage:
        raise IsolatedOutage(outage)
