"""The pace of steps, and the estimated end of a job."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.camera.move import CameraMove, Keyframe
from shared.jobs.pace import SAMPLES, StepPace
from shared.jobs.record import JobRecord, JobStatus, StepMap, StepsMap
from shared.jobs.spec import JobSettings, JobSpec
from shared.stages.frames import Resolution
from shared.stages.stages import WORK_SECONDS, Stage

PAINT, MOVE, FINISH = Stage.IMAGE_GENERATION, Stage.VIDEO_SYNTHESIS, Stage.POST_PROCESSING
START = datetime(2026, 1, 15, 12, tzinfo=UTC)
SPEC = JobSpec(
    prompt="a lake", preset_id="static", move=CameraMove(keyframes=(Keyframe(at=0),)), settings=JobSettings(), seed=1
)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def job(done: Sequence[float], *, admitted: float = 0, ended: bool = True, reused: int = 0) -> JobRecord:
    """Return a job whose steps are complete at these seconds, the first of them `reused`. The others are pending."""
    steps = {
        stage.folder: StepMap(
            engine="engine",
            status=JobStatus.COMPLETED if number < len(done) else JobStatus.PENDING,
            completed_at=after(done[number]) if number < len(done) else None,
            attempts=1 if reused <= number < len(done) else 0,
        )
        for number, stage in enumerate((PAINT, MOVE, FINISH))
    }
    return JobRecord(
        "job_1", created_at=START, steps=StepsMap(**steps), deadline_at=after(admitted + WORK_SECONDS),
        status=JobStatus.COMPLETED if ended else JobStatus.RUNNING, completed_at=after(done[-1]) if ended else None,
    )  # fmt: skip


def seconds(pace: StepPace, settings: JobSettings = SPEC.settings) -> list[float | None]:
    return [pace.seconds(stage, "engine", settings) for stage in (PAINT, MOVE, FINISH)]


def test_nothing_is_known_before_the_first_job() -> None:
    assert seconds(StepPace()) == [None, None, None]
    assert StepPace().end_of(job([], ended=False), SPEC.settings, start=START, at=START) is None


def test_a_step_counts_from_the_end_of_the_step_before_it() -> None:
    assert seconds(StepPace().after([(job([12, 42, 47.5], admitted=2), SPEC)])) == [10, 30, 5.5]


def test_the_median_of_the_newest_steps_counts() -> None:
    finished = [(job([taken, taken + 100 * number, 1000 * number]), SPEC) for number, taken in enumerate((5, 1, 60), 1)]
    assert seconds(StepPace().after(reversed(finished)))[0] == 5
    slow = [(job([n / 1000, n / 1000 + 9, 4000 + n]), SPEC) for n in range(SAMPLES)]
    assert seconds(StepPace().after(finished).after(slow))[1] == 9, "older steps are forgotten"


def test_a_job_counts_once() -> None:
    finished = [(job([10, 20, 30]), SPEC), (job([11, 20, 31]), SPEC)]
    once = StepPace().after(finished)
    assert once.after(finished) == once
    assert once.until == after(31).timestamp()


def test_a_step_of_an_older_job_takes_no_time() -> None:
    assert seconds(StepPace().after([(job([-60, 42, 47.5], admitted=2, reused=1), SPEC)])) == [None, 40, 5.5]
    pace = StepPace().after([(job([10, 40, 45]), SPEC)])
    continued = job([-60], ended=False, reused=1)
    assert pace.end_of(continued, SPEC.settings, start=START, at=START) == after(35)


def test_a_draft_is_of_another_kind_and_its_picture_is_not() -> None:
    pace = StepPace().after([(job([10, 40, 45]), SPEC)])
    assert seconds(pace, JobSettings(draft=True)) == [10, None, None]


def test_jobs_that_are_not_charged_do_not_count() -> None:
    failed = job([10, 20, 30])
    failed.status = JobStatus.FAILED
    assert StepPace().after([(failed, SPEC), (job([10], ended=False), SPEC)]) == StepPace()


def test_films_of_another_size_or_duration_are_of_another_kind() -> None:
    pace = StepPace().after([(job([10, 40, 45]), SPEC)])
    assert seconds(pace, JobSettings(duration=4.2)) == [10, 30, 5]
    assert seconds(pace, JobSettings(duration=5.1)) == [10, None, None], "a picture has no duration"
    assert seconds(pace, JobSettings(resolution=Resolution.HD)) == [None, None, None]
    assert pace.seconds(PAINT, "other", SPEC.settings) is None


def test_the_end_of_a_job_follows_from_its_start_and_its_other_steps() -> None:
    pace = StepPace().after([(job([10, 40, 45]), SPEC)])

    def end(done: Sequence[float], at: float) -> datetime | None:
        return pace.end_of(job(done, ended=False), SPEC.settings, start=START, at=after(at))

    assert end([], 0) == end([], 10) == after(45)
    assert end([], 25) == after(25 + 35), "the first step is late, and ends now at the earliest"
    assert end([12], 13) == after(12 + 35)
    assert end([12, 50], 51) == after(55)
    assert end([12, 50], 70) == after(70)


@given(done=st.lists(st.integers(1, 500), max_size=3).map(sorted), at=st.integers(0, 2000))
def test_an_estimated_end_is_never_in_the_past_of_a_running_job(done: list[int], at: int) -> None:
    pace = StepPace().after([(job([10, 40, 45]), SPEC)])
    end = pace.end_of(job(done, ended=False), SPEC.settings, start=START, at=after(at))
    assert end is not None
    assert len(done) == 3 or end >= after(at)
