"""Logs: they contain neither secrets nor personal data (I15), in success and failure."""

import io
import json

import pytest

from functions.authorizer.handler import handler as authorizer
from functions.pipeline import reconcile, settle, signal
from functions.pipeline.dispatch import handler as dispatch
from functions.realtime import connect, push, subscribe, unknown, unsubscribe
from shared.aws import clients
from shared.aws.queues import queue_url
from shared.credentials.refresh_tokens import COOKIE
from shared.stages.failures import StageFailure
from shared.stages.requests import StageRequest
from shared.stages.stages import Stage
from tests.support.studio import PASSWORD, Studio
from workers.engines.contract import StageResult, Workspace
from workers.runtime.queues import Delivery, Shutdown, consume
from workers.runtime.step import StepRunner

EMAIL, PROMPT, TASK_TOKEN = "ada.lovelace@example.com", "my most private dream", "task-token-of-the-step"


class Breaking:
    def load(self) -> None: ...

    def run(self, _request: StageRequest, _workspace: Workspace) -> StageResult:
        raise StageFailure("x", "It broke.")


def test_the_logs_of_a_whole_session_contain_no_secret(studio: Studio, logged: io.StringIO) -> None:
    ada = studio.sign_up(EMAIL)
    refresh = studio.call("POST", "/api/auth/login", {"email": EMAIL, "password": PASSWORD}).cookies[0].split(";")[0]
    studio.call("POST", "/api/auth/login", {"email": EMAIL, "password": PASSWORD + "!"})
    studio.call("POST", "/api/auth/register", {"email": EMAIL, "password": PASSWORD})
    studio.call("POST", "/api/auth/register", {"email": EMAIL, "password": PASSWORD, "x": float("nan")})
    headers = {"origin": "https://kinora.test", "x-kinora-refresh": "1", "cookie": refresh}
    studio.call("POST", "/api/auth/refresh", headers=headers)
    for token in (ada.token[:-4], "x.y.z", EMAIL):
        with pytest.raises(Exception, match="Unauthorized"):
            authorizer({"authorizationToken": f"Bearer {token}", "methodArn": "a/b/c"}, None)

    upload = ada.post(
        "/api/assets/upload", {"name": PROMPT, "type": "IMAGE", "contentType": "image/png", "size": 9}
    ).body
    body = {"projectId": ada.project(PROMPT), "prompt": PROMPT}
    job_id = ada.post("/api/jobs", body, key="my-key").body["id"]
    ada.post("/api/jobs", body | {"presetId": "nothing"})
    dispatch({"jobId": job_id, "stage": "IMAGE_GENERATION", "taskToken": TASK_TOKEN}, None)
    delivery = studio.deliver("image-generation")
    assert delivery is not None
    broken = delivery.body.replace('"version":1', '"version":1,"also":7')
    signal.handler({"Records": [{"messageId": "1", "body": broken}]}, None)
    StepRunner({"procedural": Breaking()}, shutdown_requested=lambda: False).handle(delivery)
    settle.handler({"jobId": job_id, "error": {"Error": "Stage.Final", "Cause": PROMPT}}, None)
    reconcile.handler({}, None)
    push.handler(
        {"Records": [{"dynamodb": {"OldImage": {}, "NewImage": {"prompt": {"S": PROMPT}}, "SequenceNumber": "1"}}]},
        None,
    )

    studio.cloud.broken["Query"] = RuntimeError("storage is down")
    ada.get("/api/jobs")
    text = logged.getvalue()
    assert "step queued" in text, "the log is captured"
    assert "request failed" in text
    fields = upload["upload"]["fields"]
    secrets = [
        PASSWORD,
        EMAIL,
        PROMPT,
        TASK_TOKEN,
        ada.token,
        refresh.partition("=")[2],
        fields["policy"],
        "ada.lovelace",
    ]
    for secret in secrets:
        assert secret not in text
    assert "$argon2" not in text


def test_a_token_is_not_logged_whatever_way_a_client_offers_it(studio: Studio, logged: io.StringIO) -> None:
    ada = studio.arrive(EMAIL)
    token = ada.token
    names = ("x-auth-token", "cookie", "sec-websocket-protocol", "idempotency-key")
    headers = dict.fromkeys(names, f"bearer {token}")
    query = {"access_token": token, "token": token, "limit": token}
    studio.call("GET", "/api/jobs", token=token, headers=headers, query=query)
    studio.call("GET", f"/api/jobs/{token}", token=token)
    studio.call("POST", "/api/jobs", token=token, raw=f'{{"token": "{token}"')
    studio.call(
        "POST", "/api/auth/login", {"token": token, "email": token, "password": token}, headers=headers, query=query
    )
    studio.call("POST", "/api/auth/refresh", headers={"cookie": f"{COOKIE}={token}", "x-kinora-refresh": token})
    event = {"headers": headers, "queryStringParameters": query, "methodArn": "a/b/c"}
    with pytest.raises(Exception, match="Unauthorized"):
        authorizer(event, None)
    context = authorizer({"headers": {"authorization": f"Bearer {token}"}, "methodArn": "a/b/c"}, None)["context"]
    socket = event | {"requestContext": {"connectionId": "c", "authorizer": context}}
    assert connect.handler(socket, None) == {"statusCode": 200}
    for body in (token, json.dumps({"type": token}), json.dumps({"type": "subscribe", "channel": f"job:{token[:60]}"})):
        for route in (subscribe, unsubscribe, unknown):
            route.handler(socket | {"body": body}, None)
    studio.cloud.broken |= dict.fromkeys(("GetItem", "PutItem", "Query"), RuntimeError("storage is down"))
    studio.call("GET", "/api/jobs", token=token, query={"access_token": token})
    with pytest.raises(RuntimeError):
        connect.handler(socket, None)
    with pytest.raises(RuntimeError):
        subscribe.handler(socket | {"body": token}, None)
    text = logged.getvalue()
    assert text.count("storage is down") >= 3
    head, claims, signature = token.split(".")
    assert not [part for part in (head, claims, signature, token[:60]) if part in text]


def test_an_unhandled_message_is_logged_without_its_content(studio: Studio, logged: io.StringIO) -> None:
    body = {
        "version": 1,
        "stage": "IMAGE_GENERATION",
        "request": {"prompt": PROMPT, "userId": 7},
        "jobId": {"x": PROMPT},
    }
    clients.sqs().send_message(QueueUrl=queue_url(Stage.IMAGE_GENERATION.queue), MessageBody=json.dumps(body))
    shutdown = Shutdown()
    runner = StepRunner({}, shutdown_requested=lambda: False)

    def once(delivery: Delivery) -> None:
        shutdown.requested = True
        runner.handle(delivery)

    consume((Stage.IMAGE_GENERATION.queue,), once, shutdown, visibility_seconds=30, probe=lambda: None)
    assert "message not handled" in logged.getvalue()
    assert PROMPT not in logged.getvalue()


def test_input_with_line_breaks_stays_in_one_log_line(studio: Studio, logged: io.StringIO) -> None:
    with pytest.raises(Exception, match="Unauthorized"):
        authorizer({"authorizationToken": 'Bearer x\r\n{"level": "forged"}.y.z', "methodArn": "a/b/c"}, None)
    lines = logged.getvalue().splitlines()
    assert lines
    for line in lines:
        assert json.loads(line)["level"] != "forged"
