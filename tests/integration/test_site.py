"""The laptop serves the studio's pages as CloudFront does."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from infra import edge
from local.gateway.site import Site

Answer = tuple[int, str, Mapping[str, str]]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("a file beside the export")
    folder = tmp_path / "out"
    for name in ("index.html", "login.html", "404.html", "theme.js", "_next/static/chunks/a1b2.js"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def get(folder: Path, path: str) -> Answer:
    async def fetch() -> Answer:
        application = web.Application()
        Site(folder).add_to(application)
        async with TestClient(TestServer(application)) as client:
            answer = await client.get(path)
            return answer.status, await answer.text(), answer.headers

    return asyncio.run(fetch())


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("/", 200, "index.html"), ("/login", 200, "login.html"), ("/theme.js", 200, "theme.js"), ("/x", 404, "404.html")],
)
def test_a_page_has_the_headers_of_the_edge(export: Path, path: str, status: int, body: str) -> None:
    answered, text, headers = get(export, path)
    assert (answered, text) == (status, body)
    assert dict(headers) == dict(headers) | edge.headers("site")


@pytest.mark.parametrize(
    ("path", "caching"),
    [
        ("/login", edge.ASK_EACH_TIME),
        ("/theme.js", edge.ASK_EACH_TIME),
        ("/_next/static/chunks/a1b2.js", edge.CACHE_FOREVER),
    ],
)
def test_a_browser_keeps_a_file_as_long_as_in_a_deployment(export: Path, path: str, caching: str) -> None:
    assert get(export, path)[2]["Cache-Control"] == caching


@pytest.mark.parametrize("path", ["/..%2Fsecret.txt", "/%2e%2e/secret.txt", "/a/..%2F..%2Fsecret.txt"])
def test_no_address_leaves_the_export(export: Path, path: str) -> None:
    status, text, _ = get(export, path)
    assert (status, text) == (404, "404.html")


def test_the_page_learns_the_address_of_the_socket(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    status, text, _ = get(export, "/studio.json")
    assert status == 200
    assert '"outboxUrl": "http://127.0.0.1:5000/outbox"' in text
    assert '"socketUrl": "ws://127.0.0.1' in text


def test_without_an_export_every_address_is_unknown(tmp_path: Path) -> None:
    assert get(tmp_path / "none", "/")[0] == 404


def test_texts_are_compressed_and_a_new_version_is_seen_at_once(export: Path) -> None:
    assert get(export, "/theme.js")[2]["Content-Encoding"] == "gzip"
    (export / "theme.js").write_text("another theme")
    assert get(export, "/theme.js")[1] == "another theme"
    (export / "film.mp4").write_bytes(b"film")
    assert "Content-Encoding" not in get(export, "/film.mp4")[2]
