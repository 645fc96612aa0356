"""The order of the lanes, and the limits of the plans."""

from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.admission import order_of_lanes
from shared.slots.store import Lane
from shared.subscriptions.plans import PLANS
from shared.subscriptions.record import PlanType


def test_every_plan_has_limits() -> None:
    assert PLANS.keys() == set(PlanType)


@given(most=st.integers(1, 200), paid_first=st.integers(0, 200), ends=st.lists(st.booleans(), max_size=400))
def test_with_both_lanes_full_free_accounts_reach_their_share_and_no_more(
    most: int, paid_first: int, ends: list[bool]
) -> None:
    """Each end is of a FREE job (True) or a paid job. Each lane always has a waiting job."""
    held = [Lane.PAID] * min(paid_first, most)
    share = max(1, most // 5)
    for free_ends in [None] * (most - len(held)) + ends:
        if free_ends is not None:
            ended = Lane.FREE if free_ends else Lane.PAID
            held.remove(ended if ended in held else held[0])
        free = held.count(Lane.FREE)
        held.append(order_of_lanes(free, most)[0])
        assert held.count(Lane.FREE) == min(free + 1, max(share, free))
        assert len(held) <= most
