"""Signed access to media in CloudFront's format, verified in the way of CloudFront."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from shared.aws import clients, media

EXPIRES = datetime(2026, 11, 22, 13, tzinfo=UTC)
KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


@pytest.fixture(autouse=True)
def signing_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    caches = (media._signer, media._signature, media.config)
    for cached in caches:
        cached.cache_clear()
    monkeypatch.setattr(media, "secret", lambda _name: json.dumps({"kid": "test", "pem": PEM}))
    yield
    for cached in caches:
        cached.cache_clear()


def decoded(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "=").replace("~", "/"))


def test_a_url_contains_a_policy_for_its_prefix_with_a_valid_signature() -> None:
    url = media.MediaAccess("jobs/job_1/", EXPIRES).url("jobs/job_1/post_processing/a/film.mp4")
    assert url.startswith("https://media.kinora.test/jobs/job_1/post_processing/a/film.mp4?")
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    policy = decoded(query["Policy"])
    [statement] = json.loads(policy)["Statement"]
    assert statement["Resource"] == "https://media.kinora.test/jobs/job_1/*"
    assert statement["Condition"] == {"DateLessThan": {"AWS:EpochTime": int(EXPIRES.timestamp())}}
    KEY.public_key().verify(decoded(query["Signature"]), policy, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  # CloudFront's own algorithm
    with pytest.raises(InvalidSignature):
        KEY.public_key().verify(decoded(query["Signature"]), policy + b" ", padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  # CloudFront's own algorithm
    assert query["Key-Pair-Id"] == "test"


@pytest.mark.parametrize("endpoint_url", [None, "http://127.0.0.1:5000"])
def test_a_presigned_url_has_signature_version_4(monkeypatch: pytest.MonkeyPatch, endpoint_url: str | None) -> None:
    """S3 answers 400 to version 2, boto3's default in us-east-1, for objects that KMS encrypts."""
    if endpoint_url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint_url)
    clients.s3.cache_clear()
    url = urlsplit(media.presigned_url(media.address("jobs/job_1/x.png"), seconds=600))
    clients.s3.cache_clear()
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (query["X-Amz-Algorithm"], query["X-Amz-Expires"]) == ("AWS4-HMAC-SHA256", "600")
    assert not {"AWSAccessKeyId", "Signature"} & set(query)
    assert f"{url.netloc}{url.path}" in {
        "kinora-test-media.s3.amazonaws.com/jobs/job_1/x.png", "127.0.0.1:5000/kinora-test-media/jobs/job_1/x.png",
    }  # fmt: skip


def test_the_prefix_of_a_job_does_not_match_another_job() -> None:
    """A policy for `jobs/job_1*` would also grant `jobs/job_10/`."""
    url = media.MediaAccess("jobs/job_1/", EXPIRES).url("jobs/job_1/x")
    [statement] = json.loads(decoded(parse_qs(urlsplit(url).query)["Policy"][0]))["Statement"]
    assert statement["Resource"].endswith("/job_1/*")


def test_every_uri_of_a_playlist_is_signed_and_the_rest_is_unchanged() -> None:
    text = (
        '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-MAP:URI="film.m4s",BYTERANGE="800@0"\n'
        "#EXTINF:2.0,\n#EXT-X-BYTERANGE:900@800\nfilm.m4s\n#EXT-X-ENDLIST\n"
    )
    access = media.MediaAccess("jobs/job_1/", EXPIRES)
    signed = access.url("jobs/job_1/post_processing/a/film.m4s")
    assert access.playlist(text, "jobs/job_1/post_processing/a/film.m4s") == text.replace("film.m4s", signed)


def test_every_picture_of_a_track_is_signed_and_the_rest_is_unchanged() -> None:
    text = "WEBVTT\n\n00:00:00.000 --> 00:00:00.500\nsprites.jpg#xywh=0,0,160,90\n"
    access = media.MediaAccess("jobs/job_1/", EXPIRES)
    signed = access.url("jobs/job_1/post_processing/a/sprites.jpg")
    assert access.track(text, "jobs/job_1/post_processing/a/sprites.jpg") == text.replace("sprites.jpg", signed)
