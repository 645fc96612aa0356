"""The users of a storm."""

import asyncio

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.chaos.plan import StormPlan
from tests.chaos.users import User


def test_requests_wait_for_the_sign_in_after_their_token_expired() -> None:
    """A soak takes longer than a token lasts, and each user has several requests at once."""
    tokens = ["first"]

    async def login(_: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        tokens.append(f"token {len(tokens)}")
        return web.json_response({"accessToken": tokens[-1]})

    async def read(request: web.Request) -> web.Response:
        good = request.headers.get("Authorization") == f"Bearer {tokens[-1]}" and len(tokens) > 1
        return web.json_response({}, status=200 if good else 401)

    async def answers() -> list[int]:
        application = web.Application()
        application.router.add_post("/api/auth/login", login)
        application.router.add_get("/api/jobs", read)
        async with TestServer(application) as server, aiohttp.ClientSession(server.make_url("")) as session:
            user = User(session, StormPlan(seed=1, faults=0))
            user._token = tokens[0]
            return [status for status, _ in await asyncio.gather(*(_later(user, n / 10) for n in range(4)))]

    async def _later(user: User, seconds: float) -> tuple[int, object]:
        await asyncio.sleep(seconds)
        return await user.call("GET", "/api/jobs")

    assert asyncio.run(answers()) == [200] * 4
    assert len(tokens) == 2
