"""The function that a provider calls when a request has ended. It sends the message of the next poll at once.

A webhook starts a poll, and its body is not used for anything else. Polls find the end of a request without it
(docs/adr/0073).
"""

import hmac
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import PyJWKClient
from pydantic import AliasChoices, BaseModel, Field, ValidationError

from shared.aws import media, queues
from shared.aws.clients import s3, sqs
from shared.aws.init import prepare
from shared.aws.records import dynamodb
from shared.core.clock import utc_now
from shared.core.config import Config
from shared.jobs.keys import poll_key
from shared.jobs.tickets import tickets
from shared.observability import about, logger, observed
from shared.stages.engines import engine
from shared.stages.messages import RemoteTask, StageTask
from shared.stages.queues import REMOTE_QUEUE
from shared.stages.stages import Stage

TOLERANCE = timedelta(minutes=5)  # maximum age of a signature, as fal recommends
KEYS_SECONDS = 3600  # fal allows at most a day
_FLUX_SIGNATURE = "x-bfl-signature"


class EndedRequest(BaseModel, defer_build=True):
    """The part of a webhook's body, and of a ticket of the same provider, that names the request."""

    id: str = Field(validation_alias=AliasChoices("request_id", "id"))

    def is_of(self, ticket: str) -> bool:
        """Return whether the ticket names this request. Tickets of the previous release for FLUX name none."""
        try:
            return EndedRequest.model_validate_json(ticket) == self
        except ValidationError:
            return False


class WebhookConfig(Config):
    fal_jwks_url: str = "https://rest.fal.ai/.well-known/jwks.json"


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Answer a request to the function's URL: `POST /{provider}/{job_id}/{stage}`.

    204: the poll's message is sent. 400: the body names no request. 401: the signature is not the provider's. 404: no
    step waits for this request.
    """
    provider, _, path = event["rawPath"].strip("/").partition("/")
    job_id, _, stage = path.partition("/")
    if provider not in _SIGNED or not job_id or stage not in {*Stage}:
        return {"statusCode": 404}
    text = event.get("body") or ""
    body = b64decode(text) if event.get("isBase64Encoded") else text.encode()
    headers = event["headers"]
    if not _SIGNED[provider](headers, body, at=utc_now()):
        return _refused(provider)
    about(job_id=job_id, stage=stage)
    try:
        ended = EndedRequest.model_validate_json(body)
    except ValidationError:
        return {"statusCode": 400}
    found = _next_poll(provider, job_id, Stage(stage), ended)
    if found is None:
        logger.info("no step waits for this request")
        return {"statusCode": 404}
    if provider == "flux" and not _has_signature_of(found.task, headers, body):
        return _refused(provider)
    queues.send(REMOTE_QUEUE, found, group=found.task.request.user_id)
    return {"statusCode": 204}


def _refused(provider: str) -> dict[str, int]:
    logger.warning("webhook refused", provider=provider)
    return {"statusCode": 401}


def _next_poll(provider: str, job_id: str, stage: Stage, ended: EndedRequest) -> RemoteTask | None:
    """Return the message of the next poll, or None if the step does not wait for this request of the provider."""
    held = tickets.get(job_id, stage)
    if held is None or held.ticket is None or held.engine is None or engine(stage, held.engine).webhooks != provider:
        return None
    if not ended.is_of(held.ticket):
        return None
    stored = media.read_text(poll_key(job_id, stage, held.attempt))
    if stored is None:
        return None
    return RemoteTask.model_validate_json(stored).model_copy(update={"poll_no": int(held.poll_no) + 1})


def _is_from_fal(headers: Mapping[str, str], body: bytes, *, at: datetime) -> bool:
    """Return whether one of fal's keys has signed the request, at most `TOLERANCE` ago.

    Source: https://fal.ai/docs/model-apis/webhooks
    """
    names = ("request-id", "user-id", "timestamp", "signature")
    try:
        request_id, user_id, sent_at, signature = (headers[f"x-fal-webhook-{name}"] for name in names)
        age, signed = at.timestamp() - int(sent_at), bytes.fromhex(signature)
    except (KeyError, ValueError):
        return False
    message = "\n".join((request_id, user_id, sent_at, sha256(body).hexdigest())).encode()
    return abs(age) <= TOLERANCE.total_seconds() and any(_verifies(key.key, signed, message) for key in _keys().keys)


def _may_be_from_flux(headers: Mapping[str, str], _body: bytes, *, at: datetime) -> bool:  # noqa: ARG001  # no time is signed
    """Return whether the request has a signature at all. Its secret is that of the request, which is read later.

    Source: https://github.com/black-forest-labs/skills/blob/main/skills/bfl-api/references/code-examples/python-client.py
    """
    return re.fullmatch("sha256=[0-9a-f]{64}", headers.get(_FLUX_SIGNATURE, "")) is not None


def _has_signature_of(task: StageTask, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether the body is signed with the secret that FLUX received with the task's request."""
    if task.webhook_secret is None:
        return False
    signature = hmac.new(task.webhook_secret.encode(), body, sha256).hexdigest()
    return hmac.compare_digest(headers[_FLUX_SIGNATURE], f"sha256={signature}")


_SIGNED = {"fal": _is_from_fal, "flux": _may_be_from_flux}  # by provider: whether a request is signed


def _verifies(key: object, signature: bytes, message: bytes) -> bool:
    if not isinstance(key, Ed25519PublicKey):
        return False
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _keys() -> Any:
    return _key_client(WebhookConfig().fal_jwks_url).get_jwk_set()


@cache
def _key_client(url: str) -> PyJWKClient:
    return PyJWKClient(url, lifespan=KEYS_SECONDS, timeout=5)


prepare(dynamodb, s3, sqs)
