"""`python -m infra.site ENV`: copy the pictures of the presets into the site's bucket."""

import sys
from pathlib import Path

import boto3

from infra.bundling.archive import ROOT
from infra.constructs.front_door import site_bucket_name
from infra.environments import ENVIRONMENTS, Environment
from shared.presets.presets import presets

PICTURES = ROOT / "docs" / "gallery"  # a preset's paths are the same below this folder and below the site
KINDS = {".jpg": "image/jpeg", ".webp": "image/webp"}
CACHE_ONE_DAY = "public, max-age=86400"


def publish(environment: Environment) -> int:
    """Copy the site's files and return their number."""
    account = boto3.client("sts", region_name=environment.region).get_caller_identity()["Account"]
    bucket, s3 = site_bucket_name(environment, account), boto3.client("s3", region_name=environment.region)
    paths = [path.removeprefix("/") for preset in presets().values() for path in (preset.thumbnail, preset.preview)]
    for path in paths:
        kind = KINDS[Path(path).suffix]
        s3.upload_file(
            str(PICTURES / path), bucket, path, ExtraArgs={"ContentType": kind, "CacheControl": CACHE_ONE_DAY}
        )
    return len(paths)


if __name__ == "__main__":
    copied = publish(ENVIRONMENTS[sys.argv[1]])
    sys.stdout.write(f"Copied {copied} pictures of presets to the site\n")
