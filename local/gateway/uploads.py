"""The laptop's S3 upload endpoint: check presigned POST forms as S3 does, then store the file in moto."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import IO, Any
from xml.sax.saxutils import escape

import boto3
from aiohttp import BodyPartReader, web

from local.environment import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY

FIELD_LIMIT_BYTES = 20 * 1024
_NOT_IN_POLICY = {"policy", "x-amz-signature", "file"}

log = logging.getLogger(__name__)


class UploadRefused(Exception):
    """S3's error response to a form: status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Policy:
    """A form's policy, checked for signature, expiry and conditions. Raise UploadRefused if a check fails."""

    def __init__(self, bucket: str, fields: Mapping[str, str], *, now: datetime) -> None:
        document = _signed_document(fields, now)
        self.min_bytes, self.max_bytes = 0, 5 * 1024**3
        # S3 compares the names of fields case-insensitively.
        values = {name.lower(): value for name, value in fields.items()} | {"bucket": bucket}
        covered = set(_NOT_IN_POLICY) | {"bucket"}
        for condition in document["conditions"]:
            operator, name, expected = _condition(condition)
            if operator == "content-length-range":
                self.min_bytes, self.max_bytes = int(name), int(expected)
                continue
            covered.add(name)
            value = values.get(name, "")
            if not (value.startswith(expected) if operator == "starts-with" else hmac.compare_digest(value, expected)):
                raise _failed(json.dumps(condition))
        for name in values:
            if name not in covered and not name.startswith("x-ignore-"):
                raise UploadRefused(403, "AccessDenied", f"Invalid according to Policy: Extra input fields: {name}")

    def check_size(self, size: int) -> None:
        if size > self.max_bytes:
            raise UploadRefused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        if size < self.min_bytes:
            raise UploadRefused(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")


def _failed(condition: str) -> UploadRefused:
    return UploadRefused(403, "AccessDenied", f"Invalid according to Policy: Policy Condition failed: {condition}")


def _condition(condition: Any) -> tuple[str, str, str]:
    """Return operator, field and value. `{"key": "a"}` means `["eq", "$key", "a"]`."""
    if isinstance(condition, dict):
        ((name, expected),) = condition.items()
        return "eq", str(name).lower(), str(expected)
    operator, name, expected = condition
    return str(operator).lower(), str(name).removeprefix("$").lower(), str(expected)


def _signed_document(fields: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Return the policy document. Raise UploadRefused unless its signature (AWS4-HMAC-SHA256) and expiry are valid."""
    try:
        policy, signature = fields["policy"], fields["x-amz-signature"]
        access_key, date, region, service, terminator = fields["x-amz-credential"].split("/")
        algorithm = fields["x-amz-algorithm"]
    except (KeyError, ValueError):
        raise UploadRefused(403, "AccessDenied", "Access Denied") from None
    if access_key != ACCESS_KEY_ID:
        raise UploadRefused(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist.")
    scope = (algorithm, region, service, terminator)
    if scope != ("AWS4-HMAC-SHA256", REGION, "s3", "aws4_request") or not hmac.compare_digest(
        _signature(policy, date).encode(), signature.encode()
    ):
        raise UploadRefused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
    try:
        document: dict[str, Any] = json.loads(base64.b64decode(policy))
        expires = datetime.strptime(document["expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (binascii.Error, ValueError, KeyError):
        raise UploadRefused(400, "InvalidPolicyDocument", "The policy is not valid.") from None
    if now >= expires:
        raise UploadRefused(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    return document


def _signature(policy: str, date: str) -> str:
    key = f"AWS4{SECRET_ACCESS_KEY}".encode()
    for part in (date, REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return hmac.new(key, policy.encode(), hashlib.sha256).hexdigest()


class UploadServer:
    """`POST /s3/{bucket}`."""

    def __init__(self) -> None:
        self._s3 = boto3.client("s3")

    async def handle(self, request: web.Request) -> web.Response:
        try:
            return await self._store(request)
        except UploadRefused as refused:
            text = (
                '<?xml version="1.0" encoding="UTF-8"?>\n'
                f"<Error><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message></Error>"
            )
            # The rest of a refused file is not read, so the connection cannot be used again.
            response = web.Response(status=refused.status, text=text, content_type="application/xml")
            response.force_close()
            return response

    async def _store(self, request: web.Request) -> web.Response:
        bucket = request.match_info["bucket"]
        if not request.content_type.startswith("multipart/form-data"):
            raise UploadRefused(
                412, "PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data"
            )
        fields: dict[str, str] = {}
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or part.name is None:
                break
            if part.name == "file":
                policy = Policy(bucket, fields, now=datetime.now(UTC))
                with tempfile.SpooledTemporaryFile(max_size=1 << 20) as file:
                    await _receive(part, file, policy)
                    await _put(self._s3, bucket, fields, file)
                return web.Response(status=204)
            text = await part.read(decode=False)
            if len(text) > FIELD_LIMIT_BYTES:
                raise UploadRefused(400, "MaxPostPreDataLengthExceeded", "The fields before the file are too large.")
            fields[part.name] = text.decode("utf-8", "replace")
        raise UploadRefused(400, "InvalidArgument", "POST requires exactly one file upload per request.")


async def _receive(part: BodyPartReader, file: IO[bytes], policy: Policy) -> None:
    size = 0
    while chunk := await part.read_chunk(1 << 16):
        size += len(chunk)
        if size > policy.max_bytes:
            break
        file.write(chunk)
    policy.check_size(size)
    file.seek(0)


async def _put(s3: Any, bucket: str, fields: Mapping[str, str], file: IO[bytes]) -> None:
    values = {name.lower(): value for name, value in fields.items()}
    extra = {"ContentType": values.get("content-type", "binary/octet-stream")}
    await asyncio.to_thread(s3.put_object, Bucket=bucket, Key=values["key"], Body=file, **extra)
