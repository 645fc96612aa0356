"""A deployment in the test's process: moto with every table, queue, bucket and secret, and callers of the API."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from argon2 import PasswordHasher
from botocore import loaders
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.httpsession import URLLib3Session
from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto import mock_aws
from moto.backends import get_backend
from moto.core.models import botocore_stubber
from ulid import ULID

from infra.functions import AUTHORIZER, REST_DOMAINS
from infra.tables import RECORDS
from local import moto_fixes
from local.stripe.api import FakeStripe
from local.stripe.keys import API_KEY, WEBHOOK_SECRET
from local.stripe.server import stripe_server
from shared.access import tokens
from shared.access.permissions import KEY_SCOPES, AccountRole, Permission
from shared.assets.record import AssetRecord, AssetStatus, AssetType
from shared.assets.store import assets
from shared.aws import clients, media, secrets
from shared.aws.lone_secret import lone_secret
from shared.aws.queues import queue_url
from shared.aws.records import connection
from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.credentials.store import credentials
from shared.credits import store as credit_store
from shared.jobs.pace import pace
from shared.quotas.record import QuotaRecord
from shared.quotas.store import quotas
from shared.stages.queues import QUEUES
from shared.switches.store import switches
from shared.users.store import UserStore, users
from shared.webhooks.record import WebhookDeliveryRecord
from tests.support.cloud import AwsStandIn
from tests.support.documents import PROBLEM, check_response
from workers.runtime.queues import Delivery

PASSWORD = "correct horse battery"
_QUEUES = [name for queue in QUEUES for name in (queue.name, f"{queue.name}-dlq")]


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]
    cookies: tuple[str, ...]


@dataclass(frozen=True)
class Studio:
    """The deployed API and its backends."""

    stripe: FakeStripe
    cloud: AwsStandIn = field(default_factory=AwsStandIn)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        raw: str | None = None,
        authorizer: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request as API Gateway does: first to the authorizer, then to the domain's handler.

        `authorizer` is a cached context, with which the authorizer is not called.
        """
        sent = {"content-type": "application/json"} | dict(headers or {})
        domain = next(d for d in REST_DOMAINS if path.startswith(f"/api/{d.name}"))
        if authorizer is None and not domain.is_public(method, path):
            arn = f"arn:aws:execute-api:us-east-1:1:api/test/{method}{path}"
            authorization = {"type": "TOKEN", "authorizationToken": f"Bearer {token}", "methodArn": arn}
            try:
                authorizer = _load(AUTHORIZER.handler)(authorization, None)["context"]
            except Exception as refused:
                if str(refused) != "Unauthorized":
                    raise
                return _unauthorized(method, path)
        event: dict[str, Any] = {
            "resource": path, "path": path, "httpMethod": method, "isBase64Encoded": False,
            "headers": sent, "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "queryStringParameters": dict(query or {}) or None,
            "multiValueQueryStringParameters": {k: [v] for k, v in (query or {}).items()} or None,
            "requestContext": {
                "requestId": "req-1", "identity": {"sourceIp": "192.0.2.1"}, "authorizer": authorizer or {},
                "stage": "test",
            },
            "body": raw if raw is not None else None if body is None else json.dumps(body),
        }  # fmt: skip
        answer = _answered(_load(domain.handler), event)
        multi = answer.get("multiValueHeaders") or {}
        found = {k.lower(): v for k, v in (answer.get("headers") or {}).items()} | {
            k.lower(): v[-1] for k, v in multi.items()
        }
        cookies = tuple(multi.get("set-cookie") or ([found["set-cookie"]] if "set-cookie" in found else []))
        text = answer.get("body") or ""
        is_json = "json" in found.get("content-type", "")
        content = json.loads(text) if text and is_json else text
        check_response(method, path, answer["statusCode"], found.get("content-type", ""), content)
        return Answer(answer["statusCode"], content, found, cookies)

    def wipe(self) -> None:
        """Delete everything that is stored, queued, running, recorded or remembered."""
        _forget_reads()
        for contents in self._contents():
            contents.clear()
        self.cloud.forget()

    def refill_quotas(self) -> None:
        """Fill the buckets of all callers."""
        _backend("dynamodb").tables[QuotaRecord.Meta.table_name].items.clear()
        quotas.forget()

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Restore all that is stored, queued or running at the end of the block."""
        kept = deepcopy(list(self._contents()))
        try:
            yield
        finally:
            for contents, before in zip(self._contents(), kept, strict=True):
                contents.clear()
                (contents.update if hasattr(contents, "update") else contents.extend)(before)
            _forget_reads()
            self.cloud.forget()

    def keep(self) -> Callable[[], None]:
        """Return a function that fills the quotas, and brings the present state back if what is stored has changed."""
        dump, bring_back = self.dump(), self.save()

        def again() -> None:
            self.cloud.forget()
            self.refill_quotas()
            if self.dump() != dump:
                bring_back()

        return again

    def _contents(self) -> Iterator[Any]:
        """Yield the dictionaries and lists of moto that contain what is stored, queued or running."""
        for table in _backend("dynamodb").tables.values():
            yield table.items
            if table.stream_shard:
                yield table.stream_shard.items
        for queue in _backend("sqs").queues.values():  # not by PurgeQueue, which SQS allows once in 60 s
            yield from (queue._messages, queue._pending_messages)
        for machine in _backend("stepfunctions").state_machines:
            yield machine.executions
        yield self._objects()
        yield _backend("ses").sent_messages

    def dump(self) -> dict[str, list[str]]:
        """Return all stored items and object keys, by table. Equal dumps mean that nothing was written.

        Every request changes a quota, so quotas are left out.
        """
        tables = {
            name: sorted(json.dumps(item.to_json(), sort_keys=True) for item in table.all_items())
            for name, table in _backend("dynamodb").tables.items()
            if name != QuotaRecord.Meta.table_name
        }
        return tables | {"media": sorted(self._objects())}

    def save(self) -> Callable[[], None]:
        """Return a function that brings back the items and the media that are stored now."""
        tables = _backend("dynamodb").tables
        items, objects = {name: deepcopy(table.items) for name, table in tables.items()}, deepcopy(self._objects())

        def bring_back() -> None:
            for name, table in tables.items():
                table.items = deepcopy(items[name])
            stored = self._objects()
            stored.clear()
            stored.update(deepcopy(objects))

        return bring_back

    @staticmethod
    def _objects() -> dict[str, Any]:
        """Return moto's objects of the media bucket, by key."""
        objects: dict[str, Any] = _backend("s3").buckets["kinora-test-media"].keys
        return objects

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """Return up to 10 visible messages of a queue, which stay visible."""
        found = clients.sqs().receive_message(QueueUrl=queue_url(queue), MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]

    def mails(self, address: str) -> list[str]:
        """Return the HTML of all messages that were sent to the address, oldest first."""
        sent = _backend("ses").sent_messages
        return [message.body for message in sent if address in message.destinations["ToAddresses"]]

    def deliver(self, queue: str) -> Delivery | None:
        """Receive and return the next visible message, as a worker does; None without one."""
        found = clients.sqs().receive_message(QueueUrl=queue_url(queue), VisibilityTimeout=60).get("Messages", [])
        return Delivery(queue, found[0]["Body"], found[0]["ReceiptHandle"]) if found else None

    def in_flight(self, queue: str) -> list[Delivery]:
        """Return the messages of a queue that were received and not deleted."""
        [found] = [q for name, q in _backend("sqs").queues.items() if name == f"kinora-test-{queue}"]
        return [Delivery(queue, m.body, m.receipt_handle) for m in found._messages if not m.visible]

    def queued(self, queue: str) -> list[tuple[str, int]]:
        """Return the bodies of all messages of a queue, each with its delay in seconds."""
        [found] = [q for name, q in _backend("sqs").queues.items() if name == f"kinora-test-{queue}"]
        return [(m.body, round((m.delayed_until - m.sent_timestamp) / 1000)) for m in found._messages]

    def job_changes(self) -> list[dict[str, Any]]:
        """Return all records of the jobs table's stream, as Lambda receives them."""
        shard = _backend("dynamodb").tables["kinora-test-jobs"].stream_shard
        return shard.get(shard.starting_sequence_number, len(shard.items)) if shard else []

    def arrive(self, email: str, *, credits: int = 100) -> "Creator":
        """Create an account with `PASSWORD` and return its signed-in creator, without the time of Argon2."""
        user_id, at = new_id("usr"), utc_now()
        with transaction() as tx:
            UserStore().create(user_id, email=email, name=None, at=at, tx=tx)
            credentials.set_password(user_id, _quick_hash(), at=at, tx=tx)
            credit_store.credits.open_account(user_id, opening=credits, at=at, tx=tx)
        token = tokens.issue(user_id, signing_key=secrets.secret("access-token-signing-key"), at=at)
        return Creator(self, token, user_id)

    def register(self, email: str = "ada@example.com", password: str = PASSWORD) -> None:
        """Register, and open the account with the link in the message."""
        assert self.call("POST", "/api/auth/register", {"email": email, "password": password}).status == 202
        answer = self.call("POST", "/api/auth/verify-email", {"token": self.mailed(email)})
        assert answer.status == 204, answer.body

    def mailed(self, address: str) -> str:
        """Return the token of the link in the newest message to the address."""
        [token] = re.findall(r"#token=([^\"]+)", self.mails(address)[-1])
        return str(token)

    def sign_up(self, email: str = "ada@example.com") -> "Creator":
        self.register(email)
        session = self.call("POST", "/api/auth/login", {"email": email, "password": PASSWORD})
        assert session.status == 200, session.body
        creator = Creator(self, session.body["accessToken"], "")
        return Creator(self, creator.token, creator.get("/api/auth/me").body["id"])


