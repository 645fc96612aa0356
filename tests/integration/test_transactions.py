"""Actions after a commit: `tx.after_commit`."""

import io

import pytest

from shared.aws.transactions import Transaction, transaction
from shared.core.clock import utc_now
from shared.core.errors import Conflict
from shared.users.store import users
from tests.support.studio import Studio


def create(user_id: str, tx: Transaction) -> None:
    users.create(user_id, email=f"{user_id}@example.com", name=None, at=utc_now(), tx=tx)


def test_actions_run_after_the_commit_in_order(studio: Studio) -> None:
    seen: list[str] = []
    with transaction() as tx:
        tx.after_commit(lambda: seen.append(users.get("usr_1").user_id))
        tx.after_commit(lambda: seen.append("second"))
        create("usr_1", tx)
        assert seen == []
    assert seen == ["usr_1", "second"]


def test_no_action_runs_when_the_transaction_fails(studio: Studio) -> None:
    seen: list[str] = []
    with transaction() as tx:
        create("usr_1", tx)
    tx = Transaction()
    create("usr_1", tx)
    tx.after_commit(lambda: seen.append("ran"))
    with pytest.raises(Conflict):
        tx.commit()
    assert seen == []


def test_an_action_that_fails_hides_neither_the_write_nor_the_next_action(studio: Studio, logged: io.StringIO) -> None:
    seen: list[str] = []

    def fail() -> None:
        raise RuntimeError("storage is down")

    with transaction() as tx:
        create("usr_1", tx)
        tx.after_commit(fail)
        tx.after_commit(lambda: seen.append("second"))
    assert users.get("usr_1").email == "usr_1@example.com"
    assert seen == ["second"]
    assert "action after commit failed" in logged.getvalue()
