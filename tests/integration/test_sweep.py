"""The sweep deletes exactly the old objects and rows that no record names, however often it is interrupted."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.backends import get_backend
from ulid import ULID

from functions.upkeep import audit, passes, sweep
from functions.upkeep.sweep import LEAST_AGE
from shared.assets.record import AssetRecord, AssetStatus
from shared.aws import media
from shared.aws.clients import s3
from shared.core.clock import utc_now
from shared.core.ids import id_from
from shared.jobs import settlement
from shared.jobs.keys import output_key, preview_key, task_key
from shared.jobs.record import (
    JobRecord,
    JobSpecRecord,
    JobStatus,
    StepMap,
    StepResultRecord,
    StepsMap,
    StepTicketRecord,
    StepTokenRecord,
)
from shared.jobs.steps import steps
from shared.jobs.store import jobs
from shared.stages.stages import Role, Stage
from shared.upkeep.record import PassRecord
from tests.support.cloud import AtCall, ProcessDied, nothing
from tests.support.steps import claim, complete_step, result_of, stored_keys, stored_result
from tests.support.studio import Creator, Studio

BUCKET = "kinora-test-media"
LAST = Stage.POST_PROCESSING
DAY = timedelta(hours=25)


@pytest.fixture(autouse=True)
def _reads_whole_tables(studio: Studio) -> None:
    studio.cloud.may_scan = True


def put(key: str) -> str:
    s3().put_object(Bucket=BUCKET, Key=key, Body=b"x")
    return key


def stored() -> set[str]:
    """Return the keys of all versions and of all markers of deletions."""
    pages = s3().get_paginator("list_object_versions").paginate(Bucket=BUCKET)
    return {item["Key"] for page in pages for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))}


def job(status: JobStatus, step: StepMap) -> str:
    """Write a job with one step, as the pipeline would have left it."""
    job_id, at = f"job_{ULID()}", utc_now()
    JobRecord(
        job_id, project_id="prj", account_id="acc", owner_id="usr", status=status.value, credits=1,
        steps=StepsMap(post_processing=step), created_at=at, updated_at=at, deadline_at=at,
        completed_at=at if status.ended else None,
    ).save()  # fmt: skip
    return job_id


def completed(**more: int) -> tuple[str, str]:
    """Write a job whose step has the result `film`, and return the ids of the job and the attempt."""
    attempt = str(ULID())
    job_id = job(JobStatus.COMPLETED, StepMap(engine="x", status=JobStatus.COMPLETED.value, attempt=attempt, **more))
    StepResultRecord(
        job_id,
        f"{LAST}#{attempt}",
        metrics="{}",
        outputs=[
            {"role": "video", "name": "film", "media_type": "video/mp4"},
            {"role": "stepPreview", "name": "marked", "media_type": "video/mp4"},
        ],
    ).save()
    return job_id, attempt


def film(job_id: str, stage: Stage, attempt: str, name: str) -> str:
    return output_key(job_id, stage, attempt, Role.VIDEO, name)


def under_way(status: JobStatus) -> tuple[str, str]:
    attempt = str(ULID())
    return job(status, StepMap(engine="x", status=JobStatus.RUNNING.value, attempt=attempt)), attempt


def asset(status: AssetStatus, key: str | None = None, depth_key: str | None = None) -> str:
    asset_id = f"ast_{ULID()}"
    AssetRecord(
        asset_id, account_id="acc", owner_id="usr", name="x", type="IMAGE", status=status.value, media_type="image/png",
        size=1, created_at=utc_now(), key=key and key.format(asset_id),
        depth_key=depth_key and depth_key.format(asset_id),
    ).save()  # fmt: skip
    return asset_id


# Each function makes a record and returns the key of an object, which is then stored.
NAMED: dict[str, Callable[[], str]] = {
    "output": lambda: film(*_at(completed()), "film"),
    "preview of a result": lambda: output_key(*_at(completed()), Role.STEP_PREVIEW, "marked"),
    "newest preview": lambda: preview_key(*_at(completed(preview=2)), 2),
    "upload of the current attempt": lambda: film(*_at(under_way(JobStatus.RUNNING)), "film"),
    "task of a live job": lambda: task_key(under_way(JobStatus.QUEUED)[0], LAST, str(ULID())),
    "clean file": lambda: f"assets/{asset(AssetStatus.READY, 'assets/{}/clean')}/clean",
    "preview of a clean file": lambda: (
        f"assets/{asset(AssetStatus.READY, 'assets/{}/clean', 'assets/{}/depth.jpg')}/depth.jpg"
    ),
    "file that is being verified": lambda: f"assets/{asset(AssetStatus.VERIFYING)}/clean",
    "new upload": lambda: f"quarantine/{asset(AssetStatus.PENDING)}",
}
UNNAMED: dict[str, Callable[[], str]] = {
    "other file of the attempt": lambda: film(*_at(completed()), "draft"),
    "older preview": lambda: preview_key(*_at(completed(preview=2)), 1),
    "killed attempt": lambda: film(completed()[0], LAST, str(ULID()), "film"),
    "killed attempt of a live job": lambda: film(under_way(JobStatus.RUNNING)[0], LAST, str(ULID()), "film"),
    "upload of a cancelled job": lambda: film(*_at(under_way(JobStatus.CANCELLED)), "film"),
    "stage that is not planned": lambda: film(completed()[0], Stage.VIDEO_SYNTHESIS, str(ULID()), "film"),
    "task of an ended job": lambda: task_key(completed()[0], LAST, str(ULID())),
    "deleted job": lambda: film(f"job_{ULID()}", LAST, str(ULID()), "film"),
    "preview of a killed attempt": lambda: preview_key(completed()[0], LAST, str(ULID()), 1),
    "work of a deleted job": lambda: output_key(f"job_{ULID()}", LAST, str(ULID()), Role.CLIP, "clip"),
    "no attempt": lambda: f"jobs/{completed()[0]}/film",
    "deleted asset": lambda: f"assets/ast_{ULID()}/clean",
    "older file of an asset": lambda: f"assets/{asset(AssetStatus.READY, 'assets/{}/clean')}/other",
    "upload of a rejected asset": lambda: f"quarantine/{asset(AssetStatus.REJECTED)}",
    "upload of a deleted asset": lambda: f"quarantine/ast_{ULID()}",
}


def _at(ids: tuple[str, str]) -> tuple[str, Stage, str]:
    return ids[0], LAST, ids[1]


@pytest.mark.parametrize("kind", UNNAMED)
def test_an_unnamed_object_is_deleted_with_all_versions_after_a_day(kind: str) -> None:
    key = put(UNNAMED[kind]())
    put(key)
    s3().delete_object(Bucket=BUCKET, Key=key)  # adds a marker
    sweep.sweep(utc_now() + LEAST_AGE - timedelta(minutes=1))
    assert stored() == {key}
    sweep.sweep(utc_now() + 2 * DAY)
    assert stored() == set()


@pytest.mark.parametrize("kind", NAMED)
def test_a_named_object_stays(kind: str) -> None:
    key = put(NAMED[kind]())
    sweep.sweep(utc_now() + 30 * DAY)
    assert list(media.keys("")) == [key]


def test_a_deleted_version_of_a_named_object_can_be_restored() -> None:
    """The lifecycle rule removes it after seven days, and the sweep does not."""
    key = put(NAMED["output"]())
    s3().delete_object(Bucket=BUCKET, Key=key)
    sweep.sweep(utc_now() + 2 * DAY)
    assert len(media.versions_page("")[0]) == 2


def test_a_completed_step_without_its_result_loses_no_file() -> None:
    job_id, attempt = completed()
    StepResultRecord(job_id, f"{LAST}#{attempt}").delete()
    key = put(film(job_id, LAST, attempt, "film"))
    sweep.sweep(utc_now() + 2 * DAY)
    assert stored() == {key}


def test_a_job_that_cannot_be_read_loses_no_file_and_does_not_stop_the_sweep() -> None:
    key, gone = put(NAMED["output"]()), put(UNNAMED["deleted job"]())
    JobRecord._get_connection().put_item(key.split("/")[1], attributes={"created_at": {"S": "not a number"}})
    sweep.sweep(utc_now() + 2 * DAY)
    assert stored() == {key}
    assert gone not in stored()


KINDS = st.sampled_from([(name, True) for name in NAMED] + [(name, False) for name in UNNAMED])


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(world=st.lists(st.tuples(KINDS, st.booleans(), st.integers(1, 3)), max_size=14), page=st.integers(1, 5))
def test_any_world_loses_exactly_its_old_unnamed_objects(
    studio: Studio, world: list[tuple[tuple[str, bool], bool, int]], page: int
) -> None:
    studio.wipe()
    studio.cloud.may_scan = True
    kept = set()
    for (kind, named), old, versions in world:
        key = (NAMED if named else UNNAMED)[kind]()
        for _ in range(versions):
            put(key)
        if old:
            for version in get_backend("s3")["123456789012"]["global"].buckets[BUCKET].keys.getlist(key):
                version.last_modified -= DAY
        if named or not old:
            kept.add(key)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", str(page))
        assert sweep.sweep(utc_now())["complete"]
    assert stored() == kept


# --- rows


def old_job_id() -> str:
    return id_from("job", (utc_now() - DAY).timestamp()) + str(ULID())[:16]


def rows() -> set[str]:
    return {
        f"{record.__name__} {row.job_id}"
        for record in (StepResultRecord, StepTokenRecord, StepTicketRecord, JobSpecRecord)
        for row in record.scan()
    }


def plant_rows(job_id: str) -> None:
    """Write a row of each table."""
    at = utc_now()
    StepTokenRecord(job_id, LAST.value, token="x", expires_at=at + DAY).save()  # not a secret
    StepTicketRecord(job_id, LAST.value, attempt="x", expires_at=at + DAY).save()
    StepResultRecord(job_id, f"{LAST}#{ULID()}", outputs=[], metrics="{}").save()
    JobSpecRecord(job_id, document="{}").save()


def test_rows_of_a_deleted_job_are_deleted_after_a_day() -> None:
    young, old = f"job_{ULID()}", old_job_id()
    plant_rows(young)
    plant_rows(old)
    assert sweep.sweep(utc_now())["found"] == 4
    assert rows() == {f"{name} {young}" for name in (
        "StepResultRecord", "StepTokenRecord", "StepTicketRecord", "JobSpecRecord",
    )}  # fmt: skip


def test_the_result_of_a_replaced_attempt_and_the_tokens_of_an_ended_job_are_deleted(ada: Creator) -> None:
    job_id = str(ada.job(ada.project())["id"])
    first = claim(job_id, Stage.IMAGE_GENERATION, utc_now() - timedelta(minutes=1))
    stored_result(job_id, Stage.IMAGE_GENERATION, first)
    StepResultRecord(job_id, f"{Stage.IMAGE_GENERATION}#{first}", outputs=[], metrics="{}").save()
    second = complete_step(job_id, Stage.IMAGE_GENERATION)
    steps.store_token(job_id, Stage.IMAGE_GENERATION, "token", at=utc_now())
    sweep.sweep(utc_now() + DAY)
    assert [row.stage_attempt for row in StepResultRecord.query(job_id)] == [f"{Stage.IMAGE_GENERATION}#{second}"]
    kept = {key.split("/")[-2] for key in stored_keys(job_id)}
    assert kept == {second}
    assert steps.token(job_id, Stage.IMAGE_GENERATION) == "token"
    settlement.cancel(jobs.get(job_id), at=utc_now())
    sweep.sweep(utc_now() + 3 * DAY)
    assert steps.token(job_id, Stage.IMAGE_GENERATION) is None
    assert jobs.results(jobs.get(job_id))


def test_a_result_that_is_written_and_not_named_yet_stays(ada: Creator) -> None:
    """The worker writes the row first, and then the job item."""
    job_id = str(ada.job(ada.project())["id"])
    attempt = claim(job_id, Stage.IMAGE_GENERATION)
    StepResultRecord(job_id, f"{Stage.IMAGE_GENERATION}#{attempt}", outputs=[], metrics="{}").save()
    sweep.sweep(utc_now() + DAY)
    assert len(list(StepResultRecord.query(job_id))) == 1


def test_the_result_of_a_replaced_attempt_stays_for_a_day(ada: Creator) -> None:
    """Otherwise the audit would report rows that the sweep has not had the time to delete."""
    job_id, at = str(ada.job(ada.project())["id"]), utc_now() + 2 * DAY
    StepResultRecord(job_id, f"{Stage.IMAGE_GENERATION}#{ULID.from_datetime(at)}", outputs=[], metrics="{}").save()
    sweep.sweep(at)
    assert len(list(StepResultRecord.query(job_id))) == 1


# --- interruptions


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    monkeypatch.setattr(passes, "ROWS", 2)


def mixed_world() -> set[str]:
    """Store objects and rows with and without records, and return the keys of those that stay."""
    for kind in ("killed attempt", "deleted asset"):
        put(put(UNNAMED[kind]()))
    plant_rows(old_job_id())
    return {put(NAMED["output"]()), put(NAMED["clean file"]())}


@pytest.mark.usefixtures("small_pages")
def test_a_sweep_that_dies_after_any_call_is_continued(studio: Studio) -> None:
    at, kept, number, met = utc_now() + 2 * DAY, mixed_world(), 0, True
    while met:
        number += 1
        with studio.restored():
            studio.cloud.may_scan = True
            hook = studio.cloud.afterwards = AtCall(studio.cloud, number, lambda _: studio.cloud.die())
            with suppress(ProcessDied):
                sweep.sweep(at)
            studio.cloud.afterwards, studio.cloud.dead = nothing, False
            met = bool(hook.operation)
            assert sweep.sweep(at)["complete"]
            assert (stored(), {row for row in rows() if "Spec" in row}) == (kept, set()), hook.operation
    assert number > 25


@pytest.mark.usefixtures("small_pages")
def test_a_run_out_of_time_is_continued_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = mixed_world()
    ticks = count()
    monkeypatch.setattr(passes, "monotonic", lambda: float(next(ticks)))
    monkeypatch.setattr(passes, "RUN_SECONDS", 3.0)
    runs = 1
    while not sweep.sweep(utc_now() + 2 * DAY)["complete"]:
        runs += 1
    assert runs > 3
    assert stored() == kept
    assert not {row for row in rows() if "Spec" in row or "Token" in row}
    assert sweep.sweep(utc_now() + 2 * DAY) == {"pages": 0, "found": 0, "complete": True}


@pytest.mark.usefixtures("small_pages")
def test_a_second_sweep_at_the_same_time_does_no_harm(studio: Studio) -> None:
    kept, at = mixed_world(), utc_now() + 2 * DAY
    second = []

    def sweep_too(operation: str) -> None:
        if operation == "DeleteObjects":
            studio.cloud.afterwards = nothing
            second.append(sweep.sweep(at))

    studio.cloud.afterwards = sweep_too
    first = sweep.sweep(at)
    assert stored() == kept
    assert second[0]["complete"]
    assert (first["pages"], first["complete"]) == (1, False), "the first run stops: the second one has continued"


def test_a_pass_continues_from_the_start_if_its_part_does_not_exist_any_more(studio: Studio) -> None:
    put(UNNAMED["deleted job"]())
    sweep.sweep(utc_now())
    PassRecord("sweep").update([PassRecord.part.set("a removed table"), PassRecord.position.set("null")])
    assert sweep.sweep(utc_now() + 2 * DAY)["complete"]
    assert stored() == set()


def test_an_object_that_s3_refuses_to_delete_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    put("jobs/job_1/x")
    monkeypatch.setattr(s3(), "delete_objects", lambda **_: {"Errors": [{"Code": "AccessDenied"}]})
    with pytest.raises(media.NotDeleted):
        media.delete_below("jobs/job_1/")


def test_the_audit_finds_nothing_after_the_sweep(ada: Creator) -> None:
    job_id = str(ada.job(ada.project())["id"])
    attempt = claim(job_id, LAST)
    put(result_of(job_id, LAST, attempt).outputs[0].key)
    plant_rows(old_job_id())
    settlement.cancel(jobs.get(job_id), at=utc_now())
    at = utc_now() + 2 * DAY
    assert {finding.invariant for finding in audit.findings(at, at_rest=True)} == {"I12"}
    assert sweep.handler({}, None)["complete"]
    PassRecord("sweep").delete()
    sweep.sweep(at)
    assert list(audit.findings(at, at_rest=True)) == []
