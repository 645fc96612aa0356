"""The limits of each plan, as data. Limits of jobs are in `shared/jobs/admission.py`."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.subscriptions.record import PlanType

_GB = 1000**3  # bytes


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """Maximum numbers of an account. Parallel requests may exceed them by their number (docs/adr/0033)."""

    projects: int
    assets: int  # uploads that have a file, or can get one
    stored_bytes: int  # of these uploads
    sockets: int  # open connections


PLAN_LIMITS: Mapping[PlanType, PlanLimits] = {
    PlanType.FREE: PlanLimits(projects=50, assets=200, stored_bytes=5 * _GB, sockets=100),
    PlanType.PRO: PlanLimits(projects=500, assets=2000, stored_bytes=100 * _GB, sockets=500),
    PlanType.ENTERPRISE: PlanLimits(projects=2000, assets=10_000, stored_bytes=1000 * _GB, sockets=2000),
}
