"""The reader of the queue of imports: it downloads the file of an asset into quarantine, and starts the verification.

It decodes nothing. The URL is a creator's, so it is reached through `shared/egress` only.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from functions.assets.verification import MAX_BYTES, verify
from shared.assets.record import AssetRecord, AssetStatus
from shared.assets.store import AssetNotFound, StorageFull, assets
from shared.aws import media
from shared.core.clock import utc_now
from shared.egress.addresses import UnsafeUrl
from shared.egress.client import DownloadFailed, download
from shared.observability import about, logged, logger, observed
from shared.stages.messages import AssetImportTask
from shared.subscriptions.plans import PLANS
from shared.subscriptions.store import subscriptions

_SECONDS = 120  # maximum duration of a download


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle messages of the queue of imports."""
    failed = []
    for record in event["Records"]:
        with logged(message_id=record["messageId"]):
            try:
                _handle(AssetImportTask.model_validate_json(record["body"]))
            except Exception:  # noqa: BLE001  # SQS must deliver this message again after any error
                logger.exception("asset not imported")
                failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _handle(task: AssetImportTask) -> None:
    """Import the file, or change the asset to REJECTED with the reason. An asset that is not PENDING is left alone."""
    about(asset_id=task.asset_id)
    try:
        asset = assets.get(task.asset_id)
    except AssetNotFound:
        return
    if asset.status != AssetStatus.PENDING:
        return
    with TemporaryDirectory(prefix="kinora-") as folder:
        path = Path(folder) / "file"
        try:
            download(task.url, path, most_bytes=MAX_BYTES, seconds=_SECONDS)
            _check_space(asset, path.stat().st_size)
        except (DownloadFailed, UnsafeUrl, StorageFull) as error:
            logger.info("import refused", code=error.code)
            assets.give_up(asset, code=error.code, error=error.detail)
            return
        assets.measured(asset, path.stat().st_size)
        media.store_upload(path, asset.quarantine_key, asset.media_type)
    verify(asset)


def _check_space(asset: AssetRecord, size: int) -> None:
    """Raise StorageFull if the file does not fit. The asset itself is counted already, with the size of 0 bytes."""
    limits = PLANS[subscriptions.plan(asset.account_id)]
    assets.check_space(
        asset.account_id, size=size, most=limits.assets + 1, most_bytes=limits.stored_bytes, at=utc_now()
    )
