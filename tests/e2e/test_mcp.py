"""`kinora mcp` as a process, used by the client of the official SDK."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from clients.python.kinora import Kinora
from local.cloud import Cloud
from local.environment import ROOT
from tests.e2e.conftest import key_of

pytestmark = pytest.mark.slow

FILM = {"prompt": "a lake", "duration": 1, "resolution": "480p"}


def used(cloud: Cloud, key: str, folder: Path, limit: int, use: Any) -> Any:
    """Run the server with a limit, and `use` with a client of it."""

    async def connected() -> Any:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "KINORA_BASE_URL": cloud.api_url,
            "KINORA_API_KEY": key,
        }
        arguments = ["-m", "clients.python.kinora", "mcp", "--limit", str(limit), "--out", str(folder)]
        async with Client(StdioServerParameters(command=sys.executable, args=arguments, env=environment)) as client:
            return await use(client)

    return asyncio.run(connected())


def test_the_tools_quote_make_wait_and_list_within_the_limit(
    scripted_cloud: Cloud, script: Path, tmp_path: Path
) -> None:
    """The limit is enough for one film. Of two at the same time, one is refused before its submit. So is a third."""
    key = key_of(scripted_cloud)
    with Kinora(key, scripted_cloud.api_url) as direct:
        price = direct.films.quote("a lake", duration=1, resolution="480p").credits

    async def use(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {"quote", "make", "wait", "list"}
        quoted = await client.call_tool("quote", FILM)
        assert quoted.structured_content["credits"] == price
        assert quoted.structured_content["allowance_left"] == 2 * price - 1
        both = await asyncio.gather(client.call_tool("make", FILM), client.call_tool("make", FILM))
        [refused] = [answer for answer in both if answer.is_error]
        assert "credits of this program are left" in str(refused.content)
        [made] = [answer.structured_content for answer in both if not answer.is_error]
        ready = (await client.call_tool("wait", {"film_id": made["id"], "timeout_seconds": 200})).structured_content
        assert ready["status"] == "COMPLETED"
        assert Path(ready["file"]).stat().st_size > 0
        assert (await client.call_tool("make", FILM)).is_error
        [listed] = (await client.call_tool("list")).structured_content["result"]
        assert listed["id"] == made["id"]
        unknown = await client.call_tool("wait", {"film_id": "job_none"})
        assert unknown.is_error
        assert "job_not_found" in str(unknown.content)

    used(scripted_cloud, key, tmp_path, 2 * price - 1, use)
    with Kinora(key, scripted_cloud.api_url) as direct:
        assert len(list(direct.jobs.list())) == 1
        assert [entry.credits for entry in direct.billing.ledger() if entry.credits < 0] == [-price]


def test_a_film_that_failed_gives_its_credits_back(scripted_cloud: Cloud, script: Path, tmp_path: Path) -> None:
    key = key_of(scripted_cloud)
    with Kinora(key, scripted_cloud.api_url) as direct:
        price = direct.films.quote("a lake", duration=1, resolution="480p").credits

    async def use(client: Client) -> None:
        (script / "POST_PROCESSING").write_text("fail")
        made = (await client.call_tool("make", FILM)).structured_content
        failed = (await client.call_tool("wait", {"film_id": made["id"], "timeout_seconds": 200})).structured_content
        (script / "POST_PROCESSING").unlink()
        assert failed["status"] == "FAILED"
        assert failed["error"]
        again = await client.call_tool("make", FILM)
        assert not again.is_error, again.content

    used(scripted_cloud, key, tmp_path, price, use)
