"""Each guard refuses the edits that break its rule, and passes them if its mechanism is removed."""

import re
from pathlib import Path

import pytest

from tests.house.trials import (
    CONTRACTS,
    Guard,
    Trial,
    append,
    copied,
    one_test,
    remove,
    replace,
    without_contract,
    write,
)

NOUN = "shared/settings/store.py"
LISTED = replace("pyproject.toml", '"users | ', '"settings | users | ')
ENGINE = "workers/engines/video_synthesis/trial.py"
WORKER = "workers/runtime/trial.py"

IMPORTS = (
    Trial(
        "a noun that no layer lists",
        (write(NOUN),),
        CONTRACTS,
        "not listed as layers: - shared.settings",
        (
            replace(
                "pyproject.toml",
                "exhaustive = true # a new folder of shared",
                "exhaustive = false # a new folder of shared",
            ),
        ),
    ),
    Trial(
        "a noun that imports jobs",
        (LISTED, write(NOUN, "import shared.jobs.store")),
        CONTRACTS,
        "shared.settings is not allowed to import shared.jobs",
        (without_contract("Layers of shared"),),
    ),
    Trial(
        "a noun that imports another noun",
        (LISTED, write(NOUN, "import shared.users.store")),
        CONTRACTS,
        "shared.settings is not allowed to import shared.users",
        (without_contract("Layers of shared"),),
    ),
    Trial(
        "a noun that imports FastAPI",
        (LISTED, write(NOUN, "import fastapi")),
        CONTRACTS,
        "package fastapi: - shared.settings.store -> fastapi",
        (without_contract("FastAPI stays at the REST edge"),),
    ),
    Trial(
        "a noun without __init__.py",
        (LISTED, write(NOUN, packages=False)),
        one_test("tests/house/test_packages.py::test_every_folder_with_python_is_a_package"),
        "shared/settings",
        (replace("tests/house/test_packages.py", 'if not (folder / "__init__.py").exists()', "if False"),),
    ),
    Trial(
        "a pure folder that imports an SDK",
        (append("shared/camera/move.py", "import boto3"),),
        CONTRACTS,
        "shared.camera.move -> boto3",
        (without_contract("Core, camera, stages and vocabulary are pure"),),
    ),
    Trial(
        "a function that imports another function",
        (write("functions/settings/service.py", "import functions.auth.service"),),
        CONTRACTS,
        "functions.settings is not allowed to import functions.auth",
        (without_contract("Functions do not import each other"),),
    ),
    Trial(
        "a function that computes on pixels",
        (write("functions/settings/service.py", "import numpy"),),
        CONTRACTS,
        "functions is not allowed to import numpy",
        (without_contract("Nothing that Lambda ships computes on pixels"),),
    ),
    Trial(
        "an event's function that imports the REST edge",
        (write("functions/settings/push.py", "import shared.rest.app"),),
        CONTRACTS,
        "functions.settings.push -> shared.rest.app",
        (without_contract("Only REST functions import the REST edge"),),
    ),
    Trial(
        "a function that imports the laptop cloud",
        (write("functions/settings/service.py", "import local.cloud"),),
        CONTRACTS,
        "functions is not allowed to import local",
        (without_contract("Layers of the tree"),),
    ),
    Trial(
        "an engine that imports another engine",
        (write(ENGINE, "import workers.engines.video_synthesis.fal"),),
        CONTRACTS,
        "workers.engines.video_synthesis.trial is not allowed to import workers.engines.video_synthesis.fal",
        (without_contract("Engines do not import each other"),),
    ),
    Trial(
        "an engine that imports another stage's engine",
        (write(ENGINE, "import workers.engines.post_processing.finish"),),
        CONTRACTS,
        "workers.engines.video_synthesis.trial is not allowed to import workers.engines.post_processing.finish",
        (without_contract("Engines do not import each other"),),
    ),
    Trial(
        "a worker that imports a new noun",
        (LISTED, write(NOUN), write(WORKER, "import shared.settings.store")),
        CONTRACTS,
        "workers.runtime.trial is not allowed to reach shared.settings.store",
        (without_contract("Workers import what this list allows"),),
    ),
    Trial(
        "a worker that imports settlement",
        (write(WORKER, "from shared.jobs import settlement"),),
        CONTRACTS,
        "workers.runtime.trial is not allowed to reach shared.jobs.settlement",
        (without_contract("Workers import what this list allows"),),
    ),
    Trial(
        "a worker that reaches credits through an allowed module",
        (append("shared/jobs/tickets.py", "import shared.credits.store"),),
        CONTRACTS,
        r"not allowed to reach shared.credits.store: - workers\S* -> shared.jobs.tickets \(l\.\d+\)"
        r" - shared.jobs.tickets -> shared.credits.store",
        (without_contract("Workers import what this list allows"),),
    ),
    Trial(
        "a worker that loads credits by name",
        (write(WORKER, 'from importlib import import_module\nimport_module("shared.credits.store")'),),
        one_test("tests/house/test_packages.py::test_no_import_is_hidden_in_a_string"),
        "workers/runtime/trial.py:2: shared.credits.store",
        (replace("tests/house/test_packages.py", ".union(ROOT_PACKAGES)", ""),),
    ),
    Trial(
        "a top-level package that the contracts do not list",
        (write("billing/store.py"),),
        one_test("tests/house/test_packages.py::test_every_top_level_folder_with_python_is_a_root_package"),
        "billing",
        (replace("tests/house/test_packages.py", "sorted(with_python)", "sorted(with_python & {*ROOT_PACKAGES})"),),
    ),
)

