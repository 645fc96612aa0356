"""The files that `make deploy` copies to the site: the studio's pages, and the pictures that the API names."""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from PIL import Image, ImageSequence

from infra.constructs.front_door import EDGE, site_bucket_name
from infra.environments import ENVIRONMENTS
from infra.site import pages_of, publish
from local.gateway.site import page_file
from shared.presets.presets import presets

SOCKET = "wss://socket.example.com"
NODE = Path(sys.executable).with_name("node")
DEV = ENVIRONMENTS["dev"]
BUCKET = site_bucket_name(DEV, "123456789012")


def _seconds(moving: Image.Image) -> float:
    seconds = 0.0
    for frame in ImageSequence.Iterator(moving):
        frame.load()
        seconds += frame.info.get("duration", 0) / 1000
    return seconds


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A folder with the files of a small export."""
    for name in ("index.html", "login.html", "_next/static/chunks/a1b2.js", "theme.js", "films/lake.mp4"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)  # the guide sets AWS_REGION only, which boto3 does not read


def _bucket() -> Any:
    s3 = boto3.client("s3", region_name=DEV.region)
    s3.create_bucket(Bucket=BUCKET)
    return s3


@mock_aws
def test_pages_are_asked_for_each_time_and_scripts_never_again(export: Path) -> None:
    s3 = _bucket()
    assert publish(DEV, SOCKET, export) == 2 * len(presets()) + 6
    stored = {key: s3.get_object(Bucket=BUCKET, Key=key) for key in ("login.html", "_next/static/chunks/a1b2.js")}
    assert [(one["CacheControl"], one["ContentType"]) for one in stored.values()] == [
        ("public, max-age=0, must-revalidate", "text/html"),
        ("public, max-age=31536000, immutable", "text/javascript"),
    ]
    addresses = json.loads(s3.get_object(Bucket=BUCKET, Key="studio.json")["Body"].read())
    assert addresses == {"socketUrl": SOCKET}


def test_a_page_arrives_after_the_scripts_that_it_names(export: Path) -> None:
    keys = [key for _, key in pages_of(export)]
    assert keys[0] == "_next/static/chunks/a1b2.js"
    assert keys[-2:] == ["index.html", "login.html"]


@mock_aws
def test_a_deployment_without_pages_says_how_to_build_them(tmp_path: Path) -> None:
    _bucket()
    with pytest.raises(FileNotFoundError, match="make web"):
        publish(DEV, SOCKET, tmp_path)


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("", "index.html"),
        ("login", "login.html"),
        ("theme.js", "theme.js"),
        ("a/", "a/index.html"),
        ("a.b/c", "a.b/c.html"),
    ],
)
def test_the_edge_finds_the_file_of_a_page_as_the_laptop_does(path: str, file: str) -> None:
    program = (
        f"{(EDGE / 'pages.js').read_text()}; console.log(handler({{request: {{uri: {json.dumps('/' + path)}}}}}).uri)"
    )
    printed = subprocess.run([NODE, "-e", program], capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    assert printed.stdout.strip() == f"/{file}" == f"/{page_file(path)}"


@mock_aws
def test_every_preset_has_a_thumbnail_and_a_moving_preview(export: Path) -> None:
    s3 = _bucket()
    assert publish(DEV, SOCKET, export) >= 2 * len(presets()) >= 96
    for preset in presets().values():
        shown = {}
        for path in (preset.thumbnail, preset.preview):
            stored = s3.get_object(Bucket=BUCKET, Key=path.removeprefix("/"))
            shown[stored["ContentType"]] = Image.open(BytesIO(stored["Body"].read()))
        assert shown["image/jpeg"].size == shown["image/webp"].size == (320, 180)
        assert _seconds(shown["image/webp"]) >= 2 or preset.preset_id == "static"
