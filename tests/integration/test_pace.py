"""The pace that `upkeep-pace` learns, and what quotes and jobs show of it."""

from datetime import datetime, timedelta

import pytest
from moto.backends import get_backend

from functions.upkeep.pace import handler
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.pace import TASK, pace
from shared.jobs.store import jobs
from shared.subscriptions.plans import PLANS
from shared.subscriptions.record import PlanType
from shared.upkeep.record import PassRecord
from tests.support.steps import complete_step
from tests.support.studio import Creator, Studio


def finished(creator: Creator, project: str, *seconds: int) -> str:
    """Make a job whose steps take these seconds from its admission on, and end it. Return its id."""
    job_id = str(creator.job(project)["id"])
    begun = jobs.get(job_id)
    at = begun.admitted_at
    for (stage, _), taken in zip(begun.planned(), seconds, strict=True):
        at += timedelta(seconds=taken)
        complete_step(job_id, stage, at)
    settlement.complete(jobs.get(job_id), at=at)
    [machine] = get_backend("stepfunctions")["123456789012"]["us-east-1"].state_machines
    [execution] = [one for one in machine.executions if one.name == job_id]
    execution.status, execution.stop_date = "SUCCEEDED", at + timedelta(milliseconds=50)
    return job_id


def learn() -> int:
    number: int = handler({}, None)["found"]
    pace.forget()  # another process
    return number


def quoted(creator: Creator, project: str, **settings: object) -> tuple[float | None, list[float | None]]:
    body = {"projectId": project, "prompt": "a lake", "settings": settings}
    answer = creator.post("/api/jobs/quote", body).body
    return answer["seconds"], [step["seconds"] for step in answer["steps"]]


def test_a_quote_has_the_seconds_of_finished_jobs(ada: Creator) -> None:
    project = ada.project()
    assert learn() == 0
    assert quoted(ada, project) == (None, [None, None, None])
    finished(ada, project, 10, 30, 5)
    assert quoted(ada, project) == (None, [None, None, None])
    assert learn() == 1
    assert quoted(ada, project) == (45, [10, 30, 5])
    assert quoted(ada, project, resolution="720p")[0] is None
    finished(ada, project, 20, 40, 6)
    finished(ada, project, 20, 40, 7)
    learn()
    assert quoted(ada, project) == (66, [20, 40, 6])


def test_a_run_without_new_jobs_reads_no_job_and_writes_nothing(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    finished(ada, project, 10, 30, 5)
    learn()
    [machine] = get_backend("stepfunctions")["123456789012"]["us-east-1"].state_machines
    for execution in machine.executions:
        if execution.stop_date:
            execution.stop_date -= timedelta(seconds=1)
    studio.cloud.calls.clear()
    assert learn() == 0
    assert studio.cloud.calls == ["GetItem", "ListExecutions"]


def test_a_pace_whose_answer_is_lost_is_stored_once(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    finished(ada, project, 10, 30, 5)
    studio.cloud.loses_once("UpdateItem")
    assert learn() == 1
    assert quoted(ada, project)[0] == 45
    assert PassRecord.get(TASK).found == 1


def test_a_job_shows_its_estimated_end_until_it_ends(ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    project = ada.project()
    first = ada.job(project)["id"]
    assert ada.get(f"/api/jobs/{first}").body["estimatedEndAt"] is None, "nothing was measured yet"
    finished(ada, project, 1000, 3000, 500)
    learn()
    made = [str(ada.job(project)["id"]) for _ in range(PLANS[PlanType.FREE].running)]
    running, waiting = jobs.get(made[0]), made[1]

    def end_of(job_id: str) -> datetime | None:
        shown = ada.get(f"/api/jobs/{job_id}").body["estimatedEndAt"]
        listed = {job["id"]: job["estimatedEndAt"] for job in ada.list("/api/jobs")}
        assert listed[job_id] == shown, "lists show it, too"
        return datetime.fromisoformat(shown) if shown else None

    assert end_of(made[0]) == running.admitted_at + timedelta(seconds=4500)
    assert end_of(waiting) is None, "nothing is known about its start"
    at = running.admitted_at + timedelta(seconds=1)
    complete_step(made[0], running.planned()[0][0], at)
    assert end_of(made[0]) == at + timedelta(seconds=3500)
    settlement.cancel(jobs.get(first), at=utc_now())
    another = str(ada.job(project)["id"])  # the pace of admissions is known now
    shown = ada.get(f"/api/jobs/{another}").body
    assert shown["queuePosition"] == 1
    start, end = (datetime.fromisoformat(shown[name]) for name in ("estimatedStartAt", "estimatedEndAt"))
    assert end - start == timedelta(seconds=4500)
    settlement.cancel(jobs.get(another), at=utc_now())
    assert end_of(another) is None
