"""`python -m infra.site ENV`: copy the studio's pages and the pictures of the presets into the site's bucket."""

import json
import mimetypes
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3

from infra.bundling.archive import ROOT
from infra.constructs.front_door import site_bucket_name
from infra.edge import ASK_EACH_TIME, IMMUTABLE, cache_control
from infra.environments import ENVIRONMENTS, Environment
from shared.presets.presets import presets

PICTURES = ROOT / "docs" / "gallery"  # a preset's paths are the same below this folder and below the site
EXPORT = ROOT / "web" / "out"  # `make web` writes it
KINDS = {".js": "text/javascript", ".webp": "image/webp", ".woff2": "font/woff2", ".txt": "text/x-component"}


def publish(environment: Environment, socket_url: str, export: Path = EXPORT) -> int:
    """Copy the site's files and return their number. `socket_url` is the address to which the pages connect.

    Pages come last, so that each page finds the scripts that it names. Scripts of older releases stay in the bucket,
    because open tabs still load them.
    """
    account = boto3.client("sts", region_name=environment.region).get_caller_identity()["Account"]
    bucket, s3 = site_bucket_name(environment, account), boto3.client("s3", region_name=environment.region)
    copied = 0
    for file, key in (*_pictures(), *pages_of(export)):
        headers = {"ContentType": content_type(key), "CacheControl": cache_control(key)}
        s3.upload_file(str(file), bucket, key, ExtraArgs=headers)
        copied += 1
    addresses = json.dumps({"socketUrl": socket_url})
    s3.put_object(
        Bucket=bucket, Key="studio.json", Body=addresses, ContentType="application/json", CacheControl=ASK_EACH_TIME
    )
    return copied + 1


def _pictures() -> Iterator[tuple[Path, str]]:
    for preset in presets().values():
        for path in (preset.thumbnail, preset.preview):
            key = path.removeprefix("/")
            yield PICTURES / key, key


def pages_of(export: Path) -> list[tuple[Path, str]]:
    """Return the files of the export with their keys, pages last. Raise FileNotFoundError without an export."""
    if not (export / "index.html").is_file():
        raise FileNotFoundError(f"{export} has no pages. Run `make web` first.")
    files = [(file, file.relative_to(export).as_posix()) for file in sorted(export.rglob("*")) if file.is_file()]
    return sorted(files, key=lambda found: (not found[1].startswith(IMMUTABLE), found[1].endswith(".html")))


def content_type(key: str) -> str:
    return KINDS.get(Path(key).suffix) or mimetypes.guess_type(key)[0] or "application/octet-stream"


def socket_url_of(environment: Environment) -> str:
    """Return the output `Socket` of the API's stack."""
    formation = boto3.client("cloudformation", region_name=environment.region)
    [stack] = formation.describe_stacks(StackName=f"{environment.prefix}-api")["Stacks"]
    return next(str(one["OutputValue"]) for one in stack["Outputs"] if one["OutputKey"] == "Socket")


if __name__ == "__main__":
    chosen = ENVIRONMENTS[sys.argv[1]]
    number = publish(chosen, socket_url_of(chosen))
    sys.stdout.write(f"Copied {number} files to the site\n")
