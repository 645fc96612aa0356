"""The studio's pages: the static export of `web/`, with the addresses and headers that CloudFront gives them."""

import gzip
import os
from functools import cache
from pathlib import Path

from aiohttp import web

from infra import edge
from local.environment import ROOT

EXPORT = ROOT / "web" / "out"
_COMPRESSED = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json",
               ".svg": "image/svg+xml", ".txt": "text/plain"}  # fmt: skip


class Site:
    """The pages. `folder` is the export; without it, every address is unknown."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def add_to(self, application: web.Application) -> None:
        """Add the routes. They come last, because the site has every address that nothing else has."""
        application.router.add_get("/studio.json", self._studio)
        self.add_files_to(application)

    def add_files_to(self, application: web.Application) -> None:
        """Add only the route of the files."""
        application.router.add_get("/{path:.*}", self._file)

    async def _studio(self, request: web.Request) -> web.Response:
        """Return the addresses that differ between deployments."""
        addresses = {"socketUrl": f"ws://{request.host}/ws", "outboxUrl": f"{os.environ['AWS_ENDPOINT_URL']}/outbox"}
        return web.json_response(addresses, headers=edge.headers("site"))

    async def _file(self, request: web.Request) -> web.StreamResponse:
        file = self._folder / page_file(request.match_info["path"])
        if not file.resolve().is_relative_to(self._folder) or not file.is_file():
            file = self._folder / "404.html"
            if not file.is_file():
                raise web.HTTPNotFound
            return web.FileResponse(file, status=404, headers=edge.headers("site"))
        key = file.relative_to(self._folder).as_posix()
        headers = {"Cache-Control": edge.cache_control(key), **edge.headers("site")}
        if file.suffix in _COMPRESSED and "gzip" in request.headers.get("Accept-Encoding", ""):
            body = _gzipped(file, file.stat().st_mtime_ns)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            return web.Response(body=body, headers=headers, content_type=_COMPRESSED[file.suffix], charset="utf-8")
        return web.FileResponse(file, headers=headers)


@cache
def _gzipped(file: Path, _modified: int) -> bytes:
    """Return the file as CloudFront sends it."""
    return gzip.compress(file.read_bytes())


def page_file(path: str) -> str:
    """Return the file of an address, as `infra/constructs/edge/pages.js` does."""
    if path == "" or path.endswith("/"):
        return f"{path}index.html"
    return path if "." in path.rpartition("/")[2] else f"{path}.html"
