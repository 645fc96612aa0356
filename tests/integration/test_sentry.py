"""Sentry: with a DSN, errors arrive with the ids of our logs and without data of creators (I15)."""

import gzip
import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import Any

import pytest

from local.environment import ROOT
from tests.support.studio import PASSWORD, Creator

EMAIL, PROMPT, TASK_TOKEN = "ada.lovelace@example.com", "my most private dream", "task-token-of-the-step"
# The script ends as Lambda freezes after a call: at once, without time to send anything more.
SCRIPT = f"""
import os, sys
import tests.conftest
from tests.support.studio import studio
from functions.pipeline.dispatch import handler as dispatch

class Call:
    aws_request_id = "call-1"

with studio() as deployed:
    ada = deployed.sign_up({EMAIL!r})
    body = {{"projectId": ada.project({PROMPT!r}), "prompt": {PROMPT!r}}}
    job_id = ada.post("/api/jobs", body).body["id"]
    deployed.cloud.broken["TransactWriteItems"] = RuntimeError({PROMPT!r})
    assert ada.post("/api/jobs", body).status == 500
    deployed.cloud.broken["SendMessage"] = RuntimeError({PROMPT!r})
    try:
        dispatch({{"jobId": job_id, "stage": "IMAGE_GENERATION", "taskToken": {TASK_TOKEN!r}}}, Call())
    except RuntimeError:
        print(job_id, flush=True)
        os._exit(0)
"""


class Sentry:
    """A server that accepts envelopes as Sentry does."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        bodies = self.bodies

        class Ingest(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bodies.append(self.path + "\n" + gzip.decompress(body).decode())
                sleep(0.5)  # an error that the process does not wait for is then not sent
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
                """Discard the log line."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Ingest)

    @property
    def dsn(self) -> str:
        return f"http://0123456789abcdef@127.0.0.1:{self.server.server_port}/7"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events: the last line of each envelope."""
        return [json.loads(body.strip().splitlines()[-1]) for body in self.bodies]


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    one = Sentry()
    Thread(target=one.server.serve_forever, daemon=True).start()
    yield one
    one.server.shutdown()
    one.server.server_close()


def run(script: str, given: str = "", **variables: str) -> str:
    """Run the script and return its output."""
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", script], cwd=ROOT, input=given, capture_output=True, text=True, check=True,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), **variables},
    )  # fmt: skip
    return done.stdout


def test_an_error_arrives_with_its_ids_and_without_data_of_creators(sentry: Sentry) -> None:
    job_id = run(SCRIPT, KINORA_SENTRY_DSN=sentry.dsn).splitlines()[-1]
    of_request, of_job = sentry.events
    assert {body.splitlines()[0] for body in sentry.bodies} == {"/api/7/envelope/"}
    assert of_request["logentry"]["message"] == "request failed"
    assert of_request["tags"] == {"request_id": "req-1"}
    assert of_job["logentry"]["message"] == "call failed"
    assert of_job["tags"]["function_request_id"] == "call-1"
    assert (of_job["tags"]["job_id"], of_job["tags"]["stage"]) == (job_id, "IMAGE_GENERATION")
    for event in (of_request, of_job):
        assert event["environment"] == "test"
        [*_, raised] = event["exception"]["values"]
        assert (raised["type"], raised["value"]) == ("RuntimeError", "")
        assert raised["stacktrace"]["frames"], "the event shows where the error was raised"
    sent = "".join(sentry.bodies)
    for secret in (PROMPT, EMAIL, "ada.lovelace", PASSWORD, TASK_TOKEN, "eyJ"):
        assert secret not in sent


WORKER = f"""
import tests.conftest
from shared.observability import logged, logger

with logged(job_id="job_1", stage="VIDEO_SYNTHESIS", prompt={PROMPT!r}):
    try:
        raise ValueError({PROMPT!r})
    except ValueError:
        logger.exception("engine crashed", code="engine_crashed")
    logger.critical("motion not scored", error={PROMPT!r})
"""
DELIVERY = """
import sys
import tests.conftest
from functions.errors.workers import handler

handler({"awslogs": {"data": sys.stdin.read()}}, None)
"""


def test_the_errors_of_workers_arrive_without_texts(sentry: Sentry) -> None:
    """CloudWatch Logs delivers the lines of a worker, which has no way to Sentry."""
    lines = [{"id": "1", "timestamp": 1, "message": line} for line in run(WORKER).splitlines()]
    group = {"messageType": "DATA_MESSAGE", "logGroup": "/kinora/test/workers/x", "logEvents": lines}
    data = b64encode(gzip.compress(json.dumps(group).encode())).decode()
    run(DELIVERY, data, KINORA_SENTRY_DSN=sentry.dsn)
    crashed, unscored = sentry.events
    assert crashed["logentry"]["message"] == "engine crashed"
    assert crashed["tags"] == {"job_id": "job_1", "stage": "VIDEO_SYNTHESIS", "code": "engine_crashed"}
    [raised] = crashed["exception"]["values"]
    assert (raised["type"], raised["value"]) == ("ValueError", "")
    assert raised["stacktrace"]["frames"][-1]["lineno"]
    assert unscored["logentry"]["message"] == "motion not scored"
    assert PROMPT not in "".join(sentry.bodies)


BROWSER = """
import tests.conftest
from tests.support.studio import studio

error = {"name": "TypeError", "page": "/jobs", "frames": [{"file": "/_next/app.js", "function": "draw", "line": 7}]}
with studio() as deployed:
    assert deployed.call("POST", "/api/errors", error).status == 204
    for field, value in (("name", "my private dream"), ("page", "/jobs?prompt=dream"), ("message", "dream")):
        assert deployed.call("POST", "/api/errors", error | {field: value}).status == 422, field
"""


def test_the_errors_of_browsers_arrive_without_texts(sentry: Sentry) -> None:
    run(BROWSER, KINORA_SENTRY_DSN=sentry.dsn)
    [event] = sentry.events
    assert event["logentry"]["message"] == "browser error"
    assert event["tags"]["page"] == "/jobs"
    [raised] = event["exception"]["values"]
    assert (raised["type"], raised["stacktrace"]["frames"]) == (
        "TypeError",
        [{"filename": "/_next/app.js", "function": "draw", "lineno": 7}],
    )


@pytest.mark.endpoint("POST /api/errors")
def test_a_page_reports_an_error_without_a_token(ada: Creator) -> None:
    frames = [{"file": "/_next/app.js", "function": "draw", "line": 7}]
    error = {"name": "TypeError", "page": "/jobs", "frames": frames}
    assert ada.studio.call("POST", "/api/errors", error).status == 204


@pytest.mark.slow
def test_without_a_dsn_no_error_is_sent(sentry: Sentry) -> None:
    assert "\njob_" in run(SCRIPT)
    assert sentry.bodies == []