FUNCTIONS = "infra/functions.py"
RECORD = """
from pynamodb.attributes import UnicodeAttribute

from shared.aws.records import OnDemand, Record, table


class SettingsRecord(Record):
    class Meta(OnDemand):
        table_name = table("settings")

    account_id = UnicodeAttribute(hash_key=True)
"""
TEST_GRANTS = "tests/contract/test_grants.py"

GRANTS = (
    Trial(
        "a record without a table",
        (write("shared/settings/record.py", RECORD),),
        one_test(f"{TEST_GRANTS}::test_every_record_has_a_table"),
        "no table for these records.*shared.settings.record.SettingsRecord",
        (replace(TEST_GRANTS, "for record in defined - set(RECORDS)", "for record in ()"),),
    ),
    Trial(
        "a row that does not grant the tables of its code",
        (
            replace(
                FUNCTIONS,
                """reads=(ProjectRecord, SubscriptionRecord, MemberRecord, IdempotencyRecord),
            writes=(ProjectRecord, IdempotencyRecord),
""",
                "",
            ),
        ),
        one_test(f"{TEST_GRANTS}::test_the_row_grants_the_tables_that_the_code_uses[rest-projects]"),
        "row rest-projects of infra/functions.py does not grant these tables.*'IdempotencyRecord'",
        (replace(TEST_GRANTS, "sorted(used - granted)", "sorted(set())"),),
    ),
    Trial(
        "a row that grants tables that its code does not use",
        (replace(FUNCTIONS, 'name="errors", may=NOTHING', 'name="errors", may=Grants(reads=(ProjectRecord,))'),),
        one_test(f"{TEST_GRANTS}::test_the_row_grants_the_tables_that_the_code_uses[rest-errors]"),
        "the code of rest-errors does not use these tables.*'ProjectRecord'",
        (replace(TEST_GRANTS, "sorted(granted - used)", "sorted(set())"),),
    ),
    Trial(
        "a call beyond the grants",
        (replace(FUNCTIONS, "writes=(ProjectRecord, IdempotencyRecord)", "writes=(IdempotencyRecord,)"),),
        one_test("tests/integration/test_projects.py::test_a_project_counts_its_jobs"),
        r"functions.projects does dynamodb:PutItem on kinora-test-projects, which its row \(rest-projects\) does not",
        (replace("tests/integration/conftest.py", "\ngrants.observe()\n", ""),),
    ),
)

TEST_STAGES = "tests/contract/test_stages.py"
TEST_MACHINE = "tests/contract/test_state_machine.py"
MACHINE = "stepfunctions/generate_video.asl.json"

