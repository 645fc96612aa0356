"""The verification of one upload: inspect it, store its clean copy, and write the verdict."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shared.assets.record import AssetRecord
from shared.assets.store import AssetNotFound, assets
from shared.aws import media
from shared.observability import logger
from workers.verification.inspect import inspect
from workers.verification.verdict import MediaKind, Rejected

if TYPE_CHECKING:  # the image does not contain the stubs
    from mypy_boto3_s3 import S3Client


def verify(asset: AssetRecord, client: "S3Client") -> None:
    """Change the asset from VERIFYING to READY or REJECTED, and delete the upload. `client` reaches its media."""
    with TemporaryDirectory(prefix="kinora-") as folder:
        _verify(asset, Path(folder), client)
        media.delete(asset.quarantine_key, client=client)


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
