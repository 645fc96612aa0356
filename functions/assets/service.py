"""The requests of assets: take uploads into quarantine, start their verification, return signed URLs."""

from datetime import timedelta
from typing import Any

from shared.assets.record import AssetRecord, AssetType
from shared.assets.store import AssetInUse, assets
from shared.assets.verifications import verifications
from shared.aws import media, queues
from shared.aws.transactions import Transaction
from shared.core.clock import utc_now
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.grants.store import grants
from shared.jobs.store import jobs
from shared.members.actor import Actor
from shared.projects.store import projects
from shared.stages.messages import AssetVerificationTask
from shared.stages.queues import VERIFICATION_QUEUE
from shared.subscriptions.plans import PLANS
from shared.subscriptions.record import PlanType
from shared.subscriptions.store import subscriptions

MAX_BYTES = 200 * 1024 * 1024  # maximum size of an upload
UPLOADS_AT_ONCE = {  # maximum number of an account's uploads under verification; a job has at most 7 inputs
    PlanType.FREE: 8,
    PlanType.PRO: 16,
    PlanType.ENTERPRISE: 64,
}
URL_LIFE = timedelta(hours=1)  # validity of a signed URL


class NothingUploaded(Conflict):
    code = "nothing_uploaded"


def begin(
    caller: Actor,
    *,
    name: str,
    type: AssetType,
    media_type: str,
    size: int,
    project_id: str | None,
    tx: Transaction,
) -> tuple[AssetRecord, dict[str, Any]]:
    """Return a new PENDING asset and a form that uploads at most `size` bytes. Raise StorageFull."""
    account_id = caller.user_id if project_id is None else projects.get(project_id, accounts=caller).account_id
    caller.stays_member(account_id, tx=tx)
    at, limits = utc_now(), PLANS[subscriptions.plan(account_id)]
    assets.check_space(account_id, size=size, most=limits.assets, most_bytes=limits.stored_bytes, at=at)
    asset = assets.create(
        new_id("ast"),
        owner_id=caller.user_id,
        account_id=account_id,
        project_id=project_id,
        name=name,
        type=type,
        media_type=media_type,
        size=size,
        at=at,
        tx=tx,
    )
    return asset, media.upload_form(asset.quarantine_key, media_type, size)


def complete(asset_id: str, caller: Actor) -> AssetRecord:
    """Change the asset from PENDING to VERIFYING, and send its task. Raise NothingUploaded if S3 has no file for it.

    A repeated call sends no second task, unless the first one may never have been sent. Raise TooManyUploads if too
    many uploads of the account are being verified.
    """
    asset = assets.get(asset_id, accounts=caller)
    if asset.key is None and asset.error is None:
        if not media.exists(asset.quarantine_key):
            raise NothingUploaded("Nothing was uploaded for this asset yet.")
        at = utc_now()
        at_once = UPLOADS_AT_ONCE[subscriptions.plan(asset.account_id)]
        if verifications.begin(asset, at_once=at_once, at=at):
            try:
                task = AssetVerificationTask(asset_id=asset_id, proof=grants.issue(asset_id, at=at))
                queues.send(VERIFICATION_QUEUE, task, group=asset.account_id)
            except Exception:
                verifications.forget(asset)
                raise
    return assets.get(asset_id, accounts=caller)


def delete(asset_id: str, caller: Actor) -> None:
    """Delete the asset and its media. Raise AssetInUse while a job needs them.

    The record loses its file first, so it never names a missing file, and a verification in progress cannot add one.
    The record is deleted last: if the request stops halfway, the caller can delete the asset again.
    """
    asset = assets.get(asset_id, accounts=caller)
    if any(not job.ended for job in jobs.several(asset.used_by or ())):
        raise AssetInUse
    assets.withdraw(asset)
    media.delete_below(asset.prefix)
    media.delete_below(asset.quarantine_key)
    assets.delete(asset)


def urls(asset: AssetRecord) -> dict[str, str]:
    """Return the signed URLs of the clean file and of its previews, by the fields of the asset's view."""
    keys = {"url": asset.key, "depth_url": asset.depth_key, "matte_url": asset.matte_key}
    access = media.MediaAccess(asset.prefix, utc_now() + URL_LIFE) if asset.key else None
    return {name: access.url(key) for name, key in keys.items() if access and key}
