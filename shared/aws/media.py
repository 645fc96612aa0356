"""The media bucket: addresses, signed URLs in CloudFront's format, upload forms and object operations."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.signers import CloudFrontSigner

from shared.aws.clients import s3, uploads_s3
from shared.aws.secrets import secret
from shared.core.config import Config

if TYPE_CHECKING:  # the deployed bundles do not contain the stubs
    from mypy_boto3_s3 import S3Client

UPLOAD_MINUTES = 5
CACHE_SECONDS = 3600  # Cache-Control max-age, for browsers and for CloudFront
# Without s3:ListBucket, S3 answers 403 for a missing key. Few roles have it, so 403 is treated as "missing".
_MISSING = frozenset({"404", "NoSuchKey", "403", "AccessDenied"})


class Missing(Exception):
    """No object has this key."""


class NotDeleted(Exception):
    """S3 has refused to delete a version. Other versions of the same request may be deleted."""


class MediaConfig(Config):
    media_bucket: str = "kinora-local-media"
    media_url: str = ""  # base URL of the CloudFront distribution that serves the bucket


@cache
def config() -> MediaConfig:
    return MediaConfig()


def address(key: str) -> str:
    """Return `s3://bucket/key`, the form in which messages name objects."""
    return f"s3://{config().media_bucket}/{key}"


@dataclass(frozen=True, slots=True)
class MediaAccess:
    """Signed read access to all objects with one prefix, until `expires`."""

    prefix: str
    expires: datetime

    def url(self, key: str) -> str:
        """Return a URL that reads `key`. All URLs of one access share one signature."""
        return f"{config().media_url}/{key}?{_signature(self.prefix, int(self.expires.timestamp()))}"

    def playlist(self, text: str, stream_key: str) -> str:
        """Return the HLS playlist `text` with every URI replaced by the signed URL of `stream_key`."""
        signed = self.url(stream_key)
        text = re.sub(r'URI="[^"]*"', f'URI="{signed}"', text)
        return re.sub(r"^(?!#)\S+$", signed, text, flags=re.MULTILINE)

    def track(self, text: str, picture_key: str) -> str:
        """Return the WebVTT track `text` with the picture of every cue replaced by the signed URL of `picture_key`."""
        signed = self.url(picture_key)
        return re.sub(r"^\S+(?=#xywh=)", lambda _: signed, text, flags=re.MULTILINE)


def import_signing() -> Any:
    """Return the modules of cryptography that sign URLs. Their import takes 60 ms, and few functions sign."""
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415  # see above
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415  # see above

    return hashes, serialization, padding, rsa


@cache
def _signer() -> CloudFrontSigner:
    hashes, serialization, padding, rsa = import_signing()
    stored = json.loads(secret("media-signing-key"))
    # `functions/rotation` made the key. Its check would take 60 ms of the first request.
    key = serialization.load_pem_private_key(stored["pem"].encode(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the media signing key is not an RSA key")

    def sign(message: bytes) -> bytes:
        return bytes(key.sign(message, padding.PKCS1v15(), hashes.SHA1()))  # CloudFront accepts only SHA-1

    return CloudFrontSigner(stored["kid"], sign)


@lru_cache(maxsize=512)
def _signature(prefix: str, expires_epoch: int) -> str:
    # All URLs of a response share one RSA signature.
    resource = f"{config().media_url}/{prefix}*"
    policy = (
        f'{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":'
        f'{{"AWS:EpochTime":{expires_epoch}}}}}}}]}}'
    )
    return _signer().generate_presigned_url(resource, policy=policy).partition("?")[2]


# In the next functions, workers give a client with the credentials of their task (`shared.aws.clients.s3_with`).


def presigned_url(key_or_address: str, seconds: int, *, client: "S3Client | None" = None) -> str:
    """Return a GET URL that reads one object for `seconds`, or until the role's credentials expire."""
    key = key_or_address.removeprefix(address(""))
    return (client or s3()).generate_presigned_url(
        "get_object", Params={"Bucket": config().media_bucket, "Key": key}, ExpiresIn=seconds
    )


def upload_form(key: str, media_type: str, max_bytes: int) -> dict[str, Any]:
    """Return a presigned POST for this key and media type: `{"url": ..., "fields": {...}}`, valid for five minutes."""
    return uploads_s3().generate_presigned_post(
        config().media_bucket,
        key,
        Fields={"Content-Type": media_type},
        Conditions=[{"Content-Type": media_type}, ["content-length-range", 1, max_bytes]],
        ExpiresIn=UPLOAD_MINUTES * 60,
    )


def exists(key: str) -> bool:
    """Return whether an object has this key."""
    return any(found == key for found in keys(key))


