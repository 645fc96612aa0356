"""Each role grants exactly the tables that its code imports. Integration tests compare the grants with the calls."""

import ast
import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path

import grimp
import pytest

import shared
from infra.functions import FUNCTIONS, LOADED_BY_NAME, REST_DOMAINS, Function
from infra.grants import Grants
from infra.tables import RECORDS
from infra.workers import ISOLATED, STEPS, VERIFICATION, WORKERS
from local.environment import ROOT
from shared.aws.records import Record
from shared.connections.record import FanOutRecord, ListenerRecord
from shared.credentials.record import PasswordRecord, RefreshFamilyRecord
from shared.credits.record import HoldRecord, LedgerRecord, SpendingRecord
from shared.grants.record import MediaGrantRecord
from shared.jobs.record import JobRecord, JobSpecRecord, StepResultRecord, StepTicketRecord, StepTokenRecord
from shared.keys.record import ApiKeyRecord
from shared.projects.record import ProjectRecord
from shared.stages.queues import VERIFICATION_QUEUE
from shared.stages.stages import Stage
from shared.upkeep.record import PassRecord
from shared.users.record import EmailClaimRecord, UserRecord
from tests.support.grants import refused, sentence

# Records that a function imports and does not use: they belong to a store of which the function calls other methods.
UNTOUCHED: dict[str, set[type[Record]]] = {
    # It cancels jobs, and reads a user's defaults; the end of a film reads grants.
    "rest-jobs": {MediaGrantRecord, EmailClaimRecord},
    "rest-settings": {RefreshFamilyRecord},  # it checks passwords
    "pipeline-grant": {StepTokenRecord},  # it reads jobs; workers and engines use these
    # It reads whether jobs have ended.
    "rest-assets": {JobSpecRecord, StepTokenRecord},
    # The sweep has the same module; this function reads assets only.
    "upkeep-quarantine": {
        JobRecord, JobSpecRecord, PassRecord, StepResultRecord, StepTicketRecord, StepTokenRecord,
    },
    "rest-auth": {HoldRecord, SpendingRecord},  # it opens accounts
    # It reads whether there is a film.
    "rest-shares": {EmailClaimRecord, JobSpecRecord, StepTokenRecord},
    "rest-presets": {EmailClaimRecord},  # it reads whether a user is a platform admin
    "rest-teams": {HoldRecord, EmailClaimRecord},  # it moves credits, and names members
    # It shows accounts and counts jobs and assets.
    "rest-billing": {HoldRecord, SpendingRecord, JobSpecRecord, StepResultRecord, StepTokenRecord},
    "notices-send": {  # it reads jobs, addresses and balances
        EmailClaimRecord, HoldRecord, JobSpecRecord, LedgerRecord, SpendingRecord, StepResultRecord, StepTokenRecord,
    },
    "billing-events": {HoldRecord, SpendingRecord},  # jobs hold credits
    "socket-connect": {FanOutRecord, PasswordRecord},  # it opens connections of a session
    **{name: {FanOutRecord, ListenerRecord} for name in ("socket-ping", "socket-default")},  # they read the connection
    "socket-unsubscribe": {FanOutRecord},  # passes are for senders
    "socket-disconnect": {FanOutRecord},  # passes end by themselves
    "socket-subscribe": {FanOutRecord, StepTokenRecord},  # it shows jobs; workers use these
    # They end jobs, and estimate no times.
    "pipeline-reconcile": {PassRecord},
    "pipeline-settle": {PassRecord, StepTokenRecord},
    "upkeep-pace": {StepResultRecord, StepTokenRecord},  # it reads the times of jobs
    "pipeline-signal": {JobSpecRecord, StepResultRecord},  # it fails steps by their tokens
    "remote-engine": {JobSpecRecord},  # the task contains the request
    **{stage.queue: {JobSpecRecord} for stage in Stage},  # the task contains the request
    "worker-steps": {JobSpecRecord, StepResultRecord},  # another function does the work
    STEPS: {JobSpecRecord, StepTokenRecord},  # its caller reports
    "rest-engines": {ApiKeyRecord, JobRecord},  # its only route is public, and it reads how long steps took, but no job
    # It cancels jobs, and ends sessions by the generation of the password.
    "rest-admin": {PassRecord, ProjectRecord, RefreshFamilyRecord, StepTokenRecord},
    "webhooks-notify": {  # the stream contains the job
        HoldRecord, JobRecord, JobSpecRecord, LedgerRecord, SpendingRecord, StepResultRecord, StepTokenRecord,
    },
    "webhooks-deliver": {EmailClaimRecord},  # it names owners
    "realtime-fanout": {StepTokenRecord},  # it shows jobs
    "realtime-push": {FanOutRecord, JobRecord, JobSpecRecord, StepTokenRecord},  # the stream contains the job
}  # fmt: skip
WORKER_MODULES = {
    **{stage.queue: "workers.runtime.queue_loop" for stage in Stage},
    VERIFICATION_QUEUE: "workers.verification.main",
    STEPS: "workers.runtime.isolated",
    VERIFICATION: "workers.verification.isolated",
}


