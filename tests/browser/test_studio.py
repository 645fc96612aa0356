"""The studio in a real browser, against the laptop cloud with its real workers. `make web-check` builds the pages.

The specifications are in `web/browser`. They write pictures of all pages into `build/browser/shots`.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.studio import start_scripts
from infra import edge
from local.cloud import Cloud, laptop_cloud
from local.environment import ROOT
from local.gateway.site import EXPORT
from local.processes import listen
from tests.support.clips import captions, driving_clip, track

BIN = ROOT / ".venv" / "bin"
# Scripts that a page loads at its start, in bytes with gzip. hls.js is loaded with the first film.
# React and Next's router alone are 134 kB, so the landing page has a script of its own (web/scripts/landing.mjs).
BUDGETS = [("index.html", 120_000), ("editor.html", 200_000)]

pytestmark = pytest.mark.skipif(not (EXPORT / "index.html").exists(), reason="`make web` builds the pages")


@pytest.fixture(scope="module")
def webhook_port() -> int:
    """Return a port that no program uses. A specification receives webhooks there."""
    with listen() as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, webhook_port: int) -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINORA_EGRESS_OPEN_TO", f"127.0.0.1:{webhook_port}")  # otherwise public addresses only
        with laptop_cloud(folder=tmp_path_factory.mktemp("cloud")) as running:
            yield running


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a driving clip, sound and captions."""
    folder = tmp_path_factory.mktemp("files")
    driving_clip(folder / "driving.mp4", seconds=3)
    track(folder / "track.wav")
    captions(folder / "captions.srt")
    return folder


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("specification", sorted(path.name for path in (ROOT / "web" / "browser").glob("*.spec.ts")))
def test_the_studio_in_a_browser(cloud: Cloud, webhook_port: int, files: Path, specification: str) -> None:
    done = subprocess.run(  # noqa: S603  # our own arguments
        [str(ROOT / "web" / "node_modules" / ".bin" / "playwright"), "test", specification],
        cwd=ROOT / "web",
        env=os.environ
        | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "STUDIO_URL": cloud.api_url,
            "OUTBOX_URL": cloud.outbox_url,
            "WEBHOOK_PORT": str(webhook_port),
            "FILES_FOLDER": str(files),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=1700,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]


@pytest.mark.parametrize(("page", "budget"), BUDGETS)
def test_the_scripts_of_a_page_stay_within_their_budget(page: str, budget: int) -> None:
    sizes = start_scripts(EXPORT, page)
    assert sum(sizes.values()) <= budget, sorted(sizes.items(), key=lambda one: -one[1])


def _pages() -> list[Path]:
    return sorted(EXPORT.rglob("*.html"))


def test_no_page_needs_an_unsafe_policy() -> None:
    assert "unsafe" not in edge.POLICIES["site"]
    assert len(_pages()) >= 10
    for page in _pages():
        markup = page.read_text()
        assert not re.search(r"<script(?![^>]*\ssrc=)", markup), page
        assert not re.search(r"<[a-z][^>]*\sstyle=|<style[\s>]", markup), page
