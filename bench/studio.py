"""`python -m bench.studio`: Lighthouse and the scripts of the studio's pages, beside InvokeAI's published pages.

Lighthouse simulates a network and a processor: those of its slow phone, and those of its desktop. The numbers are
medians. Each round measures each page once, so that load on the machine affects all. Both sites come from the laptop's
server, which compresses as CloudFront does. The browser has no graphics processor and does not imitate one.
"""

import gzip
import json
import os
import re
import subprocess
import sys
import threading
from asyncio import new_event_loop
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from zipfile import ZipFile

from aiohttp import web
from rich.console import Console
from rich.table import Table

from local.cloud import laptop_cloud
from local.environment import HOST, ROOT
from local.gateway.site import EXPORT, Site
from local.processes import listen

OUT = ROOT / "build" / "studio.json"
ROUNDS = 5
FORMS = {"phone": (), "desktop": ("--preset=desktop",)}
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
PEER = "invokeai==6.14.2"
_PEER_FOLDER = ROOT / "build" / "peers"
_BIN = ROOT / ".venv" / "bin"
_LIGHTHOUSE = ROOT / "build" / "lighthouse" / "node_modules" / ".bin" / "lighthouse"
_CHROMIUM = "import('@sparticuz/chromium').then(async ({ default: one }) => console.log(await one.executablePath()))"


def start_scripts(export: Path, page: str) -> dict[str, int]:
    """Return the scripts that a page loads at its start, with their bytes in gzip."""
    tags = re.findall(r"<(?:script|link)[^>]*>", (export / page).read_text())
    found = {
        re.sub(r"^\.?/", "", hit[1])
        for tag in tags
        if "noModule" not in tag and (hit := re.search(r'(?:src|href)="([^"]+\.js)"', tag))
    }
    return {name: len(gzip.compress((export / name).read_bytes(), 9)) for name in found}


def main() -> int:
    """Measure, write `OUT`, and print a table."""
    peer_export = _peer()
    scripts = {
        "landing": start_scripts(EXPORT, "index.html"),
        "editor": start_scripts(EXPORT, "editor.html"),
        PEER: start_scripts(peer_export, "index.html"),
    }
    with laptop_cloud() as cloud, _served(peer_export) as peer_url:
        pages = {"landing": f"{cloud.api_url}/", "editor": f"{cloud.api_url}/editor", PEER: peer_url}
        rounds = [
            {(name, form): _lighthouse(url, options) for name, url in pages.items() for form, options in FORMS.items()}
            for _ in range(ROUNDS)
        ]
    measured = {
        f"{name}, {form}": {"script_bytes": sum(scripts[name].values())}
        | {category: median(one[name, form][category] for one in rounds) for category in CATEGORIES}
        for name, form in rounds[0]
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(measured, indent=2) + "\n")
    table = Table("page", "scripts, kB in gzip", *CATEGORIES, title=f"Medians of {ROUNDS} runs of Lighthouse")
    for name, one in measured.items():
        table.add_row(name, f"{one['script_bytes'] / 1e3:.0f}", *(f"{one[category]:.0f}" for category in CATEGORIES))
    Console().print(table, f"Written to {OUT}")
    return 0


def _lighthouse(url: str, options: Sequence[str]) -> dict[str, float]:
    """Return the scores, 0..100."""
    chromium = subprocess.run(  # noqa: S603  # our own arguments
        [str(_BIN / "node"), "-e", _CHROMIUM], cwd=ROOT / "web", check=True, capture_output=True, text=True
    ).stdout.strip()
    command = [
        str(_LIGHTHOUSE), url, "--quiet", "--output=json", f"--only-categories={','.join(CATEGORIES)}",
        "--throttling-method=simulate", "--chrome-flags=--headless --no-sandbox --disable-gpu",
        "--max-wait-for-load=120000", *options,
    ]  # fmt: skip
    path = f"{_BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603  # our own arguments
        command, check=True, capture_output=True, text=True, env=os.environ | {"CHROME_PATH": chromium, "PATH": path}
    )
    categories = json.loads(done.stdout)["categories"]
    return {name: 100 * (categories[name]["score"] or 0) for name in CATEGORIES}


def _peer() -> Path:
    """Return the folder with the peer's pages. They are a part of its wheel."""
    pages = _PEER_FOLDER / "invokeai" / "frontend" / "web" / "dist"
    if not pages.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", PEER, "--dest", str(_PEER_FOLDER)]
        subprocess.run(pip, check=True)  # noqa: S603  # our own arguments
        (wheel,) = _PEER_FOLDER.glob("invokeai-*.whl")
        with ZipFile(wheel) as archive:
            inside = pages.relative_to(_PEER_FOLDER).as_posix()
            archive.extractall(_PEER_FOLDER, [name for name in archive.namelist() if name.startswith(inside)])
    return pages


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve the folder as the laptop serves the studio, and yield its address."""
    application, loop, socket = web.Application(), new_event_loop(), listen()
    Site(folder).add_files_to(application)
    runner = web.AppRunner(application)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.SockSite(runner, socket).start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{socket.getsockname()[1]}/"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(runner.cleanup())


if __name__ == "__main__":
    sys.exit(main())
