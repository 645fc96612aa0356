"""Public links to films through the real handlers."""

import json

import pytest

from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.shares import store
from shared.shares.record import ShareRecord
from tests.support.steps import complete_steps
from tests.support.studio import Answer, Creator, Studio

SHARES = "/api/shares"


@pytest.fixture
def film(ada: Creator) -> str:
    """The id of a job with a film."""
    job = str(ada.job(ada.project())["id"])
    settlement.complete(complete_steps(job), at=utc_now())
    return job


def shared(creator: Creator, job: str) -> Answer:
    return creator.post(SHARES, {"jobId": job, "title": "Harbour at night"})


def visit(studio: Studio, share: str) -> Answer:
    return studio.call("GET", f"{SHARES}/{share}")


@pytest.mark.endpoint("POST /api/shares", "GET /api/shares", "GET /api/shares/{share_id}")
def test_a_visitor_sees_the_film_and_nothing_of_the_account(studio: Studio, ada: Creator, film: str) -> None:
    made = shared(ada, film)
    assert (made.status, made.body["jobId"], made.body["title"]) == (201, film, "Harbour at night")
    assert made.body["url"].endswith(f"/share?id={made.body['id']}")  # a page of the studio
    seen = visit(studio, made.body["id"])
    assert set(seen.body) == {"title", "videoUrl", "posterUrl", "thumbnailUrl", "createdAt"}
    assert f"/jobs/{film}/post_processing/" in seen.body["videoUrl"]
    text = json.dumps(seen.body)
    project = ada.get(f"/api/jobs/{film}").body["projectId"]
    assert not any(known in text for known in (ada.user_id, project, "ada@example.com", "lighthouse"))
    assert [share["id"] for share in ada.list(SHARES, jobId=film)] == [made.body["id"]]


@pytest.mark.endpoint("DELETE /api/shares/{share_id}")
def test_a_deleted_link_shows_nothing(studio: Studio, ada: Creator, eve: Creator, film: str) -> None:
    first, second = (shared(ada, film).body["id"] for _ in range(2))
    refused = eve.delete(f"{SHARES}/{first}")
    assert (refused.status, refused.body["code"]) == (404, "share_not_found")
    assert ada.delete(f"{SHARES}/{first}").status == 204
    assert [visit(studio, share).status for share in (first, second)] == [404, 200]
    assert visit(studio, "shr_unknown").body == visit(studio, first).body


def test_a_link_ends_with_its_job(studio: Studio, ada: Creator, film: str) -> None:
    share = shared(ada, film).body["id"]
    assert ada.delete(f"/api/jobs/{film}").status == 204
    assert visit(studio, share).status == 404
    assert studio.dump()["kinora-test-shares"] == []


def test_a_job_without_a_paid_film_cannot_be_shared(studio: Studio, ada: Creator, eve: Creator, film: str) -> None:
    job = ada.job(ada.project())["id"]
    for made in range(2):
        before = studio.dump()
        assert shared(ada, job).body["code"] == "nothing_to_share"
        assert studio.dump() == before
        if not made:
            complete_steps(job)
    assert shared(eve, film).body["code"] == "job_not_found"


@pytest.mark.endpoint("POST /api/shares/{share_id}/takedown")
def test_an_admin_takes_a_film_down(studio: Studio, ada: Creator, eve: Creator, film: str) -> None:
    first, second = (shared(ada, film).body["id"] for _ in range(2))
    assert eve.post(f"{SHARES}/{first}/takedown").status == 403
    eve.operate()
    assert eve.post(f"{SHARES}/{first}/takedown").status == 204
    assert [visit(studio, share).status for share in (first, second)] == [404, 404]
    assert shared(ada, film).body["code"] == "film_taken_down"
    assert ada.delete(f"{SHARES}/{first}").body["code"] == "film_taken_down"
    assert {share["takenDown"] for share in ada.list(SHARES, jobId=film)} == {True}
    assert ada.get(f"/api/jobs/{film}").status == 200
    assert eve.post(f"{SHARES}/shr_unknown/takedown").status == 404


def test_a_link_that_is_made_during_a_takedown_shows_nothing(studio: Studio, ada: Creator, film: str) -> None:
    """The index can show a takedown later than a new link."""
    first = shared(ada, film).body["id"]
    late = store.shares.create(film, title="Late", at=utc_now()).share_id
    ShareRecord(first).update([ShareRecord.taken_down.set(True)])
    assert [visit(studio, share).status for share in (first, late)] == [404, 404]


def test_a_film_has_a_number_of_links(ada: Creator, film: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_SHARES", 1)
    assert [shared(ada, film).status for _ in range(2)] == [201, 409]