def subclasses(base: type[Record]) -> set[type[Record]]:
    direct = set(base.__subclasses__())
    return direct.union(*map(subclasses, direct))


def test_every_record_has_a_table() -> None:
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        if module.name.endswith(".record"):
            import_module(module.name)
    defined = {record for record in subclasses(Record) if record.__module__.startswith("shared.")}
    missing = sorted(f"{record.__module__}.{record.__name__}" for record in defined - set(RECORDS))
    assert missing == [], "infra/tables.py has no table for these records"
    assert len(RECORDS) == len(set(RECORDS))


def test_every_record_is_in_the_record_module_of_its_noun() -> None:
    """The test above searches these modules only."""
    for record in RECORDS:
        assert record.__module__.endswith(".record"), record


def test_every_rest_folder_has_a_row() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/router.py")}
    assert folders == {domain.name for domain in REST_DOMAINS}, "infra/functions.py lists other folders"


def test_every_handler_has_a_row() -> None:
    modules = {f"functions.{path.parent.name}.{path.stem}" for path in (ROOT / "functions").glob("*/*.py")}
    defined = {name for name in modules if "handler" in names_bound(name)}
    rows = {row.handler.partition(":")[0] for row in FUNCTIONS}
    assert sorted(defined - rows) == [], "infra/functions.py has no row for these modules"
    assert sorted(name for name in rows - defined if name.startswith("functions.")) == [], (
        "these modules define no handler"
    )


# --- tables


def tree(module: str) -> ast.Module:
    path = Path(ROOT, *module.split("."))
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())


def names_bound(module: str) -> set[str]:
    """Return the names of the functions and variables that the module defines."""
    body = tree(module).body
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    variables = {
        target.id
        for node in body if isinstance(node, ast.Assign)
        for target in node.targets if isinstance(target, ast.Name)
    }  # fmt: skip
    return functions | variables


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "shared", "functions", "workers", exclude_type_checking_imports=True, cache_dir=None
    )  # fmt: skip


@cache
def records_named(module: str) -> frozenset[str]:
    """Return the record classes that the module uses. The result is empty for modules that define records."""
    if module.endswith(".record"):
        return frozenset()
    known = {record.__name__ for record in subclasses(Record)}
    return frozenset({node.id for node in ast.walk(tree(module)) if isinstance(node, ast.Name)} & known)


def records_imported(handler: str) -> set[str]:
    """Return the record classes that the modules of the handler's code use."""
    entries = {handler.partition(":")[0], *LOADED_BY_NAME.get(handler, ())}
    modules = entries.union(*map(graph().find_upstream_modules, entries))
    return set[str]().union(*map(records_named, modules))


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row.name)
def test_the_row_grants_the_tables_that_the_code_uses(row: Function) -> None:
    if row.name == "upkeep-erase":  # it searches all tables, which it finds by itself
        assert row.may.tables == set(RECORDS)
        return
    used = records_imported(row.handler) - {record.__name__ for record in UNTOUCHED.get(row.name, set())}
    granted = {record.__name__ for record in row.may.tables}
    assert sorted(used - granted) == [], f"the row {row.name} of infra/functions.py does not grant these tables"
    assert sorted(granted - used) == [], f"the code of {row.name} does not use these tables"


