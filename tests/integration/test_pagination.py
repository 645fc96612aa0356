"""Cursors: what they open, and what they refuse."""

import pytest

from shared.aws import secrets
from tests.support.studio import Creator, Studio


@pytest.fixture
def cursor(ada: Creator) -> str:
    """The place after the newest of Ada's three projects."""
    for name in ("one", "two", "three"):
        ada.project(name)
    return str(ada.get("/api/projects", limit="1").body["nextCursor"])


def status(creator: Creator, path: str, **query: str) -> tuple[int, str | None]:
    answer = creator.get(path, **query)
    return answer.status, answer.body.get("code")


def test_a_cursor_opens_the_rest_of_its_list(ada: Creator, cursor: str) -> None:
    assert [one["name"] for one in ada.list("/api/projects", cursor=cursor)] == ["two", "one"]


def test_a_cursor_is_refused_for_another_caller_list_and_filter(ada: Creator, eve: Creator, cursor: str) -> None:
    organization, refused = ada.organization(), (422, "bad_cursor")
    assert status(eve, "/api/projects", cursor=cursor) == refused
    assert status(ada, "/api/assets", cursor=cursor) == refused
    assert status(ada, "/api/projects", cursor=cursor, organizationId=organization) == refused


def test_a_changed_cursor_is_refused(ada: Creator, cursor: str) -> None:
    position, _, signature = cursor.rpartition(".")
    for changed in (position, f"{position}.", f"x{cursor}", f"{position[:-1]}.{signature}", f"{cursor}x", "null", "."):
        assert status(ada, "/api/projects", cursor=changed) == (422, "bad_cursor"), changed


def test_a_cursor_works_until_its_key_has_been_rotated_twice(
    ada: Creator, cursor: str, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = secrets.secret("cursor-key")
    for keys, code in (
        (f"{'33' * 32} {'44' * 32} {key}", None),
        (f"{'44' * 32} {'55' * 32} {'33' * 32}", "bad_cursor"),
    ):
        monkeypatch.setattr("shared.rest.pagination.secret", lambda _, keys=keys: keys)
        assert status(ada, "/api/projects", cursor=cursor)[1] == code


def test_a_new_item_is_not_on_the_next_page(ada: Creator, cursor: str) -> None:
    """Pages go back in time, so nothing is repeated."""
    ada.project("four")
    assert [one["name"] for one in ada.list("/api/projects", cursor=cursor)] == ["two", "one"]
