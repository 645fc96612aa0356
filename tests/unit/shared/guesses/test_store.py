"""The delay of guesses."""

from datetime import timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from shared.guesses.store import Delay

DELAYS = st.builds(Delay, free=st.integers(0, 100), longest=st.timedeltas(timedelta(0), timedelta(days=1)))


@given(DELAYS, st.integers(0, 10**6))
def test_a_delay_grows_up_to_its_maximum(delay: Delay, failures: int) -> None:
    assert timedelta(0) <= delay.after(failures) <= delay.after(failures + 1) <= delay.longest
    assert delay.after(min(failures, delay.free)) == timedelta(0)


@given(DELAYS.filter(lambda delay: delay.longest >= timedelta(seconds=1)), st.floats(0, 86_400))
def test_guesses_within_a_time_are_bounded(delay: Delay, seconds: float) -> None:
    """A client that tries again at the end of each delay makes the free guesses, the doubling ones, and then few."""
    longest, at = delay.longest.total_seconds(), 0.0
    for guesses in count(1):
        at += delay.after(guesses).total_seconds()
        if at > seconds:
            break
    assert guesses <= delay.free + 1 + _doublings(longest) + seconds / longest + 1


def _doublings(seconds: float) -> int:
    """Return the number of delays below this one."""
    return max(0, int(seconds)).bit_length()
