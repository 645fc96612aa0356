"""Results of steps as the store reads them."""

from shared.jobs.record import OutputMap, StepResultRecord
from shared.jobs.store import _result
from shared.stages.stages import Role

ATTEMPT = "01M8E8NK75647J7FKA9ZSJD1YX"


def keys(*roles: Role) -> set[str]:
    outputs = [OutputMap(role=role.value, name=f"{role.value}.bin", media_type="video/mp4") for role in roles]
    record = StepResultRecord("job_1", f"VIDEO_SYNTHESIS#{ATTEMPT}", outputs=outputs, metrics="{}")
    return {output.key for output in _result(record).outputs}


def test_the_files_of_the_previous_release_are_where_it_stored_them() -> None:
    """It stored no previews, and the files of all stages in one place."""
    assert keys(Role.CLIP) == {f"jobs/job_1/video_synthesis/{ATTEMPT}/clip.bin"}
    assert keys(Role.CLIP, Role.STEP_PREVIEW) == {
        f"work/job_1/video_synthesis/{ATTEMPT}/clip.bin",
        f"jobs/job_1/previews/video_synthesis/{ATTEMPT}/{Role.STEP_PREVIEW.value}.bin",
    }
