"""What opens the laptop's storage: signed media URLs and upload forms, each way in which they may be wrong."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import boto3
import pytest
from botocore.config import Config
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local.environment import ACCESS_KEY_ID, MEDIA_KEY_ID, SECRET_ACCESS_KEY
from local.gateway.media import SignatureRefused, check_signature
from local.gateway.uploads import Policy, UploadRefused
from local.keys import secret_values

MEDIA = "http://127.0.0.1:1/media"
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def sign(key: rsa.RSAPrivateKey) -> Callable[..., dict[str, str]]:
    """Query parameters as CloudFront's own signer makes them, for a prefix."""

    def make(prefix: str, expires: int = NOW + 60, key_id: str = MEDIA_KEY_ID) -> dict[str, str]:
        resource = f"{MEDIA}/{prefix}*"
        condition = {"DateLessThan": {"AWS:EpochTime": expires}}
        policy = json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]})
        sha1 = hashes.SHA1()  # noqa: S303  # CloudFront takes no other
        signer = CloudFrontSigner(key_id, lambda text: key.sign(text, padding.PKCS1v15(), sha1))
        return dict(parse_qsl(signer.generate_presigned_url(resource, policy=policy).partition("?")[2]))

    return make


def _check(key: rsa.RSAPrivateKey, path: str, query: dict[str, str], now: float = NOW) -> None:
    check_signature(key.public_key(), f"{MEDIA}/{path}", query, now=now)


def test_a_signed_prefix_opens_everything_below_it(key: rsa.RSAPrivateKey, sign: Callable[..., Any]) -> None:
    _check(key, "jobs/a/video.mp4", sign("jobs/a/"))
    _check(key, "jobs/a/deep/poster.jpg", sign("jobs/a/"))


@pytest.mark.parametrize("path", ["jobs/b/video.mp4", "jobs/a", "assets/jobs/a/video.mp4"])
def test_a_signature_opens_nothing_beside_its_prefix(
    key: rsa.RSAPrivateKey, sign: Callable[..., Any], path: str
) -> None:
    with pytest.raises(SignatureRefused, match="another address"):
        _check(key, path, sign("jobs/a/"))


def test_an_expired_signature_opens_nothing(key: rsa.RSAPrivateKey, sign: Callable[..., Any]) -> None:
    _check(key, "jobs/a/x", sign("jobs/a/", expires=NOW + 1))
    with pytest.raises(SignatureRefused, match="expired"):
        _check(key, "jobs/a/x", sign("jobs/a/", expires=NOW))


def test_a_policy_that_was_changed_opens_nothing(key: rsa.RSAPrivateKey, sign: Callable[..., Any]) -> None:
    query = sign("jobs/a/")
    wider = base64.b64encode(
        json.dumps(
            {"Statement": [{"Resource": f"{MEDIA}/*", "Condition": {"DateLessThan": {"AWS:EpochTime": NOW + 9}}}]}
        ).encode()
    ).decode()
    wider = wider.translate(str.maketrans("+=/", "-_~"))
    with pytest.raises(SignatureRefused, match="not valid"):
        _check(key, "jobs/a/x", {**query, "Policy": wider})


def test_another_keys_signature_opens_nothing(key: rsa.RSAPrivateKey, sign: Callable[..., Any]) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    with pytest.raises(SignatureRefused, match="not valid"):
        _check(stranger, "jobs/a/x", sign("jobs/a/"))
    with pytest.raises(SignatureRefused, match="unknown key"):
        _check(key, "jobs/a/x", sign("jobs/a/", key_id="other"))


@pytest.mark.parametrize("missing", ["Policy", "Signature", "Key-Pair-Id"])
def test_an_unsigned_address_opens_nothing(key: rsa.RSAPrivateKey, sign: Callable[..., Any], missing: str) -> None:
    query = {name: value for name, value in sign("jobs/a/").items() if name != missing}
    with pytest.raises(SignatureRefused, match="must be signed"):
        _check(key, "jobs/a/x", query)


@pytest.mark.parametrize("garbage", ["%%%", "e30_", "bnVsbA__"])
def test_garbage_in_a_signature_is_refused(key: rsa.RSAPrivateKey, sign: Callable[..., Any], garbage: str) -> None:
    for name in ("Policy", "Signature"):
        with pytest.raises(SignatureRefused, match="not valid"):
            _check(key, "jobs/a/x", {**sign("jobs/a/"), name: garbage})


def _form(*, secret: str = SECRET_ACCESS_KEY, access_key: str = ACCESS_KEY_ID) -> dict[str, str]:
    """A form as the assets function makes it: exact key and type, 1 to 10 bytes, five minutes."""
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


def test_a_form_takes_what_it_was_made_for() -> None:
    policy = _policy(_form())
    policy.check_size(1)
    policy.check_size(10)


@pytest.mark.parametrize(("size", "code"), [(0, "EntityTooSmall"), (11, "EntityTooLarge")])
def test_a_form_takes_no_other_size(size: int, code: str) -> None:
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
def test_a_form_takes_no_other_field(change: dict[str, str]) -> None:
    with pytest.raises(UploadRefused) as refused:
        _policy({**_form(), **change})
    assert (refused.value.status, refused.value.code) == (403, "AccessDenied")


def test_a_form_is_good_for_one_bucket_and_five_minutes() -> None:
    with pytest.raises(UploadRefused, match="Policy Condition failed"):
        _policy(_form(), bucket="other")
    with pytest.raises(UploadRefused, match="expired"):
        _policy(_form(), later=timedelta(minutes=6))


def test_a_form_that_someone_else_signed_or_nobody_is_refused() -> None:
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


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Any) -> None:
    first, again = (secret_values(tmp_path / "keys") for _ in range(2))
    assert first == again
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    signing = json.loads(first["access-token-signing-key"])
    public = json.loads(first["access-token-verification-keys"])[signing["kid"]]
    private = serialization.load_pem_private_key(signing["pem"].encode(), None)
    assert private.public_key() == serialization.load_pem_public_key(public.encode())
    assert len(bytes.fromhex(first["refresh-token-key"])) == 32
