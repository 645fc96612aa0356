"""Projects through the real handlers."""

from collections.abc import Callable

import pytest

from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.store import jobs
from shared.projects import store
from shared.projects.record import ProjectRecord
from shared.projects.store import ProjectNotFound, projects
from tests.support.cloud import nothing
from tests.support.steps import complete_steps
from tests.support.studio import Creator, Studio


@pytest.mark.endpoint(
    "POST /api/projects",
    "GET /api/projects/{project_id}",
    "PATCH /api/projects/{project_id}",
    "DELETE /api/projects/{project_id}",
)
def test_a_project_is_created_read_renamed_and_deleted(ada: Creator) -> None:
    project = ada.project("Harbour at night")
    assert ada.get(f"/api/projects/{project}").body["name"] == "Harbour at night"
    renamed = ada.patch(f"/api/projects/{project}", {"name": "Harbour at dawn"})
    assert (renamed.status, renamed.body["name"]) == (200, "Harbour at dawn")
    assert renamed.body["updatedAt"] > renamed.body["createdAt"]
    assert ada.delete(f"/api/projects/{project}").status == 204
    assert ada.get(f"/api/projects/{project}").status == 404


@pytest.mark.endpoint("GET /api/projects")
def test_projects_are_listed_newest_first_and_paged(studio: Studio, ada: Creator, eve: Creator) -> None:
    made = [ada.project(name) for name in ("one", "two", "three")]
    eve.project("hers")
    ada.get("/api/projects", limit="1")  # the process then has the key of cursors
    studio.cloud.calls.clear()
    first = ada.get("/api/projects", limit="2").body
    rest = ada.get("/api/projects", limit="2", cursor=first["nextCursor"]).body
    assert [project["id"] for project in first["data"] + rest["data"]] == made[::-1]
    assert (first["hasMore"], rest["hasMore"], rest["nextCursor"]) == (True, False, None)
    assert studio.cloud.calls == ["UpdateItem", "Query", "BatchGetItem"] * 2  # the first call counts the request


