"""Functions do not import code that slows their cold starts or gives them access to secrets."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.functions import (
    AUTHORIZER,
    BILLING,
    FAN_OUT,
    IMPORTS,
    JOBS_STREAM,
    MAIL_REFUSALS,
    NOTICES,
    PIPELINE,
    REMOTE_ENGINES,
    REST_DOMAINS,
    SOCKET_ROUTES,
    UPKEEP,
    WEBHOOKS,
    WEBHOOKS_STREAM,
)
from shared.stages.engines import ENGINES, Runs

ROOT = Path(__file__).parents[2]
REST = {domain.name: domain.handler for domain in REST_DOMAINS}
PLAIN = {
    row.name: row.handler
    for row in (
        *PIPELINE, *UPKEEP, *JOBS_STREAM, *FAN_OUT, *BILLING, *WEBHOOKS_STREAM, *WEBHOOKS, *IMPORTS,
        *NOTICES, *SOCKET_ROUTES.values(), MAIL_REFUSALS,
    )
}  # fmt: skip
PAYS = {"billing", *(row.name for row in BILLING)}  # these import stripe, which takes 0.3 s
# Code that sends steps to providers: the function, and the engines that it loads by name.
REMOTE = [
    *(row.handler for row in REMOTE_ENGINES),
    *(engine.code for engine in ENGINES if engine.runs is Runs.REMOTE),
]
WEB = {"fastapi", "starlette", "mangum"}
HEAVY = {"numpy", "cv2", "av", "torch", "PIL", "moto", "stripe", "aws_cdk", "sentry_sdk"}
ABOVE = {"workers", "local", "tests", "infra"}
SCRIPT = """
import json, sys
from importlib import import_module
module, _, name = sys.argv[1].partition(":")
assert callable(getattr(import_module(module), name))
print(json.dumps(sorted(name for name in sys.modules)))
"""


def imported(handler: str) -> set[str]:
    """Return the modules that a new process with an empty environment loads for the handler, as in a cold start."""
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", SCRIPT, handler], cwd=ROOT, capture_output=True, text=True, check=True,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(("name", "handler"), REST.items(), ids=REST.keys())
def test_a_rest_domain_imports_only_what_it_needs(name: str, handler: str) -> None:
    modules = imported(handler)
    assert modules & HEAVY == ({"stripe"} if name in PAYS else set())
    assert not modules & ABOVE
    assert not [m for m in modules if m.startswith("functions.") and not m.startswith(f"functions.{name}")]
    assert ("argon2" in modules) == (name in {"auth", "settings"})
    assert ("jwt" in modules) == (name == "auth")


def test_the_authorizer_is_small() -> None:
    modules = imported(AUTHORIZER.handler)
    assert not modules & (WEB | HEAVY | {"argon2", "pynamodb"})
    assert "jwt" in modules


@pytest.mark.parametrize(("name", "handler"), PLAIN.items(), ids=PLAIN.keys())
def test_a_plain_function_imports_no_web_framework_and_no_tokens(name: str, handler: str) -> None:
    modules = imported(handler)
    assert modules & (WEB | HEAVY | {"argon2", "jwt"}) == ({"stripe"} if name in PAYS else set())
    assert not modules & ABOVE


@pytest.mark.parametrize("handler", REMOTE)
def test_code_that_calls_providers_imports_no_heavy_library(handler: str) -> None:
    modules = imported(handler)
    assert not modules & (WEB | HEAVY | {"argon2", "jwt"})
    assert not modules & (ABOVE - {"workers"})


def test_all_records_share_one_client() -> None:
    script = """
import os
os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
import botocore.session
made = []
real = botocore.session.Session.create_client
def create_client(self, *args, **kwargs):
    made.append(args[0])
    return real(self, *args, **kwargs)
botocore.session.Session.create_client = create_client
from infra.tables import RECORDS
clients = {id(record._get_connection().connection.client) for record in RECORDS}
print(len(RECORDS), len(clients), len(made))
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own program
    records, clients, made = map(int, done.stdout.split())
    assert records > 10
    assert (clients, made) == (1, 1)


def test_there_is_one_logger() -> None:
    """One module creates the instances of Powertools, so that all logs have one format."""
    makers = ("Logger(", "Metrics(")
    users = [
        path for folder in ("shared", "functions", "workers") for path in (ROOT / folder).rglob("*.py")
        if any(maker in path.read_text() for maker in makers)
    ]  # fmt: skip
    assert users == [ROOT / "shared" / "observability.py"]
