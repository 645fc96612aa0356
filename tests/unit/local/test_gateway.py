"""The gateway with functions of the test: the requests that it forwards, and its own answers."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient, TestServer

from local.gateway.app import ENTRIES, create_gateway
from local.gateway.authorizer import allows
from local.gateway.functions import FunctionFailed, Functions
from local.gateway.pumps import deliver
from local.keys import media_signing_key
from tests.support.documents import openapi
from tests.support.json_schema import faults

SIGNED_IN = {"Authorization": "Bearer good"}
received: list[dict[str, Any]] = []


def authorizer(event: dict[str, Any], _: object) -> dict[str, Any]:
    token = event["headers"].get("Authorization", "bad").removeprefix("Bearer ")  # a socket can have a ticket instead
    if token == "bad":
        raise PermissionError("Unauthorized")
    effect = "Deny" if token == "denied" else "Allow"
    resource = f"{event['methodArn'].split('/')[0]}/local/*"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [] if token == "nothing" else [statement]}
    return {"principalId": "usr_1", "policyDocument": policy, "context": {"userId": "usr_1", "age": 3, "pro": True}}


def domain(event: dict[str, Any], context: Any) -> dict[str, Any]:
    received.append(event)
    if event["path"].endswith("/broken"):
        raise RuntimeError("no")
    if event["path"].endswith("/nonsense"):
        return {"body": "no status"}
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]},
        "body": json.dumps({"left": context.get_remaining_time_in_millis() > 0}),
        "isBase64Encoded": False,
    }


def socket(event: dict[str, Any], _: object) -> dict[str, Any]:
    received.append(event)
    if event["requestContext"]["routeKey"] == "subscribe":
        raise RuntimeError("no")
    return {"statusCode": 403 if "refuse" in (event.get("queryStringParameters") or {}) else 200}


def _run(
    steps: Callable[["TestClient[Any, Any]"], Awaitable[None]], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    received.clear()
    kinds = {"rest": "domain", "socket": "socket"}
    entries = {
        name: f"{__name__}:{kinds.get(name.partition('-')[0], 'authorizer' if name == 'authorizer' else 'domain')}"
        for name in ENTRIES
    }
    functions = Functions(entries)
    functions.load()

    async def main() -> None:
        application = create_gateway(functions, "http://media.test/media", media_signing_key(tmp_path), pages=tmp_path)
        async with TestClient(TestServer(application)) as client:
            await steps(client)

    asyncio.run(main())


@pytest.fixture
def gateway(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    return lambda steps: _run(steps, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthorized"),
        ({"Authorization": "Bearer bad"}, 401, "unauthorized"),
        ({"Authorization": "Bearer denied"}, 403, "forbidden"),
        ({"Authorization": "Bearer nothing"}, 403, "forbidden"),
    ],
)
def test_only_an_allow_passes(gateway: Any, headers: dict[str, str], status: int, code: str) -> None:
    async def steps(client: Any) -> None:
        answer = await client.get("/api/jobs", headers=headers)
        problem = await answer.json(content_type="application/problem+json")
        assert (answer.status, problem["code"], problem["status"]) == (status, code, status)
        assert not received

    gateway(steps)


def test_public_routes_need_no_token_and_others_get_the_authorizers_context(gateway: Any) -> None:
    async def steps(client: Any) -> None:
        assert (await client.post("/api/auth/login", json={})).status == 200
        assert (await client.get("/api/auth/login")).status == 401
        answer = await client.post("/api/jobs/a%20b?tag=1&tag=2", json={"x": "é"}, headers=SIGNED_IN)
        assert answer.headers.getall("set-cookie") == ["a=1", "b=2"]
        assert await answer.json() == {"left": True}

    gateway(steps)
    login, job = received
    assert login["requestContext"]["authorizer"] is None
    assert job["requestContext"]["authorizer"] == {
        "userId": "usr_1", "age": "3", "pro": "true", "principalId": "usr_1",
    }  # fmt: skip
    assert (job["path"], job["resource"]) == ("/api/jobs/a b", "/api/jobs/{proxy+}")
    assert job["multiValueQueryStringParameters"] == {"tag": ["1", "2"]}
    assert job["queryStringParameters"] == {"tag": "2"}
    assert json.loads(job["body"]) == {"x": "é"}
    assert job["headers"]["Content-Type"] == "application/json"
    assert job["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/nothing/here", 404, "not_found"),
        ("/elsewhere", 404, "not_found"),
        ("/api/jobs/broken", 502, "internal"),
        ("/api/jobs/nonsense", 502, "internal"),
        ("/ws", 426, "upgrade_required"),
        ("/media/jobs/a.mp4", 403, "signature_refused"),
    ],
)
def test_an_error_is_problem_json(gateway: Any, path: str, status: int, code: str) -> None:
    async def steps(client: Any) -> None:
        answer = await client.get(path, headers=SIGNED_IN)
        problem = await answer.json(content_type="application/problem+json")
        assert (answer.status, problem["code"]) == (status, code)
        assert faults(problem, openapi()["components"]["schemas"]["Problem"], openapi()) == []
        assert "Traceback" not in json.dumps(problem)

    gateway(steps)


def test_a_method_that_an_address_lacks_is_refused_with_problem_json(gateway: Any) -> None:
    async def steps(client: Any) -> None:
        answer = await client.put("/s3/bucket")
        problem = await answer.json(content_type="application/problem+json")
        assert (answer.status, problem["code"]) == (405, "method_not_allowed")

    gateway(steps)


def test_a_body_over_ten_megabytes_is_refused(gateway: Any) -> None:
    async def steps(client: Any) -> None:
        limit = 10 * 1024 * 1024
        assert (await client.post("/api/jobs", data=b" " * limit, headers=SIGNED_IN)).status == 200
        answer = await client.post("/api/jobs", data=b" " * (limit + 1), headers=SIGNED_IN)
        assert answer.status == 413
        assert (await answer.json(content_type="application/problem+json"))["code"] == "payload_too_large"

    gateway(steps)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/ws", {}, 401), ("/ws", {"Authorization": "Bearer bad"}, 401), ("/ws?refuse=1", SIGNED_IN, 403)],
)
def test_a_socket_is_refused_before_it_opens(gateway: Any, path: str, headers: dict[str, str], status: int) -> None:
    async def steps(client: Any) -> None:
        with pytest.raises(WSServerHandshakeError) as refused:
            await client.ws_connect(path, headers=headers)
        assert refused.value.status == status

    gateway(steps)


def test_messages_are_routed_by_their_type_and_connections_answer_until_they_are_gone(gateway: Any) -> None:
    async def steps(client: Any) -> None:
        socket = await client.ws_connect("/ws", headers=SIGNED_IN)
        for text in ('{"type": "unsubscribe"}', '{"type": "$connect"}', "no json", "[1]", '{"type": ["x"]}'):
            await socket.send_str(text)
        await socket.send_str('{"type": "subscribe"}')
        assert (await socket.receive_json())["message"] == "Internal server error"
        connection_id = received[0]["requestContext"]["connectionId"]
        address = f"/socket/@connections/{connection_id}"
        assert (await client.post(address, data="hello")).status == 200
        assert await socket.receive_str() == "hello"
        assert (await client.get(address)).status == 200
        assert (await client.post(address, data="x" * (128 * 1024 + 1))).status == 413
        await socket.close()
        for _ in range(100):
            if received[-1]["requestContext"]["eventType"] == "DISCONNECT":
                break
            await asyncio.sleep(0.01)
        gone = await client.post(address, data="hello")
        assert (gone.status, gone.headers["x-amzn-ErrorType"]) == (410, "GoneException")

    gateway(steps)
    routes = [event["requestContext"]["routeKey"] for event in received]
    assert routes == ["$connect", "unsubscribe", *["$default"] * 4, "subscribe", "$disconnect"]
    assert {event["requestContext"]["authorizer"]["userId"] for event in received} == {"usr_1"}


def test_a_client_that_reads_nothing_blocks_no_other_client(gateway: Any) -> None:
    """A send to it ends with 504 once the buffers are full, and closing it does not wait for it."""

    async def steps(client: Any) -> None:
        reader, writer = await asyncio.open_connection(client.server.host, client.server.port, limit=1024)
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer good\r\n"
            b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert b" 101 " in await reader.readline()
        slow = f"/socket/@connections/{received[0]['requestContext']['connectionId']}"
        other = await client.ws_connect("/ws", headers=SIGNED_IN)
        address = f"/socket/@connections/{received[-1]['requestContext']['connectionId']}"
        statuses: list[int] = []
        while statuses.count(504) < 2:  # aiohttp waits for the buffer at every second message
            assert len(statuses) < 400
            statuses.append((await client.post(slow, data="x" * (128 * 1024))).status)
        stuck = [asyncio.create_task(client.post(slow, data="x" * (128 * 1024))) for _ in range(2)]
        began = asyncio.get_running_loop().time()
        assert (await client.post(address, data="hello")).status == 200
        assert await other.receive_str() == "hello"
        assert asyncio.get_running_loop().time() - began < 0.4
        assert 504 in {answer.status for answer in await asyncio.gather(*stuck)}
        assert (await client.delete(slow)).status == 204
        for _ in range(100):
            if (await client.post(slow, data="hello")).status == 410:
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("the connection is still open")
        assert asyncio.get_running_loop().time() - began < 5
        writer.close()

    gateway(steps)


def test_the_runner_answers_as_lambda_does(gateway: Any) -> None:
    async def steps(client: Any) -> None:
        path = "/functions/kinora-local-pipeline-settle/invocations"
        answer = await client.post(path, json={"path": "/x"})
        assert (answer.status, (await answer.json())["statusCode"]) == (200, 200)
        failed = await client.post(path, json={"path": "/broken"})
        assert (failed.status, failed.headers["x-amz-function-error"]) == (200, "Unhandled")
        assert (await failed.json())["errorType"] == "RuntimeError"
        assert (await client.post("/functions/kinora-local-nothing/invocations", json={})).status == 404
        assert (await client.post(path, json={}, headers={"Origin": "https://evil.test"})).status == 403

    gateway(steps)


def test_the_docs_page_loads_everything_from_this_machine(gateway: Any) -> None:
    async def steps(client: Any) -> None:
        page = await (await client.get("/docs")).text()
        assert "http" not in page.replace("http-equiv", "")
        for file in ("swagger-ui-bundle.js", "swagger-ui.css"):
            assert f"/docs/{file}" in page
            assert (await client.get(f"/docs/{file}")).status == 200
        described = await (await client.get("/openapi.json")).json()
        assert described["paths"]["/api/jobs"]["post"]["security"] == [{"token": ["jobs:write"]}]
        assert "security" not in described["paths"]["/api/auth/login"]["post"]

    gateway(steps)


def _statement(effect: str, resource: str) -> dict[str, Any]:
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([_statement("Allow", "arn:api/local/*")], True),
        ([_statement("Allow", "arn:api/local/GET/*")], True),
        ([_statement("Allow", "arn:api/local/POST/*")], False),
        ([_statement("Allow", "arn:api/local/*"), _statement("Deny", "arn:api/local/GET/api/jobs")], False),
        ([{**_statement("Allow", "*"), "Action": "s3:*"}], False),
        ([], False),
    ],
)
def test_a_policy_is_read_as_iam_reads_it(statements: list[dict[str, Any]], allowed: bool) -> None:
    assert allows({"Statement": statements}, "arn:api/local/GET/api/jobs") is allowed


def _records(*numbers: int) -> list[dict[str, Any]]:
    return [{"dynamodb": {"SequenceNumber": str(number)}} for number in numbers]


def test_a_stream_batch_is_tried_again_from_the_record_that_failed() -> None:
    calls: list[list[str]] = []

    def call(batch: list[dict[str, Any]]) -> dict[str, Any]:
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        calls.append(numbers)
        return {"batchItemFailures": [{"itemIdentifier": "2"}] if len(calls) == 1 else []}

    assert deliver(_records(1, 2, 3), call) == []
    assert calls == [["1", "2", "3"], ["2", "3"]]


def test_only_the_failing_record_is_not_delivered() -> None:
    delivered: list[str] = []

    def call(batch: list[dict[str, Any]]) -> None:
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        if "3" in numbers:
            raise FunctionFailed(ValueError("poison"))
        delivered.extend(numbers)

    assert deliver(_records(1, 2, 3, 4, 5), call) == _records(3)
    assert delivered == ["1", "2", "4", "5"]
