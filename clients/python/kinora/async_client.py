"""The client: `client.films` makes films, and the other attributes are the resources of the API."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .async_films import AsyncFilms
from .async_http import AsyncHttp
from .async_resources import (
    AsyncAccount,
    AsyncAssets,
    AsyncBilling,
    AsyncJobs,
    AsyncKeys,
    AsyncPresets,
    AsyncProjects,
    AsyncTeams,
    save,
)
from .settings import Settings

if TYPE_CHECKING:
    import httpx


class AsyncKinora:
    """A client of one studio with one key.

    The defaults of `api_key`, `base_url` and `socket_url` are the variables KINORA_API_KEY, KINORA_BASE_URL and
    KINORA_SOCKET_URL. `timeout` is in seconds, for one try of a request. `proxy` is a URL: without it, HTTPS_PROXY and
    NO_PROXY count. `headers` are sent with each request to the studio.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        socket_url: str | None = None,
        timeout: float = 60.0,
        max_retries: int = 4,
        proxy: str | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        settings = Settings.of(api_key, base_url, socket_url, timeout=timeout, max_retries=max_retries, proxy=proxy)
        self.base_url = settings.base_url
        self._http = http = AsyncHttp(settings, headers, transport)
        self.films = AsyncFilms(http)
        self.jobs = AsyncJobs(http)
        self.projects = AsyncProjects(http)
        self.presets = AsyncPresets(http)
        self.assets = AsyncAssets(http)
        self.keys = AsyncKeys(http)
        self.billing = AsyncBilling(http)
        self.teams = AsyncTeams(http)
        self.account = AsyncAccount(http)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request that has no method here and return its JSON. `key` is its Idempotency-Key."""
        answer = await self._http.send(method, path, query=query, body=body, key=key, headers=headers)
        return answer.json() if answer.content else None

    async def save(self, url: str, path: str | os.PathLike[str]) -> Path:
        """Download a signed URL into a file, which appears when it is complete."""
        return await save(self._http, url, Path(path))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncKinora:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