def test_a_project_with_jobs_cannot_be_deleted_until_they_are(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    job_id = ada.job(project)["id"]
    before = studio.dump()
    answer = ada.delete(f"/api/projects/{project}")
    assert (answer.status, answer.body["code"]) == (409, "project_not_empty")
    assert studio.dump() == before
    settlement.cancel(jobs.get(job_id), at=utc_now())
    assert ada.delete(f"/api/projects/{project}").status == 409
    assert ada.delete(f"/api/jobs/{job_id}").status == 204
    assert ada.delete(f"/api/projects/{project}").status == 204


def test_a_project_counts_its_jobs(ada: Creator) -> None:
    project = ada.project()
    ada.job(project)
    ada.job(project)
    assert ada.get(f"/api/projects/{project}").body["jobCount"] == 2


@pytest.mark.parametrize("verb", ["get", "delete"])
def test_a_missing_project_is_not_found(ada: Creator, verb: str) -> None:
    answer = getattr(ada, verb)("/api/projects/prj_unknown")
    assert (answer.status, answer.body["code"]) == (404, "project_not_found")


def test_renaming_a_missing_project_creates_nothing(studio: Studio, ada: Creator) -> None:
    """An update in DynamoDB creates a missing item unless a condition prevents it."""
    before = studio.dump()
    assert ada.patch("/api/projects/prj_unknown", {"name": "x"}).status == 404
    assert studio.dump() == before


def test_a_project_that_is_deleted_meanwhile_is_not_renamed(studio: Studio, ada: Creator) -> None:
    project, before = ada.project(), len(studio.cloud.calls)

    def delete(operation: str) -> None:
        studio.cloud.afterwards = nothing
        ProjectRecord(project).delete()

    studio.cloud.afterwards = delete
    with pytest.raises(ProjectNotFound):
        projects.rename(project, accounts={ada.user_id}, name="x", at=utc_now())
    assert studio.cloud.calls[before:][:3] == ["GetItem", "DeleteItem", "UpdateItem"]
    assert ada.get(f"/api/projects/{project}").status == 404


def test_projects_are_found_by_words_of_their_names(ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [ada.project(name) for name in ("Harbour at night", "Lake", "Night in the HARBOUR", "Night")]
    for size in (2000, 2):
        monkeypatch.setattr(store, "MOST_SEARCHED", size)
        found, cursor = list[str](), None
        while cursor or not found:
            more: dict[str, str] = {"cursor": cursor} if cursor else {}
            page = ada.get("/api/projects", text="harbour night", limit="1", **more).body
            found += [project["id"] for project in page["data"]]
            cursor = page["nextCursor"]
        assert found == [made[2], made[0]]


def filmed(creator: Creator, project: str) -> Callable[[], str]:
    """Submit a job, and return the function that makes its film and returns the job's id."""
    job = creator.job(project)["id"]

    def complete() -> str:
        settlement.complete(complete_steps(job), at=utc_now())
        return str(job)

    return complete


def test_a_project_shows_the_thumbnail_of_its_newest_film(ada: Creator) -> None:
    project = ada.project()
    path = f"/api/projects/{project}"

    def shown() -> str:
        return str(ada.get(path).body["thumbnail"])

    assert shown() == "None"
    older, newer = filmed(ada, project), filmed(ada, project)
    tag = ada.get(path).headers["etag"]
    newest = newer()
    assert f"/jobs/{newest}/post_processing/" in shown()
    assert ada.list("/api/projects")[0]["thumbnail"] == shown()
    assert ada.get(path).headers["etag"] == tag
    first = older()
    assert newest in shown(), "the film of an older job is not newer"
    assert ada.delete(f"/api/jobs/{first}").status == 204
    assert newest in shown()
    assert ada.delete(f"/api/jobs/{newest}").status == 204
    assert shown() == "None"


def test_a_rename_of_another_version_is_refused(studio: Studio, ada: Creator) -> None:
    path = f"/api/projects/{ada.project()}"
    tag = ada.get(path).headers["etag"]
    ada.job(path.rpartition("/")[2])
    renamed = ada.patch(path, {"name": "Harbour"}, match=tag)
    assert renamed.status == 200, "a new job does not change the version of the project"
    assert renamed.headers["etag"] == ada.get(path).headers["etag"] != tag
    before = studio.dump()
    late = ada.patch(path, {"name": "Lake"}, match=tag)
    assert (late.status, late.body["code"], late.headers["etag"]) == (
        412,
        "precondition_failed",
        renamed.headers["etag"],
    )
    assert ada.patch(path, {"name": "Lake"}, match='"nonsense').status == 412
    assert studio.dump() == before


def test_of_two_renames_of_one_version_one_wins(studio: Studio, ada: Creator) -> None:
    path = f"/api/projects/{ada.project()}"
    tag = ada.get(path).headers["etag"]

    def meanwhile(operation: str) -> None:
        if operation == "GetItem":
            studio.cloud.afterwards = nothing
            assert ada.patch(path, {"name": "Other"}).status == 200

    studio.cloud.afterwards = meanwhile
    assert ada.patch(path, {"name": "Mine"}, match=tag).status == 412
    assert ada.get(path).body["name"] == "Other"


def test_an_account_cannot_write_the_project_of_another_account(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    before = studio.dump()
    with pytest.raises(ProjectNotFound):
        projects.rename(project, accounts={"usr_eve"}, name="Mine", at=utc_now())
    with pytest.raises(ProjectNotFound), transaction() as tx:
        projects.add_jobs(project, 1, account_id="usr_eve", tx=tx)
    assert studio.dump() == before


def test_the_number_of_jobs_is_not_negative(ada: Creator) -> None:
    project = ada.project()
    with pytest.raises(ProjectNotFound), transaction() as tx:
        projects.remove_job(project, tx=tx)
