"""The state that the imitated providers share: accepted requests, planned faults, and the files that they make."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

import aiohttp
from aiohttp import web

from local.imitation.faults import REFUSED, SPOILT, Fault, FaultPlan, ProviderCall

Act = Callable[[Fault | None], Awaitable[web.StreamResponse]]
DRIP_SECONDS = 0.05
_TRIES, _PAUSE_SECONDS = 10, 0.2  # of a webhook
PAGE = b"<html>not what you asked for</html>"


@dataclass
class PaidRequest:
    """A request that the provider accepted, and would bill."""

    provider: str
    id: str
    body: Mapping[str, Any]
    picture_url: str | None = None
    seconds: float = 0
    size: tuple[int, int] = (1280, 720)
    at: float = field(default_factory=monotonic)
    picture: bytes | None = None
    ended: str | None = None  # the state of a request that failed or was cancelled
    sound: bool = False  # its file is an MP3 of `seconds`
    files: int = 1  # number of its files; each answer has a new URL for each one
    file: int = 0  # the file that is made, from 0
    still: bool = False  # True: the camera of its clip does not move
    urls: int = 0  # number of URLs that the file has had
    expired: int = 0  # number of URLs that are no longer valid


Make = Callable[[PaidRequest], bytes]


class Service:
    """All imitated providers. `make` makes the file of a request, `work_seconds` after it was accepted."""

    def __init__(self, url: str, make: Make, *, work_seconds: float = 0, reads_pictures: bool = False) -> None:
        self.url, self.make, self.work_seconds, self.reads_pictures = url, make, work_seconds, reads_pictures
        self.faults = FaultPlan()
        self.requests: list[PaidRequest] = []
        self.cancelled: list[str] = []
        self.webhooks: list[str] = []  # requests whose webhook was accepted
        self._sending: set[asyncio.Task[None]] = set()
        self.keys: set[str] = set()  # values of the header with the key, in calls to the API
        self.keys_elsewhere: set[str] = set()  # the same, in downloads of files and in calls to another host
        self.valid_keys: set[str] | None = None  # None = all

    async def accept(self, provider: str, body: Mapping[str, Any], **facts: Any) -> PaidRequest:
        """Add a request, and read its picture, as a provider does while the presigned URL is valid."""
        one = PaidRequest(provider, f"{provider}-{len(self.requests) + 1}", body, **facts)
        self.requests.append(one)
        if one.picture_url and self.reads_pictures:
            with suppress(aiohttp.ClientError):
                async with aiohttp.ClientSession() as client, client.get(one.picture_url) as answer:
                    one.picture = await answer.read() if answer.ok else None
        return one

    def notify(
        self, one: PaidRequest, url: str, body: Mapping[str, Any], headers: Callable[[bytes], Mapping[str, str]]
    ) -> None:
        """Send the webhook of a request when it has ended, until it is accepted."""
        sent = json.dumps(body).encode()

        async def send() -> None:
            await asyncio.sleep(self.work_seconds)
            async with aiohttp.ClientSession() as client:
                for _ in range(_TRIES):
                    with suppress(aiohttp.ClientError):
                        async with client.post(url, data=sent, headers=headers(sent)) as answer:
                            if answer.ok:
                                self.webhooks.append(one.id)
                                return
                    await asyncio.sleep(_PAUSE_SECONDS)

        self._sending.add(sending := asyncio.create_task(send()))
        sending.add_done_callback(self._sending.discard)

    async def stop(self, _app: web.Application) -> None:
        """Stop sending webhooks."""
        for sending in self._sending:
            sending.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def find(self, provider: str, request_id: str) -> PaidRequest:
        """Return the request. Raise HTTPNotFound."""
        for one in self.requests:
            if (one.provider, one.id) == (provider, request_id):
                return one
        raise web.HTTPNotFound(text="{}", content_type="application/json")

    def is_done(self, one: PaidRequest) -> bool:
        return monotonic() - one.at >= self.work_seconds

    def fraction(self, one: PaidRequest) -> float:
        """Return the share of the work that is done, 0..0.99."""
        return min(0.99, (monotonic() - one.at) / (self.work_seconds or 1))

    def file_url(self, one: PaidRequest, extension: str) -> str:
        """Return a new URL of the request's file."""
        one.urls += 1
        return f"{self.url}/files/{one.provider}/{one.id}/{one.urls}.{extension}"

    async def answered(
        self, request: web.Request, provider: str, call: ProviderCall, act: Act, *,
        unknown_key: tuple[int, Mapping[str, Any]] = (401, {"error": "refused"}),
    ) -> web.StreamResponse:  # fmt: skip
        """Answer a call to a provider's API: carry it out, or do what the plan of faults says."""
        fault = self.faults.take(provider, call)
        key = _key(request)
        (self.keys if request.host == self.url.partition("//")[2] else self.keys_elsewhere).add(key)
        status = REFUSED.get(fault) if fault else None
        if status is None and self.valid_keys is not None and key.split()[-1] not in self.valid_keys:
            status = 401
        if status == 401:
            return web.json_response(unknown_key[1], status=unknown_key[0])
        if status is not None:
            return web.json_response({"error": "refused"}, status=status, headers={"Retry-After": "7"})
        answer = await act(fault)
        if fault is not None and fault in SPOILT:
            return web.json_response({"error": "no answer in time"}, status=SPOILT[fault])
        if fault is Fault.DROPPED and request.transport is not None:
            request.transport.abort()
        if fault is Fault.WRONG_CONTENT:
            return web.Response(body=PAGE, content_type="text/html")
        return answer

    async def listed(self, _request: web.Request) -> web.StreamResponse:
        """Answer with the accepted requests."""
        return web.json_response(
            [
                {"provider": one.provider, "id": one.id, "body": one.body, "webhook": one.id in self.webhooks}
                for one in self.requests
            ]
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Answer a download. The key is not expected here."""
        provider, request_id, name = (request.match_info[part] for part in ("provider", "id", "name"))
        return await self.send_file(request, self.find(provider, request_id), int(name.partition(".")[0]))

    async def send_file(
        self, request: web.Request, one: PaidRequest, number: int, *, keyed: bool = False
    ) -> web.StreamResponse:
        """Answer a download of the request's file, whose URL has this number."""
        fault, key = self.faults.take(one.provider, ProviderCall.FILE), _key(request)
        (self.keys if keyed else self.keys_elsewhere).update({key} if key or keyed else ())
        if keyed and (not key or (self.valid_keys is not None and key not in self.valid_keys)):
            return web.Response(status=401)
        if fault is Fault.EXPIRED:
            one.expired = number
        if number <= one.expired:
            return web.Response(status=404 if one.provider in {"fal", "google"} else 403)
        if fault is not None and fault in REFUSED | SPOILT:
            return web.Response(status=(REFUSED | SPOILT)[fault])
        if fault is Fault.WRONG_CONTENT:
            return web.Response(body=PAGE, content_type="text/html")
        one.still |= fault is Fault.STILL
        content = await asyncio.to_thread(self.make, replace(one, file=(number - 1) % one.files))
        answer = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await answer.prepare(request)
        if fault in {Fault.DROPPED, Fault.SLOW}:
            for n in range(len(content) // 2):
                await answer.write(content[n : n + 1])
                if fault is Fault.DROPPED and request.transport is not None:
                    request.transport.abort()
                    break
                await asyncio.sleep(DRIP_SECONDS)
            return answer
        await answer.write(content)
        return answer


def _key(request: web.Request) -> str:
    named = ("Authorization", "x-key", "x-goog-api-key", "xi-api-key")
    return next((request.headers[name] for name in named if name in request.headers), "")


async def body_of(request: web.Request) -> dict[str, Any]:
    """Return the JSON object of the request. Raise HTTPBadRequest."""
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text='{"error": "not an object"}', content_type="application/json")
    return body
