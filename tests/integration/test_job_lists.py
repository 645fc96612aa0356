"""Filters of the list of jobs: project, status, text and time."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from functions.jobs import listing
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.record import JobStatus
from shared.jobs.store import jobs
from shared.stages.stages import Stage
from tests.support.steps import claim, complete_steps
from tests.support.studio import Answer, Creator, Studio

PROMPTS = ("a lake at dusk", "a Lighthouse", "a lake in winter", "a forest", "the lake", "a lake at night")
END: dict[JobStatus, Callable[[str], object]] = {
    JobStatus.COMPLETED: lambda job_id: settlement.complete(complete_steps(job_id), at=utc_now()),
    JobStatus.FAILED: lambda job_id: settlement.fail(jobs.get(job_id), error="It broke.", at=utc_now()),
    JobStatus.CANCELLED: lambda job_id: settlement.cancel(jobs.get(job_id), at=utc_now()),
}


@pytest.fixture(scope="module")
def world(deployment: Studio) -> Iterator[tuple[Creator, list[str], list[str]]]:
    """Ada with six jobs in two projects, oldest first: an ended one of each kind, two with a slot, one that waits."""
    deployment.wipe()
    with deployment.restored():
        ada = deployment.arrive("ada@example.com")
        projects = [ada.project("one"), ada.project("two")]
        made: list[str] = []
        for number, prompt in enumerate(PROMPTS):
            body = {"projectId": projects[number % 2], "prompt": prompt}
            made.append(str(ada.post("/api/jobs", body).body["id"]))
            if number < len(END):
                list(END.values())[number](made[-1])
        claim(made[3], Stage.IMAGE_GENERATION)
        yield ada, projects, made


World = tuple[Creator, list[str], list[str]]


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [str(job["id"]) for job in answer.body["data"]]


def listed(ada: Creator, **query: str) -> list[str]:
    return ids(ada.get("/api/jobs", **query))


@pytest.mark.parametrize(
    ("status", "numbers"),
    [("COMPLETED", [0]), ("FAILED", [1]), ("CANCELLED", [2]), ("RUNNING", [3]), ("PENDING", [4]), ("QUEUED", [5])],
)
def test_a_status_selects_its_jobs(world: World, status: str, numbers: list[int]) -> None:
    ada, projects, made = world
    answer = ada.get("/api/jobs", status=status)
    assert ids(answer) == [made[number] for number in numbers]
    assert answer.body["complete"]
    assert answer.body["searched"] == (6 if JobStatus(status).ended else 3), "live jobs are found without a search"
    other = [listed(ada, status=status, projectId=project) for project in projects]
    assert other[numbers[0] % 2] == [made[numbers[0]]]
    assert other[1 - numbers[0] % 2] == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("lake", [5, 4, 2, 0]), ("LAKE dusk", [0]), ("light", [1]), ("dusk night", []), ("%", []),
        ("   ", [5, 4, 3, 2, 1, 0]),
    ],
)  # fmt: skip
def test_a_text_selects_the_jobs_whose_prompts_have_its_words(world: World, text: str, numbers: list[int]) -> None:
    ada, _, made = world
    answer = ada.get("/api/jobs", text=text)
    assert ids(answer) == [made[number] for number in numbers]
    assert (answer.body["searched"], answer.body["complete"]) == (6, True)


def test_filters_combine(world: World) -> None:
    ada, [one, two], made = world
    assert listed(ada, text="lake", projectId=one) == [made[4], made[2], made[0]]
    assert listed(ada, text="lake", projectId=two) == [made[5]]
    assert listed(ada, text="lake", status="COMPLETED") == [made[0]]
    assert listed(ada, text="lake", status="PENDING") == [made[4]]
    assert listed(ada, text="forest", status="PENDING") == []


def test_times_select_jobs_that_were_created_between_them(world: World) -> None:
    ada, [one, _], made = world
    created = [ada.get(f"/api/jobs/{job_id}").body["createdAt"] for job_id in made]

    def at(number: int) -> str:
        return str(created[number])

    assert listed(ada, createdAfter=at(2)) == made[:1:-1]
    assert listed(ada, createdBefore=at(2)) == made[1::-1]
    assert listed(ada, createdAfter=at(1), createdBefore=at(4)) == made[3:0:-1]
    assert listed(ada, createdAfter=at(1), createdBefore=at(4), projectId=one) == [made[2]]
    assert listed(ada, createdAfter=at(3), status="PENDING") == [made[4]]
    assert listed(ada, createdBefore=at(4), status="PENDING") == []
    assert listed(ada, createdAfter=at(1), text="lake", createdBefore=at(5)) == [made[4], made[2]]
    assert listed(ada, createdAfter=at(4), createdBefore=at(1)) == []
    assert (
        listed(ada, createdAfter="0001-01-01T00:00:00+14:00", createdBefore="9999-12-31T23:59:59-12:00") == made[::-1]
    )
    unfiltered = ada.get("/api/jobs", createdAfter=at(2)).body
    assert (unfiltered["searched"], unfiltered["complete"]) == (None, None)


@pytest.mark.parametrize(
    "query",
    [
        {"status": "DONE"}, {"text": ""}, {"text": "x" * 101}, {"createdAfter": "soon"},
        {"createdBefore": "2026-01-01T00:00:00"},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_filter_is_refused(world: World, query: dict[str, str]) -> None:
    answer = world[0].get("/api/jobs", **query)
    assert (answer.status, answer.body["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "query", [{}, {"text": "lake"}, {"status": "QUEUED"}, {"text": "a", "status": "PENDING"}], ids=str
)
def test_pages_show_each_job_once(world: World, query: dict[str, str]) -> None:
    ada = world[0]
    whole, shown, sent = listed(ada, **query), list[str](), dict(query)
    while True:
        page = ada.get("/api/jobs", limit="1", **sent)
        shown += ids(page)
        if not page.body["hasMore"]:
            break
        assert page.body["complete"] in {None, False}
        sent["cursor"] = page.body["nextCursor"]
    assert shown == whole


def test_a_cursor_of_other_filters_is_refused(world: World) -> None:
    ada, [one, _], _ = world
    cursor = ada.get("/api/jobs", limit="1", text="lake").body["nextCursor"]
    for query in ({}, {"text": "dusk"}, {"text": "lake", "projectId": one}, {"text": "lake", "status": "PENDING"}):
        answer = ada.get("/api/jobs", cursor=cursor, **query)
        assert (answer.status, answer.body["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_a_search_ends_after_its_maximum_of_jobs_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    ada, _, made = world
    monkeypatch.setattr(listing, "MOST_SEARCHED", 3)
    monkeypatch.setattr(listing, "_BATCH", batch)
    answer = ada.get("/api/jobs", text="lake")
    assert ids(answer) == [made[5], made[4]]
    assert (answer.body["searched"], answer.body["complete"], answer.body["hasMore"]) == (3, False, False)
    first = ada.get("/api/jobs", text="lake", limit="1")
    assert (ids(first), first.body["searched"], first.body["complete"]) == ([made[5]], 1, False)
    rest = ada.get("/api/jobs", text="lake", limit="1", cursor=first.body["nextCursor"])
    assert (ids(rest), rest.body["hasMore"]) == ([made[4]], False)
    assert (rest.body["searched"], rest.body["complete"]) == (3, False), "the pages count together"
    monkeypatch.setattr(listing, "MOST_SEARCHED", 6)
    whole = ada.get("/api/jobs", text="lake").body
    assert (whole["searched"], whole["complete"]) == (6, True)


def test_a_search_shows_nothing_of_others(world: World, deployment: Studio) -> None:
    eve = deployment.arrive("eve@example.com")
    for query in ({"text": "lake"}, {"status": "PENDING"}, {"status": "COMPLETED"}):
        assert listed(eve, **query) == []
        assert eve.get("/api/jobs", **query, projectId=world[1][0]).status == 404


def test_the_jobs_of_an_organizations_project_are_searched_in_its_account(deployment: Studio, world: World) -> None:
    owner = deployment.arrive("owner@example.com")
    organization = owner.organization("searched", credits=50)
    project = owner.project(organization=organization)
    body: dict[str, Any] = {"projectId": project, "prompt": "a lake"}
    made = [str(owner.post("/api/jobs", body).body["id"]) for _ in range(3)]
    for scope in ({"organizationId": organization}, {"projectId": project}):
        assert listed(owner, status="QUEUED", **scope) == made[2:]
        assert listed(owner, text="lake", **scope) == made[::-1]
    assert listed(owner, status="QUEUED") == []


def test_a_job_just_made_is_younger_than_now(world: World) -> None:
    """The bounds of times are those of ids."""
    later = (utc_now() + timedelta(hours=1)).isoformat()
    assert len(listed(world[0], createdBefore=later)) == len(PROMPTS)
    assert listed(world[0], createdAfter=later) == []
