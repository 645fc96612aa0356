"""The handling of one task of verification, wherever the upload is decoded."""

from collections.abc import Callable
from contextlib import suppress

from shared.assets.record import AssetRecord, AssetStatus
from shared.assets.store import AssetNotFound, assets
from shared.aws.traces import segment
from shared.observability import about
from shared.stages.messages import AssetVerificationTask, MediaRequest
from shared.stages.queues import VERIFICATION_QUEUE
from workers.runtime.granted import NotGranted
from workers.runtime.outages import AWS_ERRORS
from workers.runtime.receipt import Receipt

Verify = Callable[[AssetRecord, MediaRequest], None]


def handle(delivery: Receipt, verify: Verify) -> None:
    """Handle one delivery: `verify` changes the asset from VERIFYING to READY or REJECTED, and deletes the upload.

    If AWS does not answer, hand the task back and raise one of `AWS_ERRORS`.
    """
    task = AssetVerificationTask.model_validate_json(delivery.body)
    about(asset_id=task.asset_id)
    try:
        asset = assets.get(task.asset_id)
    except AssetNotFound:
        delivery.delete()
        return
    if asset.status == AssetStatus.VERIFYING:
        try:
            with (
                segment(f"{VERIFICATION_QUEUE}-worker", asset_id=task.asset_id),
                suppress(NotGranted),  # the asset has a newer message
            ):
                verify(asset, MediaRequest(proof=task.proof or "", asset_id=task.asset_id))
        except AWS_ERRORS:
            with suppress(*AWS_ERRORS):
                delivery.hand_back()
            raise
    delivery.delete()
