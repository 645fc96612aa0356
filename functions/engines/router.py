"""`/api/engines`: the catalogue of engines, for everybody."""

from fastapi import APIRouter, Response

from functions.engines.schemas import EngineView
from functions.engines.service import described
from shared.core.clock import utc_now
from shared.quotas.classes import RouteClass
from shared.rest.inline import Inline
from shared.rest.pagination import Page, whole
from shared.rest.quota import counted

CACHE_SECONDS = 300

router = APIRouter(prefix="/api/engines", tags=["engines"], route_class=Inline)


@router.get("", operation_id="listEngines", dependencies=[counted(RouteClass.READ)])
def list_engines(response: Response) -> Page[EngineView]:
    """List all engines, in the order in which a job without a wish gets them: what they cost, and what they can do.

    An engine that this deployment does not offer has a reason. Caches keep the answer for five minutes.
    """
    response.headers["Cache-Control"] = f"public, max-age={CACHE_SECONDS}"
    return whole(described(utc_now()))
