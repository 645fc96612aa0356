"""`/api/health`: the probe from outside calls it without a token. Nothing caches the answer."""

from typing import Literal

from fastapi import APIRouter

from shared.core.wire import View
from shared.quotas.classes import RouteClass
from shared.rest.inline import Inline
from shared.rest.quota import counted
from shared.upkeep.store import passes

router = APIRouter(prefix="/api/health", tags=["health"], route_class=Inline)


class HealthView(View):
    status: Literal["ok"] = "ok"


@router.get("", operation_id="readHealth", dependencies=[counted(RouteClass.READ)])
def read_health() -> HealthView:
    """Read one item of a table. The answer shows that the API, its functions and its tables work."""
    passes.newest("sweep")
    return HealthView()
