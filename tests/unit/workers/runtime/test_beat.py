"""The times at which a beat writes: often enough for lease and progress bar, with few writes because each one costs."""

from itertools import pairwise

import pytest

from tools.job_flow import written_at
from workers.runtime.beat import write_due
from workers.runtime.config import WorkerConfig

CONFIG = WorkerConfig()


def test_a_lease_outlives_three_missed_beats() -> None:
    assert CONFIG.lease_seconds >= 3 * CONFIG.beat_seconds


@pytest.mark.parametrize("takes_seconds", [0.5, 5, 20, 60, 3600])
def test_a_lease_is_renewed_at_least_once_a_beat(takes_seconds: float) -> None:
    moments = [0.0, *(seconds for seconds, _ in written_at(takes_seconds, CONFIG)), takes_seconds]
    assert max(later - earlier for earlier, later in pairwise(moments)) <= CONFIG.beat_seconds


def test_a_renewal_just_written_with_progress_is_not_written_again() -> None:
    assert not write_due(0.25, 0, CONFIG)
    assert not write_due(CONFIG.progress_seconds, CONFIG.progress_percent - 1, CONFIG)
    assert not write_due(CONFIG.progress_seconds - 0.25, 100, CONFIG), "progress alone does not shorten the interval"
    assert write_due(CONFIG.progress_seconds, CONFIG.progress_percent, CONFIG)
    assert write_due(CONFIG.beat_seconds, 0, CONFIG)


def test_a_step_of_twenty_seconds_shows_its_progress() -> None:
    """A bar must move at least every 5 s, with the lease. More frequent writes cost more and show little more."""
    shown = written_at(20, CONFIG)
    assert len(shown) >= 3
    assert all(later - earlier <= 5 for (earlier, _), (later, _) in pairwise(shown))


def test_a_step_of_five_seconds_shows_its_progress_once() -> None:
    assert len(written_at(5, CONFIG)) == 1
