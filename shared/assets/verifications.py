"""The bound of an account's assets under verification, so that one account does not occupy all verifiers."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from shared.assets.record import AssetRecord, AssetStatus, VerificationsRecord
from shared.aws.records import on_refusal
from shared.aws.transactions import transaction
from shared.core.errors import AppError
from shared.stages.queues import VERIFICATION_VISIBILITY_SECONDS

ASK_AGAIN = timedelta(minutes=5)  # after this time a lost message may be sent again
_LIFE = timedelta(days=1)
_TRIES = 5

Asked = Mapping[str, float]  # by asset id: the time of the newest message, in seconds since 1970


class TooManyUploads(AppError):
    code, status = "too_many_uploads", 429


class _Ended(Exception):
    """The asset is verified, rejected or deleted."""


class _Changed(Exception):
    """Another request changed the account's assets under verification first."""


class VerificationStore:
    def begin(self, asset: AssetRecord, *, at_once: int, at: datetime) -> bool:
        """Change PENDING to VERIFYING. Return whether the verifier needs a message.

        One of several callers receives True, and then one more after each `ASK_AGAIN`, because a message can be lost.
        Raise TooManyUploads if `at_once` other assets of the account are under verification.
        """
        for _ in range(_TRIES):
            with suppress(_Changed):
                return self._begin(asset, at_once, at)
        raise TooManyUploads("This account registers too many uploads at the same time.")

    def _begin(self, asset: AssetRecord, at_once: int, at: datetime) -> bool:
        before = self._of(asset.account_id)
        asked: Asked = before.asked
        if asked.get(asset.asset_id) == at.timestamp():  # an earlier try of this call, whose answer was lost
            return True
        if asked.get(asset.asset_id, 0.0) > (at - ASK_AGAIN).timestamp():
            return False
        recent = at.timestamp() - VERIFICATION_VISIBILITY_SECONDS
        others = {one: asking for one, asking in asked.items() if one != asset.asset_id}
        if len(others) >= at_once:
            others = _undecided(others, recent)
        if len(others) >= at_once:
            raise TooManyUploads(f"{at_once} uploads of this account are being verified. Register this one later.")
        record = VerificationsRecord(
            asset.account_id,
            asked={**others, asset.asset_id: at.timestamp()},
            seq=before.seq + 1,
            expires_at=at + _LIFE,
        )
        unchanged = VerificationsRecord.seq.does_not_exist() | (VerificationsRecord.seq == before.seq)
        undecided = AssetRecord.status.is_in(AssetStatus.PENDING.value, AssetStatus.VERIFYING.value)
        verifying = [AssetRecord.status.set(AssetStatus.VERIFYING.value)]
        try:
            with transaction() as tx:
                tx.put(record, unchanged, otherwise=_Changed())
                tx.update(asset, verifying, undecided, otherwise=_Ended())
        except _Ended:
            return False
        return True

    def forget(self, asset: AssetRecord) -> None:
        """Record that the message was not sent, so that the next request sends it."""
        before = self._of(asset.account_id)
        asked = {one: at for one, at in before.asked.items() if one != asset.asset_id}
        record, unchanged = VerificationsRecord, VerificationsRecord.seq == before.seq
        with suppress(_Changed), on_refusal(_Changed()):
            before.update([record.asked.set(asked), record.seq.set(before.seq + 1)], unchanged)

    def _of(self, account_id: str) -> VerificationsRecord:
        try:
            return VerificationsRecord.get(account_id, consistent_read=True)
        except VerificationsRecord.DoesNotExist:
            return VerificationsRecord(account_id, asked={}, seq=0)


def _undecided(asked: Asked, recent: float) -> dict[str, float]:
    """Return the assets that are under verification. The inspection of a deleted asset may still run."""
    found = {asset.asset_id: asset for asset in AssetRecord.batch_get(list(asked), consistent_read=True)}

    def is_undecided(asset_id: str) -> bool:
        asset = found.get(asset_id)
        if asset is None or asset.error_code == "deleted":
            return asked[asset_id] > recent
        return bool(asset.status == AssetStatus.VERIFYING)

    return {asset_id: at for asset_id, at in asked.items() if is_undecided(asset_id)}


verifications = VerificationStore()
