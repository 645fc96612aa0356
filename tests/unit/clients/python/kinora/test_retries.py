from datetime import UTC, datetime

import httpx
import pytest

from clients.python.kinora.retries import Tries, retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def tries(method: str = "POST", *, repeatable: bool = True, retries: int = 3) -> Tries:
    return Tries(method, repeatable=repeatable, max_retries=retries)


@pytest.mark.parametrize(("text", "seconds"), [
    ("7", 7), ("0.5", 0.5), ("-3", 0), ("Sun, 01 Mar 2026 12:00:30 GMT", 30), ("soon", None), ("", None),
])  # fmt: skip
def test_retry_after_has_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


def test_waits_grow_and_retry_after_is_the_least() -> None:
    three = tries()
    waits = [three.after(httpx.Response(503)) for _ in range(4)]
    assert [wait is not None and top / 2 <= wait <= top for wait, top in zip(waits[:3], (0.5, 1, 2), strict=True)] == [
        True
    ] * 3
    assert waits[3] is None
    assert tries().after(httpx.Response(429, headers={"retry-after": "9"})) == 9


def test_a_wait_of_an_hour_is_the_callers_decision() -> None:
    assert tries().after(httpx.Response(429, headers={"retry-after": "3600"})) is None


def test_a_post_without_a_key_is_sent_again_only_if_nothing_happened() -> None:
    assert tries(repeatable=False).after_error(httpx.ReadError("cut")) is None
    assert tries(repeatable=False).after(httpx.Response(502)) is None
    assert tries(repeatable=False).after_error(httpx.ConnectError("refused")) is not None
    assert tries(repeatable=False).after(httpx.Response(429)) is not None


@pytest.mark.parametrize("status", [400, 401, 402, 404, 409, 422])
def test_a_refusal_is_not_sent_again(status: int) -> None:
    assert tries().after(httpx.Response(status)) is None


def test_a_second_delete_recognizes_the_first_one() -> None:
    deletion = tries("DELETE")
    missing = httpx.Response(404)
    assert not deletion.succeeded(missing)
    deletion.after_error(httpx.ReadError("cut"))
    assert deletion.succeeded(missing)
