"""The operations of post-processing, and the refusal of invalid ones before any work."""

import pytest

from functions.jobs.plan import plan
from shared.camera.move import CameraMove, Keyframe
from shared.core.clock import utc_now
from shared.core.errors import Invalid
from shared.jobs.spec import JobSettings
from shared.stages.engines import ENGINES
from shared.stages.failures import StageFailure
from shared.stages.operations import OPERATIONS, final_size, parse
from workers.media.looks import LOOKS

STILL = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1)))


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_bare_name_means_its_default_and_every_choice_is_parsed(name: str) -> None:
    kind = OPERATIONS[name]
    assert parse([name])[name].choice == kind.default
    for choice in kind.choices:
        [operation] = parse([f" {name.upper()}:{choice} "]).values()
        assert parse([str(operation)]) == {name: operation}


@pytest.mark.parametrize(
    ("requested", "code", "named"),
    [
        (["explode"], "operation_unknown", "stabilise"),
        ([""], "operation_unknown", "stabilise"),
        (["grade:sepia"], "operation_unknown", "noir"),
        (["grain:0.5"], "operation_unknown", "light"),
        (["av1:no"], "operation_unknown", "yes"),
        (["grade:noir", "grade:vivid"], "operation_repeated", "grade"),
    ],
)
def test_an_invalid_operation_fails_and_names_a_valid_word(requested: list[str], code: str, named: str) -> None:
    with pytest.raises(StageFailure) as failure:
        parse(requested)
    assert (failure.value.code, failure.value.retryable) == (code, False)
    assert named in failure.value.public_message


def test_upscaling_multiplies_the_size_up_to_4k() -> None:
    assert final_size(1921, 1080, {}) == (1920, 1080)
    assert final_size(1920, 1080, parse(["upscale:2"])) == (3840, 2160)
    with pytest.raises(StageFailure, match="upscale_too_large"):
        final_size(1920, 1080, parse(["upscale:4"]))
    with pytest.raises(StageFailure, match="upscale_too_large"):
        final_size(2520, 1080, parse(["upscale:2"]))


@pytest.mark.parametrize("requested", [("explode",), ("grade", "grade:noir"), ("upscale:4",)])
def test_a_job_with_invalid_operations_is_refused_by_the_plan(requested: tuple[str, ...]) -> None:
    plan(JobSettings(operations=("upscale:2", "grade")), STILL, frozenset(), ENGINES, prompt="a lake", at=utc_now())
    with pytest.raises(Invalid):
        plan(JobSettings(operations=requested), STILL, frozenset(), ENGINES, prompt="a lake", at=utc_now())


def test_every_grade_choice_is_a_look() -> None:
    assert OPERATIONS["grade"].choices == tuple(LOOKS)
