"""The verbs and stores of jobs follow a model, in any order of operations (I1 to I5)."""

import pytest

from tests.support.life import tokens_honoured
from tests.support.machine import run_machine
from tests.support.studio import Studio


def test_jobs_follow_the_model_after_any_operations(studio: Studio) -> None:
    with tokens_honoured():
        run_machine(studio)


@pytest.mark.slow
def test_jobs_follow_the_model_after_many_operations(studio: Studio) -> None:
    with tokens_honoured():
        run_machine(studio, examples=20)
