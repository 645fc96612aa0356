"""Idempotency-Key: a request sent twice has one effect and one answer (I7)."""

import json
from datetime import datetime, timedelta

import pytest
from pydantic import BaseModel

from shared.aws.transactions import Transaction
from shared.core.errors import Conflict
from shared.credits.store import credits
from shared.idempotency import once
from shared.idempotency.record import IdempotencyRecord
from shared.idempotency.store import IdempotencyStore
from tests.support.studio import Answer, Creator, Studio

JOB, PROJECT, UPLOAD = "/api/jobs", "/api/projects", "/api/assets/upload"


def body(path: str, project: str, **changed: object) -> dict[str, object]:
    sent: dict[str, dict[str, object]] = {
        JOB: {"projectId": project, "prompt": "a lighthouse"},
        PROJECT: {"name": "Harbour"},
        UPLOAD: {"name": "me.png", "type": "IMAGE", "contentType": "image/png", "size": 10},
    }
    return sent[path] | changed


def count(ada: Creator, path: str) -> int:
    return len(ada.list(path.removesuffix("/upload")))


@pytest.mark.parametrize("path", [JOB, PROJECT, UPLOAD])
def test_the_same_request_twice_has_one_effect_and_the_same_answer(studio: Studio, ada: Creator, path: str) -> None:
    sent = body(path, ada.project())
    first = ada.post(path, sent, key="k")
    before, effects = studio.dump(), count(ada, path)
    second = ada.post(path, sent, key="k")
    assert (second.status, second.body) == (first.status, first.body)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert studio.dump() == before
    assert count(ada, path) == effects


@pytest.mark.parametrize("path", [JOB, PROJECT, UPLOAD])
def test_without_a_key_each_request_has_its_effect(ada: Creator, path: str) -> None:
    sent = body(path, ada.project())
    assert ada.post(path, sent).body != ada.post(path, sent).body


@pytest.mark.parametrize(
    ("path", "changed"), [(JOB, {"prompt": "a ship"}), (PROJECT, {"name": "B"}), (UPLOAD, {"size": 9})]
)
def test_a_key_used_with_another_body_is_refused(
    studio: Studio, ada: Creator, path: str, changed: dict[str, object]
) -> None:
    project = ada.project()
    ada.post(path, body(path, project), key="k")
    before = studio.dump()
    answer = ada.post(path, body(path, project, **changed), key="k")
    assert (answer.status, answer.body["code"]) == (422, "idempotency_key_reused")
    assert studio.dump() == before


def test_a_key_belongs_to_its_user(ada: Creator, eve: Creator) -> None:
    assert ada.post(PROJECT, {"name": "Harbour"}, key="k").body != eve.post(PROJECT, {"name": "Harbour"}, key="k").body
    assert count(eve, PROJECT) == 1


def test_a_key_belongs_to_its_route(ada: Creator) -> None:
    project = ada.post(PROJECT, {"name": "Harbour"}, key="k").body["id"]
    assert ada.post(JOB, body(JOB, project), key="k").status == 202


def test_ids_with_the_separator_do_not_collide(studio: Studio, ada: Creator) -> None:
    """An id that contains the separator must not produce the key of another request."""
    ada.post(PROJECT, {"name": "Harbour"}, key="a#b")
    assert ada.post(PROJECT, {"name": "Harbour"}, key="a").headers.get("idempotent-replayed") is None


class Late(IdempotencyStore):
    """A store whose first read finds no answer, as if it ran before the first request's write."""

    reads = 0

    def answer(self, request_key: str, body_hash: str, *, at: datetime) -> IdempotencyRecord | None:
        self.reads += 1
        return None if self.reads == 1 else super().answer(request_key, body_hash, at=at)


