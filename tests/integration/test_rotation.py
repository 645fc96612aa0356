"""Keys: created at the first deployment, rotated by Secrets Manager, without an end of any session."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import uuid4

import pytest
from moto import mock_aws

from functions.rotation import begin, publishing, rotate
from functions.rotation.keys import media_pem, read_chain
from functions.rotation.secret import SECRETS, RotationFailed
from infra.secrets import CURSOR_KEY
from shared.access import bearer, tokens
from shared.aws import clients
from shared.core.clock import utc_now

PREFIX = "kinora/test/"
SIGNING, MEDIA, REFRESH = "access-token-signing-key", "media-signing-key", "refresh-token-key"


class InUse(Exception):
    """The error of a deletion of a key in a key group."""


@dataclass
class CloudFront:
    """A stand-in for CloudFront's public keys and key groups: a key in a group cannot be deleted."""

    keys: dict[str, str] = field(default_factory=dict)  # id -> name
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)

    class exceptions:  # noqa: N801  # as boto3 spells it
        PublicKeyInUse = InUse

    def create_public_key(self, *, PublicKeyConfig: dict[str, str]) -> Any:  # noqa: N803  # boto3's names
        key_id = f"K{len(self.keys)}{uuid4().hex[:6]}"
        self.keys[key_id] = PublicKeyConfig["Name"]
        return {"PublicKey": {"Id": key_id}}

    def get_public_key(self, *, Id: str) -> Any:  # noqa: N803  # AWS's own names
        return {"ETag": Id}

    def delete_public_key(self, *, Id: str, IfMatch: str) -> None:  # noqa: N803  # AWS's own names
        assert IfMatch == Id
        if any(Id in group["Items"] for group in self.groups.values()):
            raise InUse
        del self.keys[Id]

    def list_public_keys(self) -> Any:
        return {"PublicKeyList": {"Items": [{"Id": key_id, "Name": name} for key_id, name in self.keys.items()]}}

    def create_key_group(self, *, KeyGroupConfig: dict[str, Any]) -> Any:  # noqa: N803  # AWS's own names
        self.groups["G1"] = KeyGroupConfig
        return {"KeyGroup": {"Id": "G1"}}

    def get_key_group(self, *, Id: str) -> Any:  # noqa: N803  # AWS's own names
        return {"ETag": Id, "KeyGroup": {"KeyGroupConfig": self.groups[Id]}}

    def update_key_group(self, *, Id: str, IfMatch: str, KeyGroupConfig: dict[str, Any]) -> None:  # noqa: N803  # AWS's own names
        assert IfMatch == Id
        self.groups[Id] = KeyGroupConfig

    def delete_key_group(self, *, Id: str, IfMatch: str) -> None:  # noqa: N803  # AWS's own names
        assert IfMatch == Id
        del self.groups[Id]

    def list_key_groups(self) -> Any:
        items = [{"KeyGroup": {"Id": key, "KeyGroupConfig": group}} for key, group in self.groups.items()]
        return {"KeyGroupList": {"Items": items}}


@pytest.fixture
def cloudfront(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFront]:
    """A deployment whose secrets are as the template creates them."""
    fake = CloudFront()
    monkeypatch.setattr(publishing, "_cloudfront", lambda: fake)
    monkeypatch.setattr(publishing, "media_pem", cache(media_pem))  # one key pair is enough: CloudFront's ids differ
    clients.secretsmanager.cache_clear()
    with mock_aws():
        for name in (*SECRETS, publishing.VERIFICATION_KEYS):
            clients.secretsmanager().create_secret(Name=PREFIX + name, SecretString=json.dumps({"unset": "random"}))
        yield fake
    clients.secretsmanager.cache_clear()


def current(name: str) -> str:
    stage = "AWSCURRENT"  # moto's default is the first version
    return clients.secretsmanager().get_secret_value(SecretId=PREFIX + name, VersionStage=stage)["SecretString"]


def rotate_once(name: str, *, times: int = 1) -> None:
    """Rotate a secret as Secrets Manager does. `times` is the number of deliveries of each step."""
    arn = clients.secretsmanager().describe_secret(SecretId=PREFIX + name)["ARN"]
    version = str(uuid4())
    for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
        for _ in range(times):
            rotate.handler({"Step": step, "SecretId": arn, "ClientRequestToken": version}, None)


def token() -> str:
    return tokens.issue("usr_1", signing_key=current(SIGNING), at=utc_now())


def accepted(text: str, *, by: str) -> bool:
    try:
        return bearer.verify(text, verification_keys=by, at=utc_now()).user_id == "usr_1"
    except bearer.TokenRefused:
        return False


