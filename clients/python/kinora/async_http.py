"""Requests to the API with authorization and retries, and lists that are read page by page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Generic

import httpx

from .errors import ConnectionFailed, error_of
from .model import M, Page
from .retries import Tries
from .settings import Settings, __version__
from .wire import to_wire


class AsyncHttp:
    """The connection of a client to its studio."""

    def __init__(
        self,
        settings: Settings,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.settings = settings
        self._client = httpx.AsyncClient(
            base_url=settings.base_url,
            headers={
                "Authorization": f"Bearer {settings.api_key}",
                "User-Agent": f"kinora-python/{__version__}",
                **(headers or {}),
            },
            timeout=httpx.Timeout(settings.timeout, connect=10),
            proxy=settings.proxy,
            transport=transport,
        )
        # Signed URLs of media, upload forms and URLs of the caller get no key.
        self.media = httpx.AsyncClient(
            timeout=httpx.Timeout(settings.timeout, connect=10),
            proxy=settings.proxy,
            transport=transport,
            follow_redirects=True,
        )

    async def aclose(self) -> None:
        await self._client.aclose()
        await self.media.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> httpx.Response:
        """Send a request until it has an answer. Raise ApiError or ConnectionFailed after the last try.

        `key` is the Idempotency-Key of all tries. `repeatable` says that a POST without it has no second effect.
        """
        tries = Tries(
            method, repeatable=repeatable or key is not None or method != "POST", max_retries=self.settings.max_retries
        )
        while True:
            try:
                answer = await self._client.request(
                    method,
                    path,
                    params=to_wire({name: value for name, value in (query or {}).items() if value is not None}),
                    json=None if body is None else to_wire(body),
                    headers={**(headers or {}), **({"Idempotency-Key": key} if key else {})},
                )
            except httpx.TransportError as error:
                wait = tries.after_error(error)
                if wait is None:
                    raise ConnectionFailed(
                        f"The studio at {self.settings.base_url} does not answer ({type(error).__name__}: {error})."
                    ) from error
            else:
                if tries.succeeded(answer):
                    return answer
                wait = tries.after(answer)
                if wait is None:
                    raise error_of(answer)
            await asyncio.sleep(wait)

    async def read(self, model: type[M], method: str, path: str, **options: Any) -> M:
        """Send a request as `send` does and return its answer as the model."""
        return model.model_validate_json((await self.send(method, path, **options)).content)


class AsyncPages(Generic[M]):
    """A list of the API. Iterate over it: further pages are read when they are needed."""

    def __init__(self, http: AsyncHttp, path: str, model: type[Page[M]], **query: Any) -> None:
        self._http, self._path, self._model, self._query = http, path, model, query

    async def pages(self) -> AsyncIterator[Page[M]]:
        """Yield the pages."""
        cursor = None
        while True:
            page = await self._http.read(self._model, "GET", self._path, query={**self._query, "cursor": cursor})
            yield page
            if not page.has_more:
                return
            cursor = page.next_cursor

    async def __aiter__(self) -> AsyncIterator[M]:
        async for page in self.pages():
            for item in page.data:
                yield item
