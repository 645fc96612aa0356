"""The laptop's CloudFront: serve objects of the private media bucket to requests with a valid signature."""

import base64
import binascii
import fnmatch
import json
import re
from http import HTTPStatus
from time import time
from typing import Any
from urllib.parse import unquote

import aiohttp
import boto3
from aiohttp import web
from botocore.config import Config as BotoConfig
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from yarl import URL

from local.environment import MEDIA_BUCKET, MEDIA_KEY_ID
from local.gateway.problem import problem

_SENT_ON = ("Range", "If-Range", "If-None-Match", "If-Modified-Since")
_ANSWERED = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Content-Disposition",
    "Accept-Ranges",
    "Cache-Control",
    "ETag",
    "Last-Modified",
)


class SignatureRefused(Exception):
    """The signature does not permit the request. The message gives the reason in one sentence."""


class MediaServer:
    """The media endpoint. It uses only the public half of `private_pem`, the key that signs media URLs."""

    def __init__(self, media_url: str, private_pem: str) -> None:
        key = serialization.load_pem_private_key(private_pem.encode(), None).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise TypeError("the media signing key is not an RSA key")
        self._key = key
        self._media_url = media_url
        self._s3 = boto3.client("s3", config=BotoConfig(signature_version="s3v4"))
        self._origin: aiohttp.ClientSession | None = None

    async def open(self, _: web.Application) -> None:
        self._origin = aiohttp.ClientSession(auto_decompress=False)

    async def close(self, _: web.Application) -> None:
        if self._origin is not None:
            await self._origin.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Return an object or a range of it."""
        raw_key = request.rel_url.raw_path.removeprefix("/media/")
        key = unquote(raw_key)
        try:
            check_signature(self._key, f"{self._media_url}/{raw_key}", dict(request.query), now=time())
        except SignatureRefused as refused:
            return problem(403, "signature_refused", str(refused))
        if ".." in key.split("/") or self._origin is None:
            return problem(403, "signature_refused", "The address leaves what was signed.")
        verb = "head_object" if request.method == "HEAD" else "get_object"
        signed = self._s3.generate_presigned_url(verb, Params={"Bucket": MEDIA_BUCKET, "Key": key})
        forwarded = {name: request.headers[name] for name in _SENT_ON if name in request.headers}
        async with self._origin.request(request.method, URL(signed, encoded=True), headers=forwarded) as origin:
            return await _passed_on(request, origin)


async def _passed_on(request: web.Request, origin: aiohttp.ClientResponse) -> web.StreamResponse:
    if origin.status == HTTPStatus.NOT_FOUND:
        return problem(404, "not_found", "There is no such media.")
    if origin.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return problem(416, "range_not_satisfiable", "The requested range is beyond the end of the media.")
    headers = {name: origin.headers[name] for name in _ANSWERED if name in origin.headers}
    headers = {"Accept-Ranges": "bytes", **headers}
    response = web.StreamResponse(status=origin.status, headers=headers)
    await response.prepare(request)
    async for chunk in origin.content.iter_chunked(1 << 16):
        await response.write(chunk)
    return response


def check_signature(key: rsa.RSAPublicKey, url: str, query: dict[str, str], *, now: float) -> None:
    """Check a CloudFront signed URL with a custom policy. `url` excludes the query. Raise SignatureRefused."""
    missing = [name for name in ("Policy", "Signature", "Key-Pair-Id") if not query.get(name)]
    if missing:
        raise SignatureRefused("This address must be signed.")
    if query["Key-Pair-Id"] != MEDIA_KEY_ID:
        raise SignatureRefused("The address was signed with an unknown key.")
    try:
        policy = _decoded(query["Policy"])
        key.verify(_decoded(query["Signature"]), policy, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  # CloudFront's
        statement: dict[str, Any] = json.loads(policy)["Statement"][0]
        resource, conditions = statement["Resource"], statement["Condition"]
        expires = int(conditions["DateLessThan"]["AWS:EpochTime"])
    except (InvalidSignature, binascii.Error, ValueError, KeyError, IndexError, TypeError):
        raise SignatureRefused("The signature is not valid.") from None
    if now >= expires:
        raise SignatureRefused("The address has expired.")
    pattern = re.compile(fnmatch.translate(resource.replace("[", "[[]")))
    if not pattern.fullmatch(url):
        raise SignatureRefused("The signature is for another address.")


def _decoded(text: str) -> bytes:
    """Decode CloudFront's base64, which replaces `+`, `=` and `/` by `-`, `_` and `~`."""
    return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")), validate=True)
