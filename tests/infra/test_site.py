"""The pictures that `make deploy` copies to the site and the API names."""

from io import BytesIO

import boto3
import pytest
from moto import mock_aws
from PIL import Image, ImageSequence

from infra.constructs.front_door import site_bucket_name
from infra.environments import ENVIRONMENTS
from infra.site import publish
from shared.presets.presets import presets

DEV = ENVIRONMENTS["dev"]
BUCKET = site_bucket_name(DEV, "123456789012")


def _seconds(moving: Image.Image) -> float:
    seconds = 0.0
    for frame in ImageSequence.Iterator(moving):
        frame.load()
        seconds += frame.info.get("duration", 0) / 1000
    return seconds


@mock_aws
def test_every_preset_has_a_thumbnail_and_a_moving_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)  # the guide sets AWS_REGION only, which boto3 does not read
    s3 = boto3.client("s3", region_name=DEV.region)
    s3.create_bucket(Bucket=BUCKET)
    assert publish(DEV) == 2 * len(presets()) >= 96
    for preset in presets().values():
        shown = {}
        for path in (preset.thumbnail, preset.preview):
            stored = s3.get_object(Bucket=BUCKET, Key=path.removeprefix("/"))
            shown[stored["ContentType"]] = Image.open(BytesIO(stored["Body"].read()))
        assert shown["image/jpeg"].size == shown["image/webp"].size == (320, 180)
        assert _seconds(shown["image/webp"]) >= 2 or preset.preset_id == "static"