@dataclass(frozen=True)
class Creator:
    """A signed-in creator."""

    studio: Studio
    token: str
    user_id: str

    def get(self, path: str, **query: str) -> Answer:
        return self.studio.call("GET", path, token=self.token, query=query)

    def list(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return the items of a page."""
        answer = self.get(path, **query)
        assert answer.status == 200, answer.body
        return list(answer.body["data"])

    def post(self, path: str, body: object = None, *, key: str | None = None, raw: str | None = None) -> Answer:
        headers = {"idempotency-key": key} if key else {}
        return self.studio.call("POST", path, body, token=self.token, headers=headers, raw=raw)

    def patch(self, path: str, body: object, *, match: str | None = None) -> Answer:
        """Send a PATCH, with the ETag of the version that it expects."""
        headers = {"if-match": match} if match else {}
        return self.studio.call("PATCH", path, body, token=self.token, headers=headers)

    def delete(self, path: str) -> Answer:
        return self.studio.call("DELETE", path, token=self.token)

    def operate(self, *, admin: bool = True) -> None:
        """Make the creator a platform admin, or end it."""
        with transaction() as tx:
            users.appoint(self.user_id, admin=admin, at=utc_now(), tx=tx)

    def project(self, name: str = "Harbour at night", *, organization: str | None = None) -> str:
        return str(self.post("/api/projects", {"name": name, "organizationId": organization}).body["id"])

    def organization(self, slug: str = "harbour-films", *, credits: int = 0) -> str:
        """Create an organization with credits of the creator, and return its id."""
        organization = str(self.post("/api/teams", {"name": "Harbour Films", "slug": slug}).body["id"])
        if credits:
            assert self.post(f"/api/teams/{organization}/credits", {"credits": credits}).status == 200
        return organization

    def hire(self, organization: str, email: str, role: AccountRole = AccountRole.MEMBER) -> "Creator":
        """Create a creator who accepts an invite of this creator's to the organization."""
        one = self.studio.arrive(email)
        token = self.invite(organization, email, role)
        answer = one.post("/api/teams/accept", {"token": token})
        assert answer.status == 200, answer.body
        return one

    def invite(self, organization: str, email: str, role: AccountRole = AccountRole.MEMBER) -> str:
        """Send an invite, and return its token from the email."""
        answer = self.post(f"/api/teams/{organization}/members/invite", {"email": email, "role": role})
        assert answer.status == 201, answer.body
        return self.studio.mailed(email)

    def key(self, *scopes: Permission, **more: object) -> "Creator":
        """Create a key with these scopes, or with all scopes of keys. Return the program that has it."""
        body = {"name": "films", "scopes": scopes or sorted(KEY_SCOPES), **more}
        answer = self.post("/api/auth/keys", body)
        assert answer.status == 201, answer.body
        return Creator(self.studio, answer.body["key"], self.user_id)

    def webhook(self, *, organization: str | None = None) -> dict[str, str]:
        """Create a webhook with a delivery that has ended, and return their ids."""
        body = {"url": "https://example.com/", "events": ["job.completed"], "organizationId": organization}
        webhook = str(self.post("/api/webhooks", body).body["id"])
        delivery = str(self.post(f"/api/webhooks/{webhook}/test").body["id"])
        WebhookDeliveryRecord(webhook, delivery).update([WebhookDeliveryRecord.status.set("DELIVERED")])
        return {"webhook": webhook, "delivery": delivery}

    def asset(
        self,
        type: AssetType = AssetType.IMAGE,
        status: AssetStatus = AssetStatus.READY,
        duration: float | None = None,
        width: int | None = None,
        height: int | None = None,
    ) -> str:
        """Create an asset of the creator in that state and return its id; a READY asset has a tiny file."""
        asset_id = f"ast_{ULID()}"
        key = f"assets/{asset_id}/clean"
        AssetRecord(
            asset_id, owner_id=self.user_id, account_id=self.user_id, name="mine", type=type.value,
            status=status.value, media_type="image/png", size=1, created_at=utc_now(),
            key=key if status is AssetStatus.READY else None, duration=duration,
            width=width, height=height,
        ).save()  # fmt: skip
        if status is AssetStatus.READY:
            clients.s3().put_object(Bucket="kinora-test-media", Key=key, Body=b"x")
        assert assets.get(asset_id).status == status
        return asset_id

    def job(self, project_id: str, **settings: Any) -> dict[str, Any]:
        body = {"projectId": project_id, "prompt": "a lighthouse at dusk", "settings": settings}
        answer = self.post("/api/jobs", body)
        assert answer.status == 202, answer.body
        job: dict[str, Any] = answer.body
        return job


@cache
def _quick_hash() -> str:
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


def _unauthorized(method: str, path: str) -> Answer:
    """Return the answer that API Gateway gives without a call of the function."""
    body = {
        "type": "about:blank", "title": "Unauthorized", "status": 401, "code": "unauthorized",
        "detail": "Sign in first.", "requestId": "req-1",
    }  # fmt: skip
    check_response(method, path, 401, PROBLEM, body)
    return Answer(401, body, {"content-type": PROBLEM}, ())


def _answered(handler: Callable[[Any, Any], Any], event: dict[str, Any]) -> Any:
    """Return the handler's answer. A request that a test sends during another one runs in a thread of its own."""

    def answer() -> Any:
        _have_an_event_loop()
        return handler(event, None)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return answer()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, answer).result()


