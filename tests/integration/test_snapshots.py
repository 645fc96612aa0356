"""SnapStart: Lambda starts many processes from the memory of one after its init phase. A fork is such a process."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from functions.authorizer.handler import handler as authorizer
from infra.functions import AUTHORIZER
from local.environment import HOST, ROOT
from local.moto_server import server
from shared.access.permissions import Permission
from shared.aws import clients
from tests.support.forge import es256_key
from tests.support.studio import PASSWORD, Studio

EMAIL = "ada@example.com"
# It imports the handler as Lambda does for a snapshot, and prints the number of its connections. For the event that it
# reads it prints the answers of two processes that are restored from it.
SCRIPT = """
import gc, json, os, socket, sys
from importlib import import_module
out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
module, _, name = sys.argv[1].partition(":")
handler = getattr(import_module(module), name)
opened = [one for one in gc.get_objects() if type(one) is socket.socket and one.family == socket.AF_INET]
print(len(opened), file=out)
event = json.loads(sys.stdin.readline())
for _ in range(2):
    if os.fork() == 0:
        print(json.dumps(handler(event, None)), file=out)
        os._exit(0)
    os.wait()
"""


@dataclass(frozen=True)
class Snapshot:
    """A process after its init phase. `connections` is the number of those that the init phase has opened."""

    process: "subprocess.Popen[str]"
    connections: int

    def restored(self, event: dict[str, Any]) -> list[Any]:
        """Return the answers of two processes that are restored from the snapshot."""
        found, _ = self.process.communicate(json.dumps(event) + "\n", timeout=60)
        return [json.loads(line) for line in found.splitlines()]


@pytest.fixture
def url(studio: Studio) -> Iterator[str]:
    """The URL of the studio's moto, for other processes."""
    moto = server(DomainDispatcherApplication(create_backend_app))
    thread = threading.Thread(target=moto.serve_forever, daemon=True)
    thread.start()
    yield f"http://{HOST}:{moto.port}"
    moto.shutdown()
    thread.join()


def snapshot(handler: str, url: str) -> Snapshot:
    own = {name: value for name, value in os.environ.items() if name.startswith(("KINORA_", "POWERTOOLS_", "AWS_"))}
    process = subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-c", SCRIPT, handler], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=own | {
            "PATH": os.defpath, "NO_PROXY": HOST, "AWS_ENDPOINT_URL": url,
            "AWS_LAMBDA_FUNCTION_NAME": "test", "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        },
    )  # fmt: skip
    assert process.stdout
    return Snapshot(process, int(process.stdout.readline()))


def request(path: str, body: object, context: object = None) -> dict[str, Any]:
    return {
        "resource": path, "path": path, "httpMethod": "POST", "isBase64Encoded": False, "body": json.dumps(body),
        "headers": {"content-type": "application/json"}, "multiValueHeaders": {"content-type": ["application/json"]},
        "queryStringParameters": None, "multiValueQueryStringParameters": None,
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}, "authorizer": context or {}, "stage": "test"},
    }  # fmt: skip


@pytest.mark.slow
def test_sign_ins_after_a_restore_have_the_newest_key_and_their_own_sessions(studio: Studio, url: str) -> None:
    studio.arrive(EMAIL)
    taken = snapshot("functions.auth.handler:handler", url)
    rotated = json.dumps({"kid": "rotated", "pem": es256_key()[0]})
    clients.secretsmanager().put_secret_value(SecretId="kinora/test/access-token-signing-key", SecretString=rotated)
    answers = taken.restored(request("/api/auth/login", {"email": EMAIL, "password": PASSWORD}))
    tokens = [json.loads(answer["body"])["accessToken"] for answer in answers]
    assert taken.connections == 0
    assert [jwt.get_unverified_header(token)["kid"] for token in tokens] == ["rotated", "rotated"]
    assert len({jwt.decode(token, options={"verify_signature": False})["sid"] for token in tokens}) == 2
    assert len({cookie for answer in answers for cookie in answer["multiValueHeaders"]["set-cookie"]}) == 4


@pytest.mark.slow
def test_jobs_after_a_restore_have_their_own_ids(studio: Studio, url: str) -> None:
    eve = studio.arrive("eve@example.com")
    wish = {"projectId": eve.project(), "prompt": "a lighthouse at dusk", "settings": {"duration": 3}}
    event = {
        "type": "TOKEN",
        "authorizationToken": f"Bearer {eve.token}",
        "methodArn": "arn:aws:execute-api:x:1:a/test/",
    }
    context = authorizer(event, None)["context"]
    taken = snapshot("functions.jobs.handler:handler", url)
    answers = taken.restored(request("/api/jobs", wish, context))
    assert taken.connections == 0
    assert [answer["statusCode"] for answer in answers] == [202, 202]
    assert len({json.loads(answer["body"])["id"] for answer in answers}) == 2


def test_the_authorizer_accepts_keys_after_a_restore(studio: Studio, url: str) -> None:
    key = studio.arrive("ada.keys@example.com").key(Permission.JOBS_READ)
    taken = snapshot(AUTHORIZER.handler, url)
    answers = taken.restored(
        {"type": "TOKEN", "authorizationToken": f"Bearer {key.token}", "methodArn": "arn/test/GET"}
    )
    assert taken.connections == 0
    assert [answer["context"]["userId"] for answer in answers] == [key.user_id, key.user_id]
