"""The table of engines: its order, and the engines that an operator may allow by default."""

import json
from dataclasses import replace
from math import floor

import pytest

from local.environment import ROOT
from shared.stages.choice import default_engines, in_order, row_of
from shared.stages.engines import ALL_ENGINES, catalogue, engine
from shared.stages.stages import Stage

PAINT, MOVE = Stage.IMAGE_GENERATION, Stage.VIDEO_SYNTHESIS


def names(stage: Stage) -> list[str]:
    return [entry.name for entry in in_order(ALL_ENGINES) if entry.stage is stage]


def test_the_lowest_published_score_is_the_score_of_the_row() -> None:
    scores = json.loads((ROOT / "docs/motion.json").read_text())["scores"]
    lowest = min(score for each in scores.values() for score in each)
    assert engine(MOVE, "parallax").motion_score == floor(lowest * 100) / 100


def test_a_row_has_a_score_only_with_the_page_on_which_it_is_published() -> None:
    for entry in ALL_ENGINES:
        assert (entry.motion_score is None) == (entry.motion_source is None), entry.name
        assert entry.motion_source is None or (ROOT / entry.motion_source).is_file()


def test_a_measured_score_comes_before_a_low_price_and_none_comes_last() -> None:
    measured = engine(MOVE, "parallax")
    dear = replace(measured, name="dear", credits=90, trained=True)
    worse = replace(measured, name="worse", motion_score=0.5, credits=1, trained=True)
    cheap = replace(measured, name="cheap", motion_score=None, credits=1)
    assert in_order([cheap, worse, dear]) == [dear, worse, cheap]
    assert names(MOVE)[0] == "parallax"


def test_pictures_of_models_come_before_the_painter_and_cheap_ones_first() -> None:
    assert names(PAINT) == [
        "flux2-klein", "sdxl", "stability-core", "luma-uni",
        "flux-pro", "openai-image", "stability-ultra", "procedural",
    ]  # fmt: skip
    here = [entry.name for entry in in_order(catalogue(("sdxl",))) if entry.stage is PAINT]
    assert here[0] == "sdxl", "the table has the same order in each deployment"


def test_rows_are_numbered_by_stage_and_an_engine_that_copies_a_performance_has_none() -> None:
    assert [row_of(engine(PAINT, name)) for name in names(PAINT)] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert row_of(engine(Stage.MOTION_TRANSFER, "transfer")) == 1
    assert row_of(engine(Stage.MOTION_TRANSFER, "runway-act-two")) is None
    assert row_of(engine(Stage.MOTION_TRANSFER, "vace")) is None


@pytest.mark.parametrize("name", ["nothing", "procedural", "wan", "runway-act-two"])
def test_only_engines_of_providers_that_have_a_row_can_be_allowed_by_default(name: str) -> None:
    assert default_engines(("flux-pro",)) == {"flux-pro"}
    with pytest.raises(ValueError, match=name):
        default_engines(("flux-pro", name))
