"""The quota of a request's principal, and its headers in every response (I17)."""

from functools import cache
from hashlib import sha256
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from fastapi import Depends, Request
from pynamodb.exceptions import PynamoDBException
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class QuotaHeaders:
    """An ASGI middleware that adds the headers of the quota to the response, also to an error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_quota(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(scope.get("state", {}).get("quota", {}))
            await send(message)

        await self._app(scope, receive, send_with_quota)
