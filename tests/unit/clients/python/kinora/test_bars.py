from typing import Any

import pytest
from rich.console import Console

from clients.python.kinora.bars import StageBars
from clients.python.kinora.models import Event, Job, JobCompleted, JobProgress, Stage, Step, StepCompleted
from clients.python.kinora.order import applied

NEW_JOB: Any = Job.model_construct
NEW_STEP: Any = Step.model_construct
STAGES: tuple[Stage, ...] = ("IMAGE_GENERATION", "VIDEO_SYNTHESIS", "POST_PROCESSING")


def job(*steps: tuple[str, int]) -> Job:
    states = steps or (("PENDING", 0),) * 3
    made = [
        NEW_STEP(id=stage, step_type=stage, status=status, progress=progress)
        for stage, (status, progress) in zip(STAGES, states, strict=True)
    ]
    running = next((step.step_type for step in made if step.status == "RUNNING"), None)
    found: Job = NEW_JOB(id="job_1", seq=0, status="RUNNING", progress=0, current_step=running, steps=made)
    return found


def percents(begun: Job, *events: Event) -> list[int]:
    bars = StageBars(begun, Console())
    for event in events:
        begun = applied(begun, event)
        bars.show(begun)
    return [round(task.completed) for task in bars._progress.tasks]


def progress(stage: Stage | None, percent: int) -> Event:
    return JobProgress(type="job.progress", job_id="j", seq=1, progress=percent, current_step=stage, status="RUNNING")


STEP = StepCompleted(
    type="step.completed", job_id="j", seq=2, step_id="VIDEO_SYNTHESIS", step_type="VIDEO_SYNTHESIS", result_url=None
)
ENDED = JobCompleted(type="job.completed", job_id="j", seq=3, video_url=None, thumbnail_url=None)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([progress(None, 0)], [0, 0, 0]),
        ([progress("IMAGE_GENERATION", 10)], [30, 0, 0]),
        ([progress("VIDEO_SYNTHESIS", 50)], [100, 50, 0]),
        ([progress("VIDEO_SYNTHESIS", 50), progress("VIDEO_SYNTHESIS", 40)], [100, 50, 0]),
        ([progress("VIDEO_SYNTHESIS", 66), STEP], [100, 100, 0]),
        ([ENDED], [100, 100, 100]),
    ],
)
def test_bars_follow_the_jobs_progress(events: list[Event], expected: list[int]) -> None:
    assert percents(job(), *events) == expected


def test_a_job_in_progress_sets_every_bar() -> None:
    assert percents(job(("COMPLETED", 100), ("RUNNING", 40), ("PENDING", 0))) == [100, 40, 0]
