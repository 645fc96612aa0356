"""The beginning of a verification, for uploads and for imports."""

from shared.assets.record import AssetRecord
from shared.assets.verifications import verifications
from shared.aws import queues
from shared.core.clock import utc_now
from shared.grants.store import grants
from shared.stages.messages import AssetVerificationTask
from shared.stages.queues import VERIFICATION_QUEUE
from shared.subscriptions.record import PlanType
from shared.subscriptions.store import subscriptions

MAX_BYTES = 200 * 1024 * 1024  # maximum size of an upload or an import
UPLOADS_AT_ONCE = {  # maximum number of an account's uploads under verification; a job has at most 7 inputs
    PlanType.FREE: 8,
    PlanType.PRO: 16,
    PlanType.ENTERPRISE: 64,
}


def verify(asset: AssetRecord) -> None:
    """Change the asset, whose file is in quarantine, from PENDING to VERIFYING, and send its task.

    A repeated call sends no second task, unless the first one may never have been sent. Raise TooManyUploads if too
    many uploads of the account are being verified.
    """
    at = utc_now()
    at_once = UPLOADS_AT_ONCE[subscriptions.plan(asset.account_id)]
    if not verifications.begin(asset, at_once=at_once, at=at):
        return
    try:
        task = AssetVerificationTask(asset_id=asset.asset_id, proof=grants.issue(asset.asset_id, at=at))
        queues.send(VERIFICATION_QUEUE, task, group=asset.account_id)
    except Exception:
        verifications.forget(asset)
        raise
