"""`python -m bench.cold_cloud`: moto with the resources of a deployment, a creator and her jobs.

Its first line is JSON: the variables of a function's process, and the event of each case of `bench.cold`. For each line
that it reads, it brings back all that was stored then, and prints a line. The handlers' own output goes to stderr.
"""

import json
import os
import sys
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Response

import tests.conftest  # noqa: F401  # it sets the variables that the next modules read
from bench.peers.stock import Item
from functions.authorizer.handler import handler as authorizer
from functions.pipeline.dispatch import handler as dispatch
from functions.pipeline.settle import handler as settle
from functions.realtime.connect import handler as connect
from functions.realtime.subscribe import handler as subscribe
from local.environment import ACCOUNT, HOST
from local.moto_server import server
from shared.aws.clients import s3
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.store import jobs
from shared.stages.stages import Stage
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from tests.support.steps import claim, complete_steps
from tests.support.studio import PASSWORD, Studio, studio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

EMAIL = "ada@example.com"
SOCKET = "socket-1"
LISTED = 20  # the jobs on a page
METHOD = "arn:aws:execute-api:us-east-1:123456789012:api/test/GET/api/jobs"
Event = dict[str, Any]


def main() -> None:
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    with studio() as deployed:
        Item.create_table(billing_mode="PAY_PER_REQUEST")
        events = _events(deployed)
        restore = deployed.keep()
        moto = server(_with_sockets(DomainDispatcherApplication(create_backend_app)))
        threading.Thread(target=moto.serve_forever, daemon=True).start()
        ready = {"environment": _environment(f"http://{HOST}:{moto.port}"), "events": events}
        print(json.dumps(ready, default=datetime.timestamp), file=out)  # Lambda has a time in seconds
        for _ in sys.stdin:
            restore()
            print("null", file=out)


def _environment(url: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name.startswith(("KINORA_", "POWERTOOLS_", "AWS_"))}
    return own | {
        "AWS_ENDPOINT_URL": url,
        "KINORA_QUEUE_URL_PREFIX": f"{url}/{ACCOUNT}/kinora-test-",
        "KINORA_SOCKET_ENDPOINT_URL": f"{url}/socket",
    }


def _with_sockets(application: "WSGIApplication") -> "WSGIApplication":
    """Return the application with the callback URL of a WebSocket API, which moto does not have."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        posted = environ["PATH_INFO"].startswith("/socket/")
        return (Response() if posted else application)(environ, start_response)

    return answer


def _events(deployed: Studio) -> dict[str, Event]:
    """Return the event of each case, after what it needs is stored."""
    ada = deployed.sign_up(EMAIL)
    subscriptions.put(ada.user_id, PlanType.PRO, SubscriptionStatus.ACTIVE, at=utc_now())
    authorization = {"type": "TOKEN", "authorizationToken": f"Bearer {ada.token}", "methodArn": METHOD}
    context = authorizer(authorization, None)["context"]
    project = ada.project()
    wish = {"projectId": project, "prompt": "a lighthouse at dusk", "settings": {"duration": 3}}

    def submitted() -> str:
        return str(ada.job(project, duration=3)["id"])

    for _ in range(LISTED):
        settlement.cancel(jobs.get(submitted()), at=utc_now())
    Item("one", name="Harbour at night").save()
    s3().put_object(Bucket=os.environ["KINORA_MEDIA_BUCKET"], Key="stock", Body=b"x")
    ready, whole, lost, watched, waiting = (submitted() for _ in range(5))
    complete_steps(ready)
    settle({"jobId": ready}, None)
    complete_steps(whole)
    dispatch(_step(lost), None)
    [letter] = [json.dumps(one) for one in deployed.messages(Stage.IMAGE_GENERATION.priority_queue)]
    opened = _socket("CONNECT") | {"headers": {"Origin": os.environ["KINORA_WEB_ORIGIN"]}}
    opened["requestContext"]["authorizer"] = context
    connect(opened, None)
    subscription = _socket("MESSAGE") | {"body": json.dumps({"type": "subscribe", "channel": f"job:{watched}"})}
    subscribe(subscription, None)
    before = len(deployed.job_changes())
    claim(watched, Stage.IMAGE_GENERATION)
    requests = {
        "create_job": _request("POST", "/api/jobs", wish, context),
        "list_jobs": _request("GET", "/api/jobs", None, context),
        "read_job": _request("GET", f"/api/jobs/{ready}", None, context),
    }
    asked = {"queryStringParameters": {"account_id": ada.user_id}}  # the peer does not know the authorizer's context
    return {
        **requests,
        **{f"stock_{name}": request | asked for name, request in requests.items()},
        "stock": _request("POST", "/items/one", {"name": "Harbour at night"}),
        "authorizer": authorization,
        "dispatch": _step(waiting),
        "settle": {"jobId": whole},
        "signal": {"Records": [{"messageId": "m", "body": letter, "eventSourceARN": "arn:aws:sqs:us-east-1:1:x-dlq"}]},
        "push": {"Records": deployed.job_changes()[before:]},
        "connect": opened,
        "subscribe": subscription,
        "sign_in": _request("POST", "/api/auth/login", {"email": EMAIL, "password": PASSWORD}),
    }


def _step(job_id: str) -> Event:
    return {"jobId": job_id, "stage": Stage.IMAGE_GENERATION.value, "taskToken": "token"}


def _socket(kind: str) -> Event:
    context = {"connectionId": SOCKET, "eventType": kind, "requestId": "request-1"}
    return {"requestContext": context, "isBase64Encoded": False}


def _request(method: str, path: str, body: object, authorizer: object = None) -> Event:
    """Return the event of a REST API."""
    headers = {"Content-Type": "application/json", "Accept": "*/*", "Host": "api.kinora.test"}
    identity = {"sourceIp": "192.0.2.1", "userAgent": "bench"}
    return {
        "resource": path, "path": path, "httpMethod": method, "isBase64Encoded": False,
        "headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None, "multiValueQueryStringParameters": None, "pathParameters": None,
        "stageVariables": None, "body": None if body is None else json.dumps(body),
        "requestContext": {
            "requestId": "request-1", "identity": identity, "authorizer": authorizer, "stage": "test", "path": path,
            "httpMethod": method, "protocol": "HTTP/1.1",
        },
    }  # fmt: skip


if __name__ == "__main__":
    main()
