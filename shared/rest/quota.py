"""The quota of a request's principal, and its headers in every response (I17)."""

from collections.abc import Awaitable, Callable
from functools import cache
from hashlib import sha256
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import Depends, Request, Response
from pynamodb.exceptions import PynamoDBException

from shared.core.clock import utc_now
from shared.core.config import Config
from shared.core.errors import AppError
from shared.observability import logger
from shared.quotas.classes import QUOTAS, RouteClass
from shared.quotas.store import quotas
from shared.rest.event import client_address


class QuotaConfig(Config):
    quota_factor: int = 1  # multiplies all quotas, for tests that send more requests than a creator


@cache
def _config() -> QuotaConfig:
    return QuotaConfig()


class QuotaUnknown(AppError):
    """The table of quotas does not answer."""

    code, status = "unavailable", 503


def counted(name: RouteClass) -> Any:
    """Return the dependency of a public route: its requests count in the quota of the client's address."""

    async def take(request: Request) -> None:
        count(request, name, sha256(client_address(request).encode()).hexdigest())

    return Depends(take)


def count(request: Request, name: RouteClass, principal: str) -> None:
    """Take one request from the principal's quota. Raise TooManyRequests, or QuotaUnknown."""
    quota = QUOTAS[name].times(_config().quota_factor)
    try:
        request.state.quota = quotas.take(name, principal, quota, at=utc_now()).headers()
    except (PynamoDBException, BotoCoreError, ClientError) as error:
        if not quota.open:
            raise QuotaUnknown("This cannot be checked now. Try again in some seconds.") from error
        logger.exception("quota not counted")


async def with_quota(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Add the headers of the quota to the response, also to an error."""
    response = await call_next(request)
    response.headers.update(getattr(request.state, "quota", {}))
    return response