STAGES = (
    Trial(
        "a stage without a spec",
        (append("shared/stages/stages.py", "del STAGES[Stage.MOTION_TRANSFER]"),),
        one_test(f"{TEST_STAGES}::test_every_stage_has_an_entry_in_the_stage_table"),
        "STAGES lacks a stage.*'MOTION_TRANSFER'",
        (replace(TEST_STAGES, "lacking(STAGES, Stage)", "lacking(STAGES, STAGES)"),),
    ),
    Trial(
        "a stage whose request lacks a file",
        (replace("shared/stages/requests.py", "    driving_url: str\n", ""),),
        one_test(f"{TEST_STAGES}::test_its_request_names_a_file_for_each_role_that_it_consumes[MOTION_TRANSFER]"),
        "driving",
        (
            replace(
                TEST_STAGES, "assert roles_of(STAGES[stage].request) ==", "assert roles_of(STAGES[stage].request) <="
            ),
        ),
    ),
    Trial(
        "a stage without a request builder",
        (replace("functions/pipeline/requests.py", "    Stage.MOTION_TRANSFER: _motion_transfer,\n", ""),),
        one_test(f"{TEST_STAGES}::test_every_stage_has_a_request_builder"),
        "BUILDERS lacks a stage.*'MOTION_TRANSFER'",
        (replace(TEST_STAGES, "lacking(BUILDERS, Stage)", "lacking(BUILDERS, BUILDERS)"),),
    ),
    Trial(
        "a stage without a state",
        (replace(MACHINE, '"MotionTransfer": {', '"Transfer": {'),),
        one_test(f"{TEST_STAGES}::test_every_stage_has_a_state"),
        "lacks a stage's state.*'MotionTransfer'",
        (replace(TEST_STAGES, "lacking(STATES, states)", "lacking(STATES, STATES)"),),
    ),
    Trial(
        "a stage that no job can skip",
        (replace(MACHINE, '"$.motionTransfer.planned"', '"$.imageGeneration.planned"'),),
        one_test(f"{TEST_MACHINE}::test_the_state_of_a_stage_invokes_dispatch_and_waits[MOTION_TRANSFER]"),
        "motionTransfer",
        (
            replace(
                TEST_MACHINE,
                '"planned.$": f"$.{stage.key}.planned"',
                '"planned.$": state["Parameters"]["Payload"]["planned.$"]',
            ),
        ),
    ),
    Trial(
        "a stage without an engine folder",
        (remove("workers/engines/motion_transfer/__init__.py"),),
        one_test(f"{TEST_STAGES}::test_every_stage_has_an_engine_folder"),
        "workers/engines lacks a stage's folder.*'motion_transfer'",
        (replace(TEST_STAGES, "lacking(folders, [stage.folder for stage in Stage])", "lacking(folders, folders)"),),
    ),
    Trial(
        "a stage without an engine in process",
        (
            replace(
                "shared/stages/engines.py",
                'stage=Stage.MOTION_TRANSFER,\n        name="transfer"',
                'stage=Stage.VIDEO_SYNTHESIS,\n        name="transfer"',
            ),
        ),
        one_test(f"{TEST_STAGES}::test_every_stage_has_an_in_process_engine"),
        "ENGINES lacks an in-process engine of a stage.*'MOTION_TRANSFER'",
        (replace(TEST_STAGES, "lacking(stages, Stage)", "lacking(stages, stages)"),),
    ),
    Trial(
        "a stage without a golden message",
        tuple(remove(f"tests/golden/image-generation.v1{kind}.json") for kind in ("", ".sending", ".proof")),
        one_test("tests/contract/test_messages.py::test_there_is_a_golden_message_of_every_kind"),
        "image-generation",
        (replace("tests/contract/test_messages.py", "assert kinds == {stage.queue", "assert kinds <= {stage.queue"),),
    ),
)

LANGUAGE = (
    Trial(
        "a word that has a plain replacement",
        (append("shared/core/clock.py", "# The time is reckoned in UTC."),),
        one_test("tests/house/test_language.py::test_prose_uses_plain_words[shared]"),
        r"shared/core/clock.py:\d+: reckoned -> calculate",
        (replace("tests/house/test_language.py", 'r"reckon(s|ed|ing)?": "calculate, count",', ""),),
    ),
    Trial(
        "a function whose docstring is not an imperative",
        (append("shared/core/clock.py", 'def late() -> bool:\n    """Whether it is late."""'),),
        one_test(
            "tests/house/test_language.py::test_a_docstring_begins_with_an_imperative_or_a_noun_phrase[shared]",
        ),
        r"shared/core/clock.py:\d+: Whether -> an imperative",
        (replace("tests/house/test_language.py", '"whether", ', ""),),
    ),
    Trial(
        "a class name that is used twice",
        (append("shared/core/clock.py", "class JobStore: ..."),),
        one_test("tests/house/test_names.py::test_every_class_name_is_unique"),
        r"JobStore: shared/core/clock.py:\d+, shared/jobs/store.py:\d+",
        (replace("tests/house/test_names.py", "if len(places) > 1", "if False"),),
    ),
)

# One group for each rule.
TRIALS: tuple[Trial, ...] = IMPORTS + GRANTS + STAGES + LANGUAGE
NODES = dict.fromkeys(node for trial in TRIALS for node in trial.guard.nodes)
GUARDS = {"contracts": CONTRACTS, "tests": one_test(*NODES)}  # the tests run in one process, which is faster

every_trial = pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return copied(tmp_path / "tree")


@pytest.mark.parametrize("guard", GUARDS.values(), ids=GUARDS.keys())
def test_the_guards_pass_on_the_tree_as_it_is(guard: Guard, tree: Path) -> None:
    passed, output = guard.run(tree)
    assert passed, output


@every_trial
def test_the_guard_refuses_the_edit_by_name(trial: Trial, tree: Path) -> None:
    for edit in trial.edits:
        edit(tree)
    passed, output = trial.guard.run(tree)
    assert not passed
    assert re.search(trial.refused, output), output


@every_trial
def test_the_edit_passes_without_the_mechanism(trial: Trial, tree: Path) -> None:
    for edit in trial.edits + trial.without:
        edit(tree)
    passed, output = trial.guard.run(tree)
    assert passed, output