def test_a_duplicate_that_read_before_the_first_write_gets_the_same_answer(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither request found a recorded answer. The condition of the transaction detects the second one."""
    project = ada.project()
    first = ada.post(JOB, body(JOB, project), key="k")
    before, executions = studio.dump(), studio.cloud.calls.count("StartExecution")

    late = Late()
    monkeypatch.setattr(once, "answers", late)
    second = ada.post(JOB, body(JOB, project), key="k")
    assert late.reads == 2
    assert (second.status, second.body) == (first.status, first.body)
    assert studio.dump() == before
    assert studio.cloud.calls.count("StartExecution") == executions


def test_a_duplicate_without_credits_gets_the_same_answer(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credits suffice for one job. The second transaction fails twice; the recorded answer takes precedence."""
    poor = studio.arrive("poor@example.com", credits=6)
    project = poor.project()
    first = poor.post(JOB, body(JOB, project), key="k")
    assert credits.account(poor.user_id).available == 0
    monkeypatch.setattr(once, "answers", Late())
    second = poor.post(JOB, body(JOB, project), key="k")
    assert (second.status, second.body) == (first.status, first.body)


def test_a_refused_request_does_not_use_up_its_key(studio: Studio) -> None:
    poor = studio.arrive("poor@example.com", credits=6)
    project = poor.project()
    assert poor.post(JOB, body(JOB, "prj_unknown"), key="k").status == 404
    assert poor.post(JOB, body(JOB, project), key="k").status == 202


def test_a_key_expires_after_a_day(ada: Creator) -> None:
    """DynamoDB may delete expired items days later."""

    def send(days: float) -> Answer:
        """Send the request as if `days` had passed: age every earlier answer by that time."""
        for stored in ada.studio.dump()["kinora-test-idempotency"]:
            known = IdempotencyRecord.get(json.loads(stored)["Attributes"]["request_key"]["S"])
            known.update(actions=[IdempotencyRecord.expires_at.set(known.expires_at - timedelta(days=days))])
        return ada.post(PROJECT, {"name": "Harbour"}, key="k")

    first, within, later = send(0), send(0.99), send(0.02)
    assert within.body == first.body
    assert later.body != first.body
    assert later.status == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129, "é", "a\tb"])
def test_keys_are_short_and_printable(ada: Creator, key: str) -> None:
    answer = ada.studio.call("POST", PROJECT, {"name": "Harbour"}, token=ada.token, headers={"idempotency-key": key})
    assert (answer.status, answer.body["code"]) == (422, "invalid")


class NumberView(BaseModel):
    number: int


def test_an_effect_without_http_and_its_actions_happen_once(studio: Studio) -> None:
    """An event id of a webhook is such a key."""
    done: list[str] = []

    def effect(tx: Transaction) -> NumberView:
        done.append("written")
        tx.after_commit(lambda: done.append("followed"))
        return NumberView(number=len(done))

    one = once.OneEffect("evt_1", "hash")
    assert one.run(effect) == once.OnceResult('{"number":1}', replayed=False)
    assert one.run(effect) == once.OnceResult('{"number":1}', replayed=True)
    assert done == ["written", "followed"]


def test_a_repetition_whose_effect_is_refused_gets_the_answer_of_the_request_that_was_faster() -> None:
    """The first request commits after the repetition has looked for its answer, and changes what is allowed."""
    one = once.OneEffect("evt_1", "hash")

    def refused(_: Transaction) -> NumberView:
        assert not once.OneEffect("evt_1", "hash").run(lambda _: NumberView(number=1)).replayed
        raise Conflict("This is not allowed any more.")

    assert one.run(refused) == once.OnceResult('{"number":1}', replayed=True)
    with pytest.raises(Conflict):
        once.OneEffect("evt_2", "hash").run(_never)


def _never(_: Transaction) -> NumberView:
    raise Conflict("This is not allowed.")


def test_a_repeated_request_gets_its_first_answer_after_the_resource_was_deleted(ada: Creator) -> None:
    first = ada.post(PROJECT, body(PROJECT, ""), key="k")
    ada.delete(f"{PROJECT}/{first.body['id']}")
    second = ada.post(PROJECT, body(PROJECT, ""), key="k")
    assert (second.status, second.body) == (201, first.body)
    assert ada.get(f"{PROJECT}/{first.body['id']}").status == 404
