"""The requests of assets: take uploads into quarantine, start their verification, return signed URLs."""

from datetime import timedelta
from typing import Any

from shared.access.principal import Principal
from shared.assets.record import AssetRecord, AssetType
from shared.assets.store import assets
from shared.aws import media, queues
from shared.aws.transactions import Transaction
from shared.core.clock import utc_now
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.grants.store import grants
from shared.projects.store import projects
from shared.stages.messages import AssetVerificationTask
from shared.stages.queues import VERIFICATION_QUEUE

MAX_BYTES = 200 * 1024 * 1024  # maximum size of an upload
URL_LIFE = timedelta(hours=1)  # validity of a signed URL


class NothingUploaded(Conflict):
    code = "nothing_uploaded"


def begin(
    caller: Principal,
    *,
    name: str,
    type: AssetType,
    media_type: str,
    size: int,
    project_id: str | None,
    tx: Transaction,
) -> tuple[AssetRecord, dict[str, Any]]:
    """Return a new PENDING asset and a form that uploads at most `size` bytes."""
    if project_id is not None:
        projects.get(project_id, account_id=caller.account_id)
    asset = assets.create(
        new_id("ast"),
        owner_id=caller.user_id,
        account_id=caller.account_id,
        project_id=project_id,
        name=name,
        type=type,
        media_type=media_type,
        size=size,
        at=utc_now(),
        tx=tx,
    )
    return asset, media.upload_form(asset.quarantine_key, media_type, size)


def complete(asset_id: str, caller: Principal) -> AssetRecord:
    """Change the asset from PENDING to VERIFYING. Raise NothingUploaded if S3 has no file for it.

    A repeated call sends the task again, because the first task may never have been sent.
    """
    asset = assets.get(asset_id, account_id=caller.account_id)
    if asset.key is None and asset.error is None:
        if not media.exists(asset.quarantine_key):
            raise NothingUploaded("Nothing was uploaded for this asset yet.")
        # The proof is issued first: an asset in VERIFYING without one was sent by the previous release.
        task = AssetVerificationTask(asset_id=asset_id, proof=grants.issue(asset_id, at=utc_now()))
        assets.begin_verifying(asset)
        queues.send(VERIFICATION_QUEUE, task, group=caller.account_id)
    return assets.get(asset_id, account_id=caller.account_id)


def delete(asset_id: str, caller: Principal) -> None:
    """Delete the asset and its media.

    The record loses its file first, so it never names a missing file, and a verification in progress cannot add one.
    The record is deleted last: if the request stops halfway, the caller can delete the asset again.
    """
    asset = assets.get(asset_id, account_id=caller.account_id)
    assets.withdraw(asset)
    media.delete_below(asset.prefix)
    media.delete_below(asset.quarantine_key)
    assets.delete(asset)


def url(asset: AssetRecord) -> str | None:
    if asset.key is None:
        return None
    return media.MediaAccess(asset.prefix, utc_now() + URL_LIFE).url(asset.key)
