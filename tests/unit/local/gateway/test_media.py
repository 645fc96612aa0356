"""Signed media URLs of the laptop: valid ones and each kind of invalid one."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local.environment import MEDIA_KEY_ID
from local.gateway.media import SignatureRefused, check_signature

MEDIA = "http://127.0.0.1:1/media"
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def sign(key: rsa.RSAPrivateKey) -> Callable[..., dict[str, str]]:
    """A function that returns the query parameters of CloudFront's signer for a prefix."""

    def make(prefix: str, expires: int = NOW + 60, key_id: str = MEDIA_KEY_ID) -> dict[str, str]:
        resource = f"{MEDIA}/{prefix}*"
        condition = {"DateLessThan": {"AWS:EpochTime": expires}}
        policy = json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]})
        sha1 = hashes.SHA1()  # noqa: S303  # CloudFront accepts SHA-1 only
        signer = CloudFrontSigner(key_id, lambda text: key.sign(text, padding.PKCS1v15(), sha1))
        return dict(parse_qsl(signer.generate_presigned_url(resource, policy=policy).partition("?")[2]))

    return make


def _check(key: rsa.RSAPrivateKey, path: str, query: dict[str, str], now: float = NOW) -> None:
    check_signature(key.public_key(), f"{MEDIA}/{path}", query, now=now)


def test_a_signed_prefix_grants_every_file_below_it(key: rsa.RSAPrivateKey, sign: Callable[..., Any]) -> None:
    _check(key, "jobs/a/video.mp4", sign("jobs/a/"))
    _check(key, "jobs/a/deep/poster.jpg", sign("jobs/a/"))


@pytest.mark.parametrize("path", ["jobs/b/video.mp4", "jobs/a", "assets/jobs/a/video.mp4"])
def test_a_signature_is_refused_outside_its_prefix(key: rsa.RSAPrivateKey, sign: Callable[..., Any], path: str) -> None:
    with pytest.raises(SignatureRefused, match="another address"):
        _check(key, path, sign("jobs/a/"))


def test_an_expired_signature_is_refused(key: rsa.RSAPrivateKey, sign: Callable[..., Any]) -> None:
    _check(key, "jobs/a/x", sign("jobs/a/", expires=NOW + 1))
    with pytest.raises(SignatureRefused, match="expired"):
        _check(key, "jobs/a/x", sign("jobs/a/", expires=NOW))


def test_a_changed_policy_is_refused(key: rsa.RSAPrivateKey, sign: Callable[..., Any]) -> None:
    query = sign("jobs/a/")
    wider = base64.b64encode(
        json.dumps(
            {"Statement": [{"Resource": f"{MEDIA}/*", "Condition": {"DateLessThan": {"AWS:EpochTime": NOW + 9}}}]}
        ).encode()
    ).decode()
    wider = wider.translate(str.maketrans("+=/", "-_~"))
    with pytest.raises(SignatureRefused, match="not valid"):
        _check(key, "jobs/a/x", {**query, "Policy": wider})


def test_the_signature_of_another_key_is_refused(key: rsa.RSAPrivateKey, sign: Callable[..., Any]) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    with pytest.raises(SignatureRefused, match="not valid"):
        _check(stranger, "jobs/a/x", sign("jobs/a/"))
    with pytest.raises(SignatureRefused, match="unknown key"):
        _check(key, "jobs/a/x", sign("jobs/a/", key_id="other"))


@pytest.mark.parametrize("missing", ["Policy", "Signature", "Key-Pair-Id"])
def test_an_unsigned_url_is_refused(key: rsa.RSAPrivateKey, sign: Callable[..., Any], missing: str) -> None:
    query = {name: value for name, value in sign("jobs/a/").items() if name != missing}
    with pytest.raises(SignatureRefused, match="must be signed"):
        _check(key, "jobs/a/x", query)


@pytest.mark.parametrize("garbage", ["%%%", "e30_", "bnVsbA__"])
def test_garbage_in_a_signature_is_refused(key: rsa.RSAPrivateKey, sign: Callable[..., Any], garbage: str) -> None:
    for name in ("Policy", "Signature"):
        with pytest.raises(SignatureRefused, match="not valid"):
            _check(key, "jobs/a/x", {**sign("jobs/a/"), name: garbage})
