"""The Lambda that decodes uploads. It is in a network without internet access, and has the rights to one table only."""

from typing import Any

from shared.assets.store import AssetNotFound, assets
from shared.aws.init import prepare
from shared.observability import about, observed
from workers.runtime.granted import GivenMedia
from workers.runtime.outages import AWS_ERRORS
from workers.verification.confinement import hide
from workers.verification.isolation import VerificationOrder, VerificationOutcome
from workers.verification.work import verify

prepare(hide)


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Do the work of a VerificationOrder and return its VerificationOutcome."""
    return perform(VerificationOrder.model_validate(event)).model_dump(mode="json", by_alias=True, exclude_none=True)


def perform(order: VerificationOrder) -> VerificationOutcome:
    about(asset_id=order.asset_id)
    try:
        verify(assets.get(order.asset_id), GivenMedia(order.credentials).client)
    except AssetNotFound:
        pass  # deleted meanwhile
    except AWS_ERRORS as error:
        return VerificationOutcome(outage=type(error).__name__)
    return VerificationOutcome()
