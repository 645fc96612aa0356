import pytest

from clients.python.kinora.allowance import Allowance, AllowanceUsedUp


def test_a_film_above_what_is_left_is_refused_and_takes_nothing() -> None:
    allowance = Allowance(10)
    allowance.take(6)
    with pytest.raises(AllowanceUsedUp, match="5 credits, and 4 of the 10"):
        allowance.take(5)
    allowance.take(4)
    assert allowance.spent == 10


def test_a_film_that_failed_gives_its_credits_back_once() -> None:
    allowance = Allowance(10)
    allowance.take(6)
    allowance.submitted("job_1", 6)
    allowance.not_charged("job_1")
    allowance.not_charged("job_1")
    assert allowance.spent == 0
    allowance.not_charged("job_2")  # of another process
    assert allowance.spent == 0
