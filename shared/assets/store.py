"""Reads and writes of assets."""

from collections.abc import Callable, Collection, Container, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from pynamodb.expressions.update import Action

from shared.assets.record import AssetRecord, AssetStatus, AssetType
from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, NotFound
from shared.core.slices import Slice, first_of

MOST_SEARCHED = 2000  # number of assets that one request examines, newest first
FORM_LIFE = timedelta(days=1)  # the time after which the bucket deletes an upload that nobody registered


class AssetNotFound(NotFound):
    code = "asset_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such asset.")


class AssetNotReady(Conflict):
    code = "asset_not_ready"


class AssetInUse(Conflict):
    """A job that has not ended uses the asset."""

    code = "asset_in_use"

    def __init__(self) -> None:
        super().__init__("A job that has not ended uses this asset. Cancel the job, or wait for its end.")


class StorageFull(Conflict):
    code = "storage_full"


class _Decided(Exception):
    """The asset does not have the status that this change requires."""


class AssetStore:
    def create(
        self,
        asset_id: str,
        *,
        owner_id: str,
        account_id: str,
        project_id: str | None,
        name: str,
        type: AssetType,
        media_type: str,
        size: int,
        at: datetime,
        tx: Transaction,
    ) -> AssetRecord:
        record = AssetRecord(
            asset_id,
            owner_id=owner_id,
            account_id=account_id,
            project_id=project_id,
            name=name,
            type=type.value,
            status=AssetStatus.PENDING.value,
            media_type=media_type,
            size=size,
            created_at=at,
        )
        tx.put(record, AssetRecord.asset_id.does_not_exist(), otherwise=Conflict("This asset already exists."))
        return record

    def get(self, asset_id: str, *, accounts: Container[str] | None = None) -> AssetRecord:
        """Return the asset. With `accounts`, only if one of them has it; workers pass None. Raise AssetNotFound."""
        try:
            asset = AssetRecord.get(asset_id, consistent_read=True)
        except AssetRecord.DoesNotExist:
            raise AssetNotFound from None
        if accounts is not None and asset.account_id not in accounts:
            raise AssetNotFound
        return asset

    def several(self, asset_ids: Iterable[str]) -> Iterable[AssetRecord]:
        """Return those of the assets that exist, in any order."""
        return AssetRecord.batch_get(list(asset_ids), consistent_read=True)

    def page(self, *, account_id: str, limit: int, after: str | None) -> Slice[AssetRecord]:
        """Return at most `limit` of the account's assets older than `after`, newest first, with one Query."""
        older, more = AssetRecord.asset_id < after if after else None, limit + 1
        found = AssetRecord.by_account.query(account_id, older, scan_index_forward=False, limit=more, page_size=more)
        return first_of(list(found), limit, lambda asset: asset.asset_id)

    def search(
        self, fits: Callable[[AssetRecord], bool], *, account_id: str, limit: int, after: str | None
    ) -> Slice[AssetRecord]:
        """Return at most `limit` of the account's assets that `fits` accepts, older than `after`, newest first.

        One call examines `MOST_SEARCHED` assets. The next page examines the older ones.
        """
        older = AssetRecord.asset_id < after if after else None
        found: list[AssetRecord] = []
        examined = 0
        for asset in AssetRecord.by_account.query(
            account_id, older, scan_index_forward=False, limit=MOST_SEARCHED, page_size=MOST_SEARCHED
        ):
            examined += 1
            if not fits(asset):
                continue
            if len(found) == limit:
                return Slice(found, found[-1].asset_id)
            found.append(asset)
        return Slice(found, asset.asset_id if examined == MOST_SEARCHED else None)

    def check_space(self, account_id: str, *, size: int, most: int, most_bytes: int, at: datetime) -> None:
        """Raise StorageFull if one more asset of `size` bytes exceeds the account's maximum number or bytes.

        Assets count that have a file, or can get one: the form of a PENDING asset expires.
        """
        forms = at - FORM_LIFE
        counted = [
            int(asset.size)
            for asset in AssetRecord.by_account.query(account_id, attributes_to_get=["size", "status", "created_at"])
            if asset.status in {AssetStatus.READY, AssetStatus.VERIFYING}
            or (asset.status == AssetStatus.PENDING and asset.created_at > forms)
        ]
        if len(counted) >= most or sum(counted) + size > most_bytes:
            limit = f"{most} assets and {most_bytes // 1000**2} MB"
            raise StorageFull(f"The plan of this account has room for {limit}. Delete an asset, or change the plan.")

    def stored(self, *, account_id: str) -> list[AssetRecord]:
        """Return all READY assets of the account. Eventually consistent."""
        ready = AssetRecord.status == AssetStatus.READY.value
        return list(AssetRecord.by_account.query(account_id, filter_condition=ready))

    def use(self, asset_id: str, *job_ids: str, tx: Transaction) -> None:
        """Keep the asset from deletion until the jobs have ended. Fail the transaction with AssetNotReady."""
        ready = AssetRecord.status == AssetStatus.READY.value
        deleted = AssetNotReady(f"The asset {asset_id} is not READY.")
        tx.update(AssetRecord(asset_id), [AssetRecord.used_by.add(set(job_ids))], ready, otherwise=deleted)

    def forget_jobs(self, asset: AssetRecord, job_ids: Collection[str]) -> None:
        """Remove jobs that have ended from the asset's users."""
        with on_refusal(AssetNotFound()):
            asset.update([AssetRecord.used_by.delete(set(job_ids))], AssetRecord.asset_id.exists())

    def accept(
        self,
        asset: AssetRecord,
        *,
        key: str,
        media_type: str,
        size: int,
        width: int | None,
        height: int | None,
        duration: float | None,
        captions: dict[str, object] | None = None,
        depth_key: str | None = None,
        matte_key: str | None = None,
        thumbnail_key: str | None = None,
    ) -> None:
        """Change VERIFYING to READY. `key` is the clean file, the other keys are previews of a picture."""
        self._decide(
            asset,
            AssetStatus.READY,
            [
                AssetRecord.key.set(key),
                AssetRecord.media_type.set(media_type),
                AssetRecord.size.set(size),
                *(
                    attribute.set(value)
                    for attribute, value in (
                        (AssetRecord.width, width),
                        (AssetRecord.height, height),
                        (AssetRecord.duration, duration),
                    )
                    if value is not None
                ),
                *([AssetRecord.captions.set(captions)] if captions else ()),
                *([AssetRecord.depth_key.set(depth_key)] if depth_key else ()),
                *([AssetRecord.matte_key.set(matte_key)] if matte_key else ()),
                *([AssetRecord.thumbnail_key.set(thumbnail_key)] if thumbnail_key else ()),
            ],
        )

    def reject(self, asset: AssetRecord, *, code: str, error: str) -> None:
        """Change VERIFYING to REJECTED, with the reason: a stable code, and a sentence for the creator."""
        self._decide(asset, AssetStatus.REJECTED, [AssetRecord.error_code.set(code), AssetRecord.error.set(error)])

    def measured(self, asset: AssetRecord, size: int) -> None:
        """Store the size of an imported file, in bytes, while the asset is PENDING."""
        pending = AssetRecord.status == AssetStatus.PENDING.value
        with on_refusal(AssetNotFound()):
            asset.update([AssetRecord.size.set(size)], pending, done=lambda stored: stored.size == size)

    def give_up(self, asset: AssetRecord, *, code: str, error: str) -> None:
        """Change PENDING to REJECTED, if its file could not be imported. Another state stays."""
        reason = [AssetRecord.error_code.set(code), AssetRecord.error.set(error)]
        self._decide(asset, AssetStatus.REJECTED, reason, from_status=AssetStatus.PENDING)

    def withdraw(self, asset: AssetRecord) -> None:
        """Change the asset to REJECTED without a file, before its media are deleted. Raise AssetNotFound.

        Raise AssetInUse if another job has begun to use it since this record was read.
        """
        users = AssetRecord.used_by
        unused = users == asset.used_by if asset.used_by else users.does_not_exist()
        try:
            with on_refusal(AssetInUse()):
                asset.update(
                    [
                        AssetRecord.status.set(AssetStatus.REJECTED.value),
                        AssetRecord.error_code.set("deleted"),
                        AssetRecord.error.set("This asset is being deleted."),
                        *(
                            each.remove()
                            for each in (
                                AssetRecord.key,
                                AssetRecord.thumbnail_key,
                                AssetRecord.depth_key,
                                AssetRecord.matte_key,
                            )
                        ),
                    ],
                    (AssetRecord.account_id == asset.account_id) & unused,
                )
        except AssetInUse:
            self.get(asset.asset_id, accounts={asset.account_id})  # raises AssetNotFound if it does not exist
            raise

    def delete(self, asset: AssetRecord) -> None:
        with on_refusal(AssetNotFound()):
            asset.delete(AssetRecord.account_id == asset.account_id)

    def _decide(
        self,
        asset: AssetRecord,
        status: AssetStatus,
        actions: Sequence[Action],
        *,
        from_status: AssetStatus = AssetStatus.VERIFYING,
    ) -> None:
        with suppress(_Decided), on_refusal(_Decided()):
            asset.update(
                [AssetRecord.status.set(status.value), *actions],
                AssetRecord.status == from_status.value,
                returned=False,
            )


assets = AssetStore()