@pytest.mark.parametrize(("name", "module"), WORKER_MODULES.items())
def test_the_row_of_a_worker_grants_the_tables_that_its_code_uses(name: str, module: str) -> None:
    may = (WORKERS | ISOLATED)[name]
    used = records_imported(module) - {record.__name__ for record in UNTOUCHED.get(name, set())}
    assert used == {record.__name__ for record in may.tables}


def test_exceptions_are_needed() -> None:
    handlers = {row.name: row.handler for row in FUNCTIONS} | WORKER_MODULES
    for name, records in UNTOUCHED.items():
        assert {record.__name__ for record in records} <= records_imported(handlers[name]), name


# --- calls: tests/integration/conftest.py compares them with the grants


def test_a_call_beyond_the_grants_is_named() -> None:
    [row] = [row for row in FUNCTIONS if row.name == "rest-jobs"]
    [call] = refused(row.may, "dynamodb", "PutItem", {"TableName": UserRecord.Meta.table_name})
    assert sentence(row, call) == (
        "functions.jobs does dynamodb:PutItem on kinora-test-users, which its row (rest-jobs) does not grant"
    )


READER = Grants(reads=(JobRecord,), secrets=("one",), media_reads=("jobs/",), sends=("remote-engine",))
JOBS_TABLE = JobRecord.Meta.table_name
QUEUES = "https://sqs.us-east-1.amazonaws.com/123456789012/kinora-test-"


@pytest.mark.parametrize(
    ("service", "operation", "params", "granted"),
    [
        ("dynamodb", "Query", {"TableName": JOBS_TABLE}, True),
        ("dynamodb", "Scan", {"TableName": JOBS_TABLE}, False),
        ("dynamodb", "UpdateItem", {"TableName": JOBS_TABLE}, False),
        ("dynamodb", "TransactWriteItems", {"TransactItems": [{"ConditionCheck": {"TableName": JOBS_TABLE}}]}, True),
        ("dynamodb", "TransactWriteItems", {"TransactItems": [{"Put": {"TableName": JOBS_TABLE}}]}, False),
        ("dynamodb", "BatchGetItem", {"RequestItems": {JOBS_TABLE: {}, UserRecord.Meta.table_name: {}}}, False),
        ("s3", "HeadObject", {"Key": "jobs/job_1/film.mp4"}, True),
        ("s3", "GetObject", {"Key": "assets/ast_1/clean"}, False),
        ("s3", "ListObjectsV2", {"Prefix": "jobs/job_1"}, False),
        ("s3", "DeleteObjects", {"Delete": {"Objects": [{"Key": "jobs/job_1/film.mp4"}]}}, False),
        ("sqs", "SendMessage", {"QueueUrl": f"{QUEUES}remote-engine"}, True),
        ("sqs", "SendMessage", {"QueueUrl": f"{QUEUES}asset-verification"}, False),
        ("secretsmanager", "GetSecretValue", {"SecretId": "kinora/test/one"}, True),
        ("secretsmanager", "GetSecretValue", {"SecretId": "kinora/test/two"}, False),
        ("stepfunctions", "StartExecution", {}, False),
        ("apigatewaymanagementapi", "PostToConnection", {}, False),
        ("xray", "PutTraceSegments", {}, True),
        ("ses", "SendEmail", {}, False),
    ],
)
def test_calls_are_compared_by_action_and_resource(
    service: str, operation: str, params: dict[str, object], granted: bool
) -> None:
    assert (refused(READER, service, operation, params) == []) is granted
