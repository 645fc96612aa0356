"""`python -m infra.site ENV`: copies the pictures of the presets into the bucket that the site is served from."""

import sys
from pathlib import Path

import boto3

from infra.bundling.archive import ROOT
from infra.constructs.front_door import site_bucket_name
from infra.environments import ENVIRONMENTS, Environment
from shared.presets.presets import presets

PICTURES = ROOT / "docs" / "gallery"  # a preset's paths are below it as they are below the site
KINDS = {".jpg": "image/jpeg", ".webp": "image/webp"}
A_DAY = "public, max-age=86400"


def publish(environment: Environment) -> int:
    """Copy the site's files and return their number."""
    account = boto3.client("sts").get_caller_identity()["Account"]
    bucket, s3 = site_bucket_name(environment, account), boto3.client("s3", region_name=environment.region)
    paths = [path.removeprefix("/") for preset in presets() for path in (preset.thumbnail, preset.preview)]
    for path in paths:
        kind = KINDS[Path(path).suffix]
        s3.upload_file(str(PICTURES / path), bucket, path, ExtraArgs={"ContentType": kind, "CacheControl": A_DAY})
    return len(paths)


if __name__ == "__main__":
    copied = publish(ENVIRONMENTS[sys.argv[1]])
    sys.stdout.write(f"{copied} pictures of presets are on the site\n")
