"""The worker that verifies uploads before any other use: `python -m workers.verification.main`."""

import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shared.assets.record import AssetRecord, AssetStatus
from shared.assets.store import AssetNotFound, assets
from shared.aws import media
from shared.aws.traces import segment
from shared.observability import about, logger
from shared.stages.messages import AssetVerificationTask, MediaRequest
from shared.stages.queues import VERIFICATION_QUEUE, VERIFICATION_VISIBILITY_SECONDS
from workers.runtime.granted import GrantedMedia, NotGranted, reach_media
from workers.runtime.outages import AWS_ERRORS
from workers.runtime.queues import Delivery, Shutdown, consume
from workers.verification.confinement import hide
from workers.verification.inspect import inspect
from workers.verification.verdict import MediaKind, Rejected

if TYPE_CHECKING:  # the image does not contain the stubs
    from mypy_boto3_s3 import S3Client


def handle(delivery: Delivery) -> None:
    """Handle one delivery: change the asset from VERIFYING to READY or REJECTED, and delete the upload.

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
            _judge(asset, task)
        except AWS_ERRORS:
            with suppress(*AWS_ERRORS):
                delivery.hand_back()
            raise
    delivery.delete()


def _judge(asset: AssetRecord, task: AssetVerificationTask) -> None:
    with (
        segment(f"{VERIFICATION_QUEUE}-worker", asset_id=task.asset_id),
        TemporaryDirectory(prefix="kinora-") as folder,
        suppress(NotGranted),  # the asset has a newer message
    ):
        granted = GrantedMedia(MediaRequest(proof=task.proof or "", asset_id=task.asset_id))
        _verify(asset, Path(folder), granted.client)
        media.delete(asset.quarantine_key, client=granted.client)


def _verify(asset: AssetRecord, folder: Path, client: "S3Client") -> None:
    upload, clean = folder / "upload", folder / "clean"
    clean.mkdir()
    try:
        media.download(asset.quarantine_key, upload, client=client)
    except media.Missing:
        assets.reject(asset, code="nothing_uploaded", error="Nothing was uploaded.")
        return
    verdict = inspect(upload, MediaKind(asset.type), clean)
    if isinstance(verdict, Rejected):
        logger.info("asset rejected", code=verdict.code)
        assets.reject(asset, code=verdict.code, error=verdict.public_message)
        return
    key = asset.prefix + verdict.path.name
    media.upload(verdict.path, key, verdict.media_type, kind="final", client=client)
    previews = [preview for preview in (verdict.thumbnail, verdict.depth, verdict.matte) if preview]
    for preview in previews:
        media.upload(preview, asset.prefix + preview.name, "image/jpeg", kind="final", client=client)
    assets.accept(
        asset,
        key=key,
        media_type=verdict.media_type,
        size=verdict.bytes,
        width=verdict.width,
        height=verdict.height,
        duration=verdict.duration_seconds,
        captions=verdict.captions,
        depth_key=asset.prefix + verdict.depth.name if verdict.depth else None,
        matte_key=asset.prefix + verdict.matte.name if verdict.matte else None,
        thumbnail_key=asset.prefix + verdict.thumbnail.name if verdict.thumbnail else None,
    )
    try:
        accepted = assets.get(asset.asset_id).key == key
    except AssetNotFound:
        accepted = False
    if not accepted:  # deleted or rejected during the verification
        for unnamed in (key, *(asset.prefix + preview.name for preview in previews)):
            media.delete(unnamed, client=client)


def main() -> None:
    hide()
    shutdown = Shutdown()
    shutdown.listen()
    logger.append_keys(worker=VERIFICATION_QUEUE)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    consume(
        (VERIFICATION_QUEUE,),
        handle,
        shutdown,
        visibility_seconds=VERIFICATION_VISIBILITY_SECONDS,
        probe=_reach_aws,
    )


def _reach_aws() -> None:
    with suppress(AssetNotFound):
        assets.get("ast_probe")
    reach_media()


if __name__ == "__main__":
    main()
