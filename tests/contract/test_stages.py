"""The stage table and the other tables with one entry per stage: the tests name the table that lacks a stage."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from functions.jobs.plan import plan
from functions.pipeline.requests import BUILDERS
from shared.camera.move import CameraMove, Keyframe
from shared.core.clock import utc_now
from shared.jobs.record import StepsMap
from shared.jobs.spec import JobSettings
from shared.stages.engines import ENGINES, Runs
from shared.stages.requests import StageRequest
from shared.stages.stages import STAGES, Role, Stage

ROOT = Path(__file__).parents[2]
STATES = json.loads((ROOT / "stepfunctions" / "generate_video.asl.json").read_text())["States"]
WORKER_SECONDS: dict[str, Any] = tomllib.loads((ROOT / "docs" / "prices.toml").read_text())["assumed"]["worker_seconds"]
STILL = CameraMove(keyframes=(Keyframe(at=0),))
every_stage = pytest.mark.parametrize("stage", Stage)


def lacking(found: Iterable[str], names: Iterable[str]) -> str:
    """Return the names that are not in `found`, separated by commas."""
    return ", ".join(sorted(set(names) - set(found)))


def test_every_stage_has_an_entry_in_the_stage_table() -> None:
    assert lacking(STAGES, Stage) == "", "shared/stages/stages.py: STAGES lacks a stage"


def test_every_stage_has_a_request_builder() -> None:
    assert lacking(BUILDERS, Stage) == "", "functions/pipeline/requests.py: BUILDERS lacks a stage"


def test_every_stage_has_a_state() -> None:
    states = [stage.state for stage in Stage]
    assert lacking(STATES, states) == "", "stepfunctions/generate_video.asl.json lacks a stage's state"


def test_every_stage_has_an_engine_folder() -> None:
    folders = {path.parent.name for path in (ROOT / "workers" / "engines").glob("*/__init__.py")}
    assert lacking(folders, [stage.folder for stage in Stage]) == "", "workers/engines lacks a stage's folder"


def test_every_stage_has_an_in_process_engine() -> None:
    stages = {entry.stage for entry in ENGINES if entry.runs is Runs.IN_PROCESS}
    assert lacking(stages, Stage) == "", "shared/stages/engines.py: ENGINES lacks an in-process engine of a stage"


def test_a_job_has_a_step_map_for_every_stage() -> None:
    assert set(StepsMap.get_attributes()) == {stage.folder for stage in Stage}
    letters = [attribute.attr_name for attribute in StepsMap.get_attributes().values()]
    assert len(set(letters)) == len(Stage), (
        "two stages have the same first letter, which is the stored name of their steps"
    )


def test_the_assumed_seconds_of_work_name_stages_only() -> None:
    """A stage without an entry uses the default."""
    assert lacking([*Stage, "default"], WORKER_SECONDS) == "", "docs/prices.toml: no such stage"
    assert WORKER_SECONDS["default"] > 0


@every_stage
def test_some_job_has_a_step_of_the_stage(stage: Stage) -> None:
    spec = STAGES[stage]
    inputs = frozenset({spec.only_with} if spec.only_with else ())
    assert stage in plan(JobSettings(), STILL, inputs, ENGINES, prompt="a lake", at=utc_now()).engines


@every_stage
def test_its_main_output_is_always_made(stage: Stage) -> None:
    spec = STAGES[stage]
    assert spec.main in spec.produces
    assert not spec.produces & spec.on_request


@every_stage
def test_its_request_names_a_file_for_each_role_that_it_consumes(stage: Stage) -> None:
    assert roles_of(STAGES[stage].request) == STAGES[stage].consumes


def roles_of(request: type[StageRequest]) -> set[Role]:
    """Return the roles of the request's `..._url` fields, which have `image` for picture and `video` for clip."""
    called = {"image": Role.PICTURE, "video": Role.CLIP}
    names = [name.removesuffix("_url") for name in request.model_fields if name.endswith("_url")]
    return {called[name] if name in called else Role(name) for name in names}
