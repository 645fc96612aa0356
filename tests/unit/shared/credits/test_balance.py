"""The arithmetic of credits: nothing is lost, nothing is negative, and each change has an entry."""

from hypothesis import given
from hypothesis import strategies as st

from shared.core.clock import utc_now
from shared.credits.balance import Balance, Movement

AMOUNTS = st.integers(0, 5000)
BALANCES = st.builds(Balance, available=AMOUNTS, held=AMOUNTS, lasting=AMOUNTS, owed=st.just(0))


def moved(credits: int, *, lasting: bool = False, keeps: int | None = None) -> Movement:
    return Movement(operation_id="op", at=utc_now(), credits=credits, reason="x", lasting=lasting, keeps=keeps)


MOVEMENTS = st.builds(
    moved, st.integers(-5000, 5000), lasting=st.booleans(), keeps=st.none() | st.integers(0, 3000)
)  # fmt: skip


@given(BALANCES, st.lists(MOVEMENTS, max_size=8))
def test_entries_explain_the_balance_and_nothing_is_negative(balance: Balance, movements: list[Movement]) -> None:
    first, total = balance, 0
    for movement in movements:
        balance, entries = balance.after(movement)
        total += sum(entry.credits for entry in entries)
        assert len({entry.operation_id for entry in entries}) == len(entries)
        assert min(balance.available, balance.lasting, balance.owed) >= 0
        assert balance.lasting <= balance.available + balance.held
        assert not (balance.available and balance.owed), "available credits pay what is owed"
    assert (balance.available + balance.held, balance.held) == (first.available + first.held + total, first.held)


def test_what_is_spent_is_owed() -> None:
    balance, entries = Balance(30, 5, 0, 0).after(moved(-100))
    assert (balance, [entry.credits for entry in entries]) == (Balance(0, 5, 0, 70), [-30])
    balance, entries = balance.after(moved(50, lasting=True))
    assert (balance, [entry.credits for entry in entries]) == (Balance(0, 5, 5, 20), [50, -50])


def test_a_renewal_keeps_unspent_monthly_credits_up_to_its_limit_and_all_lasting_ones() -> None:
    balance, entries = Balance(900, 100, 300, 0).after(moved(500, keeps=200))
    assert [entry.credits for entry in entries] == [-500, 500]
    assert balance == Balance(900, 100, 300, 0)


def test_jobs_spend_monthly_credits_first() -> None:
    after_spending = Balance(250, 0, 300, 0)  # of 300 lasting and some monthly ones
    balance, _ = after_spending.after(moved(500, keeps=0))
    assert balance == Balance(750, 0, 250, 0)
