"""Functions do not import code that slows their cold starts or gives them access to secrets."""

import json
import os
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from infra.bundling.code import function_bundle
from infra.functions import (
    AUTHORIZER,
    BILLING,
    FAN_OUT,
    FUNCTIONS,
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
# Third-party packages that a function may load at its start, by kind. One more package makes each start of it longer.
_AWS = {"botocore", "certifi", "dateutil", "jmespath", "six", "urllib3", "aws_lambda_powertools", "typing_extensions"}
_SIGNATURES = {"cryptography", "_cffi_backend", "_openssl"}
_RECORDS = {
    "pynamodb", "blinker", "ulid", "annotated_types", "typing_inspection", "pydantic", "pydantic_core",
}  # fmt: skip
_REST_EDGE = {
    "fastapi", "starlette", "mangum", "anyio", "annotated_doc", "opentelemetry", "python_multipart", "idna",
    "email_validator", "itsdangerous", "sniffio",
}  # fmt: skip
_PASSWORDS = {"argon2", "_argon2_cffi_bindings", "_cffi_backend"}
MAY_LOAD = {
    "authorizer": _AWS | _SIGNATURES,
    "rest-auth": _AWS | _RECORDS | _REST_EDGE | _PASSWORDS | _SIGNATURES | {"jwt"},
    "rest-settings": _AWS | _RECORDS | _REST_EDGE | _PASSWORDS,
    **dict.fromkeys(("rotation-begin", "rotation-rotate"), _AWS | _RECORDS | _SIGNATURES | {"jwt"}),
    # The errors of an outage include those of boto3's transfers of files.
    **dict.fromkeys(
        ("worker-steps", "worker-verification"), _AWS | _RECORDS | {"boto3", "s3transfer", "workers", "__mp_main__"}
    ),
    "provider-webhook": _AWS | _RECORDS | _SIGNATURES | {"jwt"},
}
# The payments and providers bring packages of their own, which `HEAVY` and the layers limit.
FREE = {"rest-billing", *(row.name for row in (*BILLING, *REMOTE_ENGINES, *WEBHOOKS, *IMPORTS))}
LIMITED = {row.name: row.handler for row in FUNCTIONS if row.name not in FREE}
ABOVE = {"workers", "local", "tests", "infra"}
SCRIPT = """
import json, sys
from importlib import import_module
before = set(sys.modules)
module, _, name = sys.argv[1].partition(":")
assert callable(getattr(import_module(module), name))
print(json.dumps(sorted(sys.modules.keys() - before)))
"""


def imported(handler: str, folder: str | Path = ROOT) -> frozenset[str]:
    """Return the modules that a new process with an empty environment loads for the handler, as in a cold start.

    They are those that the start of Python, which can have a `sitecustomize`, has not loaded.
    """
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", SCRIPT, handler], cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": os.defpath, "AWS_DEFAULT_REGION": "us-east-1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout.splitlines()[-1]))


@cache
def imported_from_bundle(handler: str) -> frozenset[str]:
    """Return the modules that the handler loads where nothing is but its bundle."""
    with TemporaryDirectory() as folder:
        zipfile.ZipFile(function_bundle(handler).path).extractall(folder)
        return imported(handler, folder)


@pytest.mark.parametrize("handler", [function.handler for function in FUNCTIONS])
def test_a_handler_can_be_imported_from_its_bundle_alone(handler: str) -> None:
    assert imported_from_bundle(handler)


@pytest.mark.parametrize(("name", "handler"), REST.items(), ids=REST.keys())
def test_a_rest_domain_imports_only_what_it_needs(name: str, handler: str) -> None:
    modules = imported_from_bundle(handler)
    assert modules & HEAVY == ({"stripe"} if name in PAYS else set())
    assert not modules & ABOVE
    assert not [m for m in modules if m.startswith("functions.") and not m.startswith(f"functions.{name}")]
    assert ("argon2" in modules) == (name in {"auth", "settings"})
    assert ("jwt" in modules) == (name == "auth")


@pytest.mark.parametrize(("name", "handler"), LIMITED.items(), ids=LIMITED.keys())
def test_a_function_loads_only_the_packages_of_its_kind(name: str, handler: str) -> None:
    usual = _AWS | _RECORDS | (_REST_EDGE if name.startswith("rest-") else set())
    tops = {module.partition(".")[0] for module in imported_from_bundle(handler)}
    of_python = {top for top in tops if top.startswith("_sysconfigdata")} | sys.stdlib_module_names
    assert tops - of_python - {"__main__", "functions", "shared"} - MAY_LOAD.get(name, usual) == set()


def test_the_authorizer_is_small() -> None:
    modules = imported_from_bundle(AUTHORIZER.handler)
    assert not modules & (WEB | HEAVY | {"argon2", "pynamodb", "pydantic", "boto3"})
    assert not modules & {"botocore.client", "botocore.session"}


@pytest.mark.parametrize(("name", "handler"), PLAIN.items(), ids=PLAIN.keys())
def test_a_plain_function_imports_no_web_framework_and_no_tokens(name: str, handler: str) -> None:
    modules = imported_from_bundle(handler)
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
