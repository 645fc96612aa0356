"""The requests of assets: take uploads and imports into quarantine, start their verification, return signed URLs."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from functions.assets.verification import verify
from shared.assets.record import AssetRecord, AssetStatus, AssetType
from shared.assets.store import AssetInUse, assets
from shared.assets.verifications import TooManyUploads
from shared.aws import media, queues
from shared.aws.transactions import Transaction
from shared.core.clock import utc_now
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.core.slices import Slice
from shared.egress.addresses import checked_url, open_hosts
from shared.jobs.store import jobs
from shared.members.actor import Actor
from shared.projects.store import projects
from shared.stages.messages import AssetImportTask
from shared.stages.queues import IMPORT_QUEUE
from shared.stages.stages import FILM, STAGES, Role
from shared.subscriptions.plans import PLANS
from shared.subscriptions.store import subscriptions

URL_LIFE = timedelta(hours=1)  # validity of a signed URL


UNKNOWN_TYPE = "application/octet-stream"  # of an import until its verification


class NothingUploaded(Conflict):
    code = "nothing_uploaded"


class NothingDelivered(Conflict):
    """The job has no film, or its film is not paid."""

    code = "nothing_delivered"

    def __init__(self) -> None:
        super().__init__("This job has delivered nothing. Wait for its end.")


class JobOutput(StrEnum):
    """A file that a completed job has delivered."""

    VIDEO = "VIDEO"
    POSTER = "POSTER"


OUTPUTS = {
    JobOutput.VIDEO: (STAGES[FILM].main, AssetType.VIDEO, "video/mp4"),
    JobOutput.POSTER: (Role.POSTER, AssetType.IMAGE, "image/jpeg"),
}


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
    asset = _create(
        caller, name=name, type=type, media_type=media_type, size=size, project_id=project_id, tx=tx
    )  # fmt: skip
    return asset, media.upload_form(asset.quarantine_key, media_type, size)


def _create(
    caller: Actor,
    *,
    name: str,
    type: AssetType,
    media_type: str,
    size: int,
    project_id: str | None,
    tx: Transaction,
) -> AssetRecord:
    """Add a PENDING asset of the project's account, or of the caller's own, to the transaction. Raise StorageFull."""
    account_id = caller.user_id if project_id is None else projects.get(project_id, accounts=caller).account_id
    caller.stays_member(account_id, tx=tx)
    at, limits = utc_now(), PLANS[subscriptions.plan(account_id)]
    assets.check_space(account_id, size=size, most=limits.assets, most_bytes=limits.stored_bytes, at=at)
    return assets.create(
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


def import_url(
    caller: Actor, *, url: str, name: str, type: AssetType, project_id: str | None, tx: Transaction
) -> AssetRecord:
    """Return a new PENDING asset, whose file another function downloads. Raise UnsafeUrl or StorageFull."""
    url = checked_url(url, open_to=open_hosts())
    asset = _create(caller, name=name, type=type, media_type=UNKNOWN_TYPE, size=0, project_id=project_id, tx=tx)
    tx.after_commit(lambda: _send_import(asset, url))
    return asset


def _send_import(asset: AssetRecord, url: str) -> None:
    try:
        queues.send(IMPORT_QUEUE, AssetImportTask(asset_id=asset.asset_id, url=url), group=asset.account_id)
    except Exception:
        assets.give_up(asset, code="not_started", error="The import could not start. Try again.")
        raise


def import_output(
    caller: Actor, *, job_id: str, output: JobOutput, name: str, tx: Transaction
) -> AssetRecord:  # fmt: skip
    """Return a new PENDING asset in the job's project, with a copy of what the job has delivered.

    A copy is verified as an upload. Raise NothingDelivered, or StorageFull.
    """
    job = jobs.get(job_id, accounts=caller)
    film = jobs.results(job).get(FILM) if job.captured else None
    key = film.key(OUTPUTS[output][0]) if film else None
    if key is None:
        raise NothingDelivered
    kind, media_type = OUTPUTS[output][1:]
    asset = _create(caller, name=name, type=kind, media_type=media_type, size=0, project_id=job.project_id, tx=tx)
    tx.after_commit(lambda: _copy(asset, key))
    return asset


def _copy(asset: AssetRecord, key: str) -> None:
    try:
        media.copy(key, asset.quarantine_key)
        verify(asset)
    except (media.Missing, TooManyUploads) as error:
        missing = "The job's media are deleted."
        detail = error.detail if isinstance(error, TooManyUploads) else missing
        assets.give_up(asset, code="not_copied", error=detail)
    except Exception:
        assets.give_up(asset, code="not_copied", error="The copy failed. Try again.")
        raise


def complete(asset_id: str, caller: Actor) -> AssetRecord:
    """Change the asset from PENDING to VERIFYING, and send its task. Raise NothingUploaded if S3 has no file for it.

    A repeated call sends no second task, unless the first one may never have been sent. Raise TooManyUploads if too
    many uploads of the account are being verified.
    """
    asset = assets.get(asset_id, accounts=caller)
    if asset.key is None and asset.error is None:
        if not media.exists(asset.quarantine_key):
            raise NothingUploaded("Nothing was uploaded for this asset yet.")
        verify(asset)
    return assets.get(asset_id, accounts=caller)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFilter:
    """The assets that a list shows: those with all these values, and with each word of `text` in the name."""

    project_id: str | None = None
    type: AssetType | None = None
    status: AssetStatus | None = None
    text: str | None = None

    def fits(self, asset: AssetRecord) -> bool:
        name = asset.name.casefold()
        return (
            self.project_id in {None, asset.project_id}
            and self.type in {None, asset.type}
            and self.status in {None, asset.status}
            and all(word in name for word in (self.text or "").casefold().split())
        )


def page(
    caller: Actor, organization_id: str | None, wanted: AssetFilter, *, limit: int, after: str | None
) -> Slice[AssetRecord]:
    """Return some assets of an account. A project must be of a named organization."""
    account_id = caller.account(organization_id)
    if wanted.project_id is not None:
        accounts = caller if organization_id is None else {account_id}
        account_id = projects.get(wanted.project_id, accounts=accounts).account_id
    if wanted == AssetFilter():
        return assets.page(account_id=account_id, limit=limit, after=after)
    return assets.search(wanted.fits, account_id=account_id, limit=limit, after=after)


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
    keys = {
        "url": asset.key,
        "thumbnail_url": asset.thumbnail_key,
        "depth_url": asset.depth_key,
        "matte_url": asset.matte_key,
    }
    access = media.MediaAccess(asset.prefix, utc_now() + URL_LIFE) if asset.key else None
    return {name: access.url(key) for name, key in keys.items() if access and key}