def keys(prefix: str) -> Iterator[str]:
    """Yield all keys with a prefix."""
    for page in s3().get_paginator("list_objects_v2").paginate(Bucket=config().media_bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            yield item["Key"]


def read_text(key: str) -> str | None:
    """Return the object's text, or None when the object is missing."""
    try:
        with _missing(key):
            return s3().get_object(Bucket=config().media_bucket, Key=key)["Body"].read().decode()
    except Missing:
        return None


def download(key_or_address: str, path: Path, *, client: "S3Client | None" = None) -> None:
    """Download an object of the media bucket, named by its key or its `s3://` address. Raise Missing."""
    key = key_or_address.removeprefix(address(""))
    with _missing(key):
        _transfers().download_file(client or s3(), config().media_bucket, key, str(path))


def _transfers() -> Any:
    """Return boto3's transfers of files. Their import takes 30 ms, and few functions transfer files."""
    from boto3.s3 import inject  # noqa: PLC0415  # see above

    return inject


@contextmanager
def _missing(key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            raise Missing(key) from error
        raise


def upload(path: Path, key: str, media_type: str, *, kind: str, client: "S3Client | None" = None) -> None:
    """Store a file. `kind` (`work` or `final`) is the tag that the bucket's lifecycle rules read."""
    _transfers().upload_file(
        client or s3(),
        str(path),
        config().media_bucket,
        key,
        ExtraArgs={
            "ContentType": media_type,
            "Tagging": f"kind={kind}",
            "CacheControl": f"private, max-age={CACHE_SECONDS}",
            "ContentDisposition": _disposition(key),
        },
    )


def copy(key: str, to_key: str) -> None:
    """Copy an object within the bucket, as S3 does it for objects of at most 5 GB. Raise Missing."""
    bucket = config().media_bucket
    with _missing(key):
        s3().copy_object(
            Bucket=bucket, Key=to_key, CopySource={"Bucket": bucket, "Key": key}, TaggingDirective="REPLACE"
        )


def store_upload(path: Path, key: str, media_type: str) -> None:
    """Store a file as an upload form does, without tags."""
    _transfers().upload_file(s3(), str(path), config().media_bucket, key, ExtraArgs={"ContentType": media_type})


def put(content: bytes, key: str, media_type: str, *, kind: str, client: "S3Client | None" = None) -> None:
    """Store `content`. `kind` is the same tag as in `upload`."""
    (client or s3()).put_object(
        Bucket=config().media_bucket,
        Key=key,
        Body=content,
        ContentType=media_type,
        ContentDisposition=_disposition(key),
        Tagging=f"kind={kind}",
    )


def copy_tagged(key: str, to: str, media_type: str, *, kind: str) -> None:
    """Copy an object of at most 5 GB inside S3. `kind` is the same tag as in `upload`. Raise Missing."""
    with _missing(key):
        s3().copy_object(
            Bucket=config().media_bucket,
            Key=to,
            CopySource={"Bucket": config().media_bucket, "Key": key},
            MetadataDirective="REPLACE",
            TaggingDirective="REPLACE",
            ContentType=media_type,
            ContentDisposition=_disposition(to),
            CacheControl=f"private, max-age={CACHE_SECONDS}",
            Tagging=f"kind={kind}",
        )


def _disposition(key: str) -> str:
    """Return the Content-Disposition of an object: a browser shows it, and saves it under this name."""
    return f'inline; filename="kinora-{key.rpartition("/")[2]}"'


def delete(key: str, *, client: "S3Client") -> None:
    """Delete one object."""
    client.delete_object(Bucket=config().media_bucket, Key=key)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object, or the marker of its deletion. `modified` is the time when it was stored."""

    key: str
    version_id: str
    modified: datetime


def versions_page(prefix: str, after: Sequence[str] | None = None) -> tuple[list[Version], bool]:
    """Return up to 1,000 versions with a prefix, in the order of their keys, and whether there are more.

    `after` is the key and the version id of the last version that the caller does not need again.
    """
    marker = dict(zip(("KeyMarker", "VersionIdMarker"), after, strict=True)) if after else {}
    page: Any = s3().list_object_versions(Bucket=config().media_bucket, Prefix=prefix, **marker)  # type: ignore[arg-type]  # the stubs do not know which keys `marker` has
    found = [
        Version(item["Key"], item["VersionId"], item["LastModified"])
        for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
    ]
    # S3 lists the versions of a key from the newest to the oldest.
    return sorted(found, key=lambda v: (v.key, -v.modified.timestamp())), page["IsTruncated"]


def delete_versions(versions: Sequence[Version]) -> None:
    """Delete up to 1,000 versions for good. Raise NotDeleted if S3 refuses one of them."""
    if not versions:
        return
    objects: Any = [{"Key": version.key, "VersionId": version.version_id} for version in versions]
    answer = s3().delete_objects(Bucket=config().media_bucket, Delete={"Objects": objects, "Quiet": True})
    if errors := answer.get("Errors"):
        raise NotDeleted(f"{len(errors)} versions: {errors[0].get('Code')}")


def delete_below(prefix: str) -> int:
    """Delete all versions of all objects with a prefix, and return the number of versions. Raise NotDeleted."""
    number, more = 0, True
    while more:
        found, more = versions_page(prefix)
        delete_versions(found)
        number += len(found)
    return number