def _have_an_event_loop() -> None:
    """Set an event loop, which Mangum needs in the calling thread; `asyncio.run` in another test removes it."""
    try:
        asyncio.get_event_loop()
    except RuntimeError:
        asyncio.set_event_loop(asyncio.new_event_loop())


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


@contextmanager
def corrected() -> Iterator[None]:
    """Correct moto in this process until the end of the block, and let a call do less of what moto ignores.

    The calls of DynamoDB have no signature, and all calls have one short name of a client. A call takes a third less.
    """
    with pytest.MonkeyPatch.context() as patch:

        def replace(owner: Any, **methods: Any) -> None:
            for name, method in methods.items():
                patch.setattr(owner, name, method, raising=False)

        patch.setattr(moto_fixes, "_replace", replace)
        moto_fixes.isolate_transactions()
        moto_fixes.read_own_names()
        moto_fixes.parse_once()
        moto_fixes.look_up_once()
        moto_fixes.read_own_keys()
        patch.setattr(UserAgentString, "to_string", lambda _: "kinora-tests")
        patch.setattr(loaders, "create_loader", _create_loader)
        patch.setattr(RequestSigner, "sign", _signed_unless_dynamodb(RequestSigner.sign))
        patch.setattr(URLLib3Session, "send", _answered_by_moto(URLLib3Session.send))
        yield


