"""Upload forms of the laptop: valid ones and each kind of invalid one."""

import base64
import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config

from local.environment import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from local.gateway.uploads import Policy, UploadRefused


def _form(*, secret: str = SECRET_ACCESS_KEY, access_key: str = ACCESS_KEY_ID) -> dict[str, str]:
    """Return a form like those of the assets function: exact key and type, 1 to 10 bytes, valid for 300 seconds."""
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        config=Config(signature_version="s3v4"),
    )
    form = client.generate_presigned_post(
        "media",
        "quarantine/ast_1",
        Fields={"Content-Type": "image/png"},
        Conditions=[{"Content-Type": "image/png"}, ["content-length-range", 1, 10]],
        ExpiresIn=300,
    )
    fields: dict[str, str] = form["fields"]
    return fields


def _policy(fields: dict[str, str], *, bucket: str = "media", later: timedelta = timedelta()) -> Policy:
    return Policy(bucket, fields, now=datetime.now(UTC) + later)


def test_a_form_accepts_its_own_fields_and_sizes() -> None:
    policy = _policy(_form())
    policy.check_size(1)
    policy.check_size(10)


@pytest.mark.parametrize(("size", "code"), [(0, "EntityTooSmall"), (11, "EntityTooLarge")])
def test_a_form_refuses_another_size(size: int, code: str) -> None:
    with pytest.raises(UploadRefused) as refused:
        _policy(_form()).check_size(size)
    assert (refused.value.status, refused.value.code) == (400, code)


@pytest.mark.parametrize(
    "change",
    [
        {"key": "quarantine/ast_2"},
        {"key": "quarantine/ast_1/"},
        {"Content-Type": "text/html"},
        {"acl": "public-read"},
        {"x-amz-meta-note": "hello"},
    ],
)
def test_a_form_refuses_another_field(change: dict[str, str]) -> None:
    with pytest.raises(UploadRefused) as refused:
        _policy({**_form(), **change})
    assert (refused.value.status, refused.value.code) == (403, "AccessDenied")


def test_a_form_is_valid_for_one_bucket_and_five_minutes() -> None:
    with pytest.raises(UploadRefused, match="Policy Condition failed"):
        _policy(_form(), bucket="other")
    with pytest.raises(UploadRefused, match="expired"):
        _policy(_form(), later=timedelta(minutes=6))


def test_a_form_without_a_valid_signature_is_refused() -> None:
    for fields, code in (
        (_form(secret="another"), "SignatureDoesNotMatch"),
        (_form(access_key="AKIAOTHER"), "InvalidAccessKeyId"),
        ({**_form(), "x-amz-algorithm": "none"}, "SignatureDoesNotMatch"),
        ({"key": "quarantine/ast_1"}, "AccessDenied"),
    ):
        with pytest.raises(UploadRefused) as refused:
            _policy(fields)
        assert (refused.value.status, refused.value.code) == (403, code)


def test_a_widened_policy_is_refused() -> None:
    fields = _form()
    document = json.loads(base64.b64decode(fields["policy"]))
    document["conditions"] = [["content-length-range", 1, 10**12]]
    widened = base64.b64encode(json.dumps(document).encode()).decode()
    with pytest.raises(UploadRefused, match="signature"):
        _policy({**fields, "policy": widened})