def test_first_keys_sign_and_are_published(cloudfront: CloudFront) -> None:
    answer = begin.begin()
    assert accepted(token(), by=current(publishing.VERIFICATION_KEYS))
    assert answer == {"MediaKeyGroupId": "G1"}
    assert read_chain(current(MEDIA)).current["kid"] in cloudfront.groups["G1"]["Items"]
    assert [len(bytes.fromhex(key)) for key in current(REFRESH).split()] == [32, 32]


def test_a_second_begin_does_not_change_the_keys(cloudfront: CloudFront) -> None:
    begin.begin()
    before = {name: current(name) for name in SECRETS}
    begin.begin()
    assert {name: current(name) for name in SECRETS} == before
    assert len(cloudfront.keys) == 2


def test_keys_of_adjacent_periods_accept_each_others_signatures(
    cloudfront: CloudFront,
) -> None:
    begin.begin()
    old_token, old_keys = token(), current(publishing.VERIFICATION_KEYS)
    rotate_once(SIGNING)
    assert token().split(".")[0] != old_token.split(".")[0]
    assert accepted(token(), by=old_keys)
    assert accepted(old_token, by=current(publishing.VERIFICATION_KEYS))


def test_a_key_of_two_periods_ago_is_refused(cloudfront: CloudFront) -> None:
    begin.begin()
    old_token = token()
    rotate_once(SIGNING)
    rotate_once(SIGNING)
    assert not accepted(old_token, by=current(publishing.VERIFICATION_KEYS))


@pytest.mark.parametrize("name", SECRETS)
def test_steps_delivered_twice_rotate_once(cloudfront: CloudFront, name: str) -> None:
    begin.begin()
    before = current(name)
    rotate_once(name, times=2)
    if name in {REFRESH, CURSOR_KEY}:
        assert current(name).split()[0] == before.split()[1]
    else:
        assert read_chain(current(name)).current["kid"] == read_chain(before).next["kid"]


def test_cloudfront_trusts_three_media_keys_and_others_are_deleted(cloudfront: CloudFront) -> None:
    begin.begin()
    first = read_chain(current(MEDIA)).current["kid"]
    publishing.media_key()  # left by a rotation that failed
    rotate_once(MEDIA)
    assert first in cloudfront.groups["G1"]["Items"]
    assert len(cloudfront.keys) == 3
    rotate_once(MEDIA)
    assert first not in cloudfront.keys
    assert sorted(cloudfront.keys) == cloudfront.groups["G1"]["Items"]


def test_a_media_key_that_cloudfront_does_not_trust_is_not_used(cloudfront: CloudFront) -> None:
    begin.begin()
    cloudfront.groups["G1"] = {**cloudfront.groups["G1"], "Items": []}
    with pytest.raises(RotationFailed):
        SECRETS[MEDIA].try_out(current(MEDIA))


def test_refresh_keys_are_accepted_for_a_period_before_and_after(cloudfront: CloudFront) -> None:
    begin.begin()
    first, second = current(REFRESH).split()
    rotate_once(REFRESH)
    now, following, before = current(REFRESH).split()
    assert (now, before) == (second, first)
    assert following not in {first, second}


@pytest.mark.parametrize(("kind", "status"), [("Create", "SUCCESS"), ("Update", "SUCCESS"), ("Delete", "SUCCESS")])
def test_cloudformation_gets_its_answer(cloudfront: CloudFront, kind: str, status: str) -> None:
    answer = _call_begin(kind)
    assert answer["Status"] == status
    assert answer["PhysicalResourceId"] == "keys"
    assert bool(cloudfront.groups) == (kind != "Delete")


def test_a_failure_is_reported_to_cloudformation(cloudfront: CloudFront) -> None:
    clients.secretsmanager().delete_secret(SecretId=PREFIX + MEDIA, ForceDeleteWithoutRecovery=True)
    answer = _call_begin("Create")
    assert answer["Status"] == "FAILED"
    assert "pem" not in answer["Reason"]


def _call_begin(kind: str) -> dict[str, Any]:
    """Send a custom resource event as CloudFormation does, and return the answer."""
    got: list[dict[str, Any]] = []

    class Bucket(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Discard the log line."""

    server = HTTPServer(("127.0.0.1", 0), Bucket)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    event = {"RequestType": kind, "StackId": "s", "RequestId": "r", "LogicalResourceId": "keys"}
    begin.handler({**event, "ResponseURL": f"http://127.0.0.1:{server.server_port}/"}, None)
    thread.join(5)
    server.server_close()
    return got[0]
