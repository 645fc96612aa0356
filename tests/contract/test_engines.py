"""Every engine of the catalogue can be loaded and follows the contract of engines."""

import inspect
from importlib import import_module
from typing import Any, get_args, get_type_hints

import pytest

from local.environment import ROOT
from shared.camera.move import Pose
from shared.jobs.spec import JobInput
from shared.stages.engines import ALL_ENGINES, ENGINES, GPU_ENGINES, Engine, Family, Runs, catalogue, engine
from shared.stages.failures import StageFailure
from shared.stages.stages import STAGES, Role, Stage
from shared.stages.weights import WEIGHTS
from tools.engine_page import CONTRACT
from workers.engines.contract import Answered, Finished, Pending, StageResult, Workspace

ENGINE_FOLDERS = ROOT / "workers" / "engines"
every_engine = pytest.mark.parametrize("entry", ALL_ENGINES, ids=lambda entry: entry.name)


@every_engine
def test_its_code_follows_the_contract(entry: Engine) -> None:
    module, _, name = entry.code.partition(":")
    assert module.startswith(f"workers.engines.{entry.stage.folder}.")
    code: Any = getattr(import_module(module), name)
    made: Any = code(entry) if entry.runs is Runs.REMOTE else code()
    if entry.runs is Runs.REMOTE:
        submit = get_type_hints(made.submit)
        assert submit["request"] is STAGES[entry.stage].request
        assert submit["return"] in {str, Answered}
        assert get_type_hints(made.poll)["return"] == Pending | Finished
        assert callable(made.fetch)
        assert callable(made.cancel)
        return
    run = get_type_hints(made.run)
    assert (run["request"], run["workspace"], run["return"]) == (STAGES[entry.stage].request, Workspace, StageResult)
    assert list(inspect.signature(made.load).parameters) == []


@every_engine
def test_its_entry_is_consistent(entry: Engine) -> None:
    assert entry.about.endswith(".")
    assert entry.credits > 0
    assert entry.credits_per_second >= 0
    assert (entry.key is not None) is (entry.runs is Runs.REMOTE), "a remote engine needs a provider key"
    assert entry.axes <= set(Pose._fields)
    assert (entry.weights is not None) is (entry.family is Family.CUDA_DIFFUSERS)
    assert entry.weights is None or entry.weights in WEIGHTS
    assert (entry.deprecated_at is None) is (entry.sunset_at is None), "creators get a notice before a shutdown"
    assert entry.deprecated_at is None or entry.sunset_at is None or entry.deprecated_at <= entry.sunset_at
    assert engine(entry.stage, entry.name) is entry
    if entry.fallback is not None:
        assert entry.runs in {engine(entry.stage, entry.fallback).runs, Runs.REMOTE}, (
            "a fallback must not send media out"
        )


def test_every_stage_has_an_in_process_engine_and_engine_names_are_unique() -> None:
    assert {entry.stage for entry in ENGINES if entry.runs is Runs.IN_PROCESS} == set(Stage)
    assert len({(entry.stage, entry.name) for entry in ALL_ENGINES}) == len(ALL_ENGINES)


def test_a_deployment_has_only_the_gpu_engines_that_it_names() -> None:
    assert not set(ENGINES) & set(GPU_ENGINES)
    assert {entry.name for entry in catalogue(("wan", "sdxl"))} == {"wan", "sdxl"} | {entry.name for entry in ENGINES}
    with pytest.raises(ValueError, match="nothing"):
        catalogue(("nothing",))


def test_every_module_of_an_engine_folder_is_in_the_catalogue() -> None:
    modules = {f"workers.engines.{path.parent.name}.{path.stem}" for path in ENGINE_FOLDERS.glob("*/[!_]*.py")}
    listed = {entry.code.partition(":")[0] for entry in ALL_ENGINES}
    assert sorted(modules - listed) == [], "shared/stages/engines.py has no entry for these modules"


def test_an_unknown_engine_is_a_final_failure() -> None:
    with pytest.raises(StageFailure) as failed:
        engine(Stage.IMAGE_GENERATION, "finish")
    assert failed.value.code == "engine_unknown"


def test_every_input_of_a_stage_comes_from_an_earlier_stage_or_the_creator() -> None:
    available = set(get_args(JobInput.model_fields["role"].annotation)) - {Role.PICTURE}
    for stage, spec in STAGES.items():
        assert spec.consumes <= available, stage
        available |= spec.produces | spec.on_request


def test_each_stage_has_one_spelling() -> None:
    assert [(s.value, s.folder, s.queue, s.state, s.key) for s in Stage][1] == (
        "VIDEO_SYNTHESIS", "video_synthesis", "video-synthesis", "VideoSynthesis", "videoSynthesis",
    )  # fmt: skip
    for stage in Stage:
        assert import_module(f"workers.engines.{stage.folder}")


@pytest.mark.parametrize("test", sorted({test for _, _, test in CONTRACT}))
def test_the_page_names_tests_that_exist(test: str) -> None:
    assert [path for path in (ROOT / "tests").rglob("test_*.py") if f"\ndef {test}(" in path.read_text()] != []