_create_loader = cache(loaders.create_loader)  # each session of boto3 reads the descriptions of the services again


def _signed_unless_dynamodb(sign: Callable[..., None]) -> Callable[..., None]:
    def signed(signer: RequestSigner, operation: str, request: AWSRequest, *args: Any, **kwargs: Any) -> None:
        if not str(request.url).startswith("https://dynamodb."):  # DynamoDB Local has another address
            sign(signer, operation, request, *args, **kwargs)

    return signed


def _answered_by_moto(send: Callable[..., AWSResponse]) -> Callable[..., AWSResponse]:
    """Return `send` with moto's answers also to requests that no client sends."""

    def sent(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        return botocore_stubber("before-send", request) or send(session, request)

    return sent


@contextmanager
def studio() -> Iterator[Studio]:
    """Yield an empty deployment, which is discarded at the end of the block."""
    with corrected(), mock_aws(), stripe_server() as stripe:
        _forget_clients()
        _forget_reads()
        for record in RECORDS:
            record.create_table()
        for name in _QUEUES:
            clients.sqs().create_queue(QueueName=f"kinora-test-{name}")
        key = clients.kms().create_key()["KeyMetadata"]["KeyId"]
        clients.kms().create_alias(AliasName="alias/kinora-test-data", TargetKeyId=key)
        clients.ses().create_email_identity(EmailIdentity="kinora.test")
        clients.s3().create_bucket(Bucket="kinora-test-media")
        clients.s3().put_bucket_versioning(Bucket="kinora-test-media", VersioningConfiguration={"Status": "Enabled"})
        for name, text in _keys().items():
            clients.secretsmanager().create_secret(Name=f"kinora/test/{name}", SecretString=text)
        clients.stepfunctions().create_state_machine(
            name="kinora-test-generate-video",
            definition='{"StartAt": "Wait", "States": {"Wait": {"Type": "Succeed"}}}',
            roleArn="arn:aws:iam::123456789012:role/test",
        )
        one = Studio(stripe)
        for client in (*(factory() for factory in _CLIENTS), connection().client):
            one.cloud.watch(client)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KINORA_STRIPE_URL", stripe.url)
            patch.setattr(clients, "s3_with", _watched(one.cloud, clients.s3_with))
            yield one
    _forget_clients()


def _watched(cloud: AwsStandIn, make: Callable[..., Any]) -> Callable[..., Any]:
    def made(*given: Any) -> Any:
        client = make(*given)
        cloud.watch(client)
        return client

    return made


_CLIENTS = (
    clients.ecs,
    clients.functions,
    clients.patient_functions,
    clients.kms,
    clients.ses,
    clients.ses_once,
    clients.sts,
    clients.s3,
    clients.uploads_s3,
    clients.sqs,
    clients.stepfunctions,
    clients.sagemaker_runtime,
    clients.secretsmanager,
    clients.sockets,
    clients.xray,
)


def _backend(service: Any) -> Any:
    return get_backend(service)["123456789012"]["global" if service == "s3" else "us-east-1"]


def _forget_reads() -> None:
    """Forget what the process has read and keeps for some time."""
    quotas.forget()
    switches.forget()
    pace.forget()


def _forget_clients() -> None:
    for factory in (*_CLIENTS, clients.session, secrets.secret, lone_secret, media.config):
        factory.cache_clear()
    connection()._client = None


@cache
def _keys() -> dict[str, str]:
    access = ec.generate_private_key(ec.SECP256R1())
    media = rsa.generate_private_key(65537, 2048)
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = access.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "access-token-signing-key": json.dumps({"kid": "k1", "pem": access.private_bytes(*private).decode()}),
        "access-token-verification-keys": json.dumps({"k1": public.decode()}),
        "refresh-token-key": "11" * 32,
        "cursor-key": "22" * 32,
        "stripe-api-key": API_KEY,
        "stripe-webhook-secret": WEBHOOK_SECRET,
        "media-signing-key": json.dumps({"kid": "test", "pem": media.private_bytes(*private).decode()}),
    }
