"""The audit finds each planted corruption, and finds nothing in a healthy world."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from ulid import ULID

from functions.pipeline import settle
from functions.upkeep import audit
from functions.upkeep.checks import Finding
from functions.upkeep.orphans import find_jobs
from shared.assets.record import AssetRecord, AssetStatus
from shared.aws import media, queues
from shared.aws.clients import s3
from shared.core.clock import utc_now
from shared.core.ids import id_from
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord
from shared.idempotency.record import IdempotencyRecord
from shared.jobs import settlement
from shared.jobs.keys import WORK_LIFE, delivery_prefix
from shared.jobs.record import JobRecord, JobSpecRecord, JobStatus, StepResultRecord, StepTokenRecord
from shared.jobs.steps import steps
from shared.jobs.store import jobs
from shared.members.record import MemberRecord
from shared.organizations.record import OrganizationRecord, SlugClaimRecord
from shared.slots.record import SlotsRecord, WaitingRecord
from shared.stages.messages import AssetVerificationTask
from shared.stages.queues import VERIFICATION_QUEUE
from shared.stages.stages import Stage
from shared.users.record import EmailClaimRecord, UserRecord
from tests.support.steps import claim, complete_step, complete_steps
from tests.support.studio import Creator, Studio

BUCKET = "kinora-test-media"
LAST = Stage.POST_PROCESSING


@dataclass(frozen=True)
class StoredWorld:
    """A deployment with a job of each kind."""

    ada: Creator
    project: str
    completed: str
    failed: str
    cancelled: str
    running: str
    queued: str
    waiting: str  # for a slot
    asset: str
    organization: str


@pytest.fixture
def world(deployment: Studio, untouched_world: StoredWorld) -> Iterator[StoredWorld]:
    """The world that all tests share. What a test changes is restored."""
    with deployment.restored():
        deployment.cloud.may_scan = True
        yield untouched_world


@pytest.fixture(scope="module")
def untouched_world(deployment: Studio) -> StoredWorld:
    ada = deployment.arrive("ada@example.com", credits=1000)
    project = ada.project()
    names = ("completed", "failed", "cancelled", "running", "queued", "deleted")
    made = {name: str(ada.job(project)["id"]) for name in names}
    waiting = ada.post("/api/jobs", {"projectId": project, "prompt": "dusk", "settings": {}}, key="once").body["id"]
    for job_id in made.values():
        steps.store_token(job_id, Stage.IMAGE_GENERATION, "token", at=utc_now())
    complete_steps(made["completed"])
    settle.handler({"jobId": made["completed"]}, None)
    complete_step(made["failed"], Stage.IMAGE_GENERATION)
    settlement.fail(jobs.get(made["failed"]), error="It failed.", at=utc_now())
    claim(made["cancelled"], Stage.IMAGE_GENERATION)
    assert ada.post(f"/api/jobs/{made['cancelled']}/cancel").status == 200
    complete_step(made["running"], Stage.IMAGE_GENERATION)
    claim(made["running"], Stage.VIDEO_SYNTHESIS)
    deleted = made.pop("deleted")
    assert ada.post(f"/api/jobs/{deleted}/cancel").status == 200
    assert ada.delete(f"/api/jobs/{deleted}").status == 204
    ada.asset(status=AssetStatus.PENDING)
    organization = ada.organization()
    return StoredWorld(ada, project, asset=ada.asset(), waiting=waiting, organization=organization, **made)


def found(**options: Any) -> list[Finding]:
    return list(audit.findings(utc_now(), **options))


def test_a_healthy_world_has_no_findings(world: StoredWorld) -> None:
    assert found() == []


def test_a_result_whose_life_has_ended_is_not_missing(world: StoredWorld) -> None:
    """A lifecycle rule deletes the files between the stages."""
    for key in list(media.keys("jobs/")):
        if LAST.folder not in key:
            media.delete_below(key)
    late = utc_now() + WORK_LIFE + timedelta(hours=1)
    for job_id in (world.running, world.queued):
        settlement.cancel(jobs.get(job_id), at=late)
    [open_job] = [hold.job_id for hold in HoldRecord.open_holds.query("open")]  # of the request with a key
    settlement.cancel(jobs.get(open_job), at=late)
    assert [f for f in audit.findings(late) if f.invariant != "I12"] == []


# --- corruptions: each function plants one


def ledger_entry_lost(world: StoredWorld) -> None:
    LedgerRecord(world.ada.user_id, "grant#opening").delete()


def balance_negative(world: StoredWorld) -> None:
    account = AccountRecord.get(world.ada.user_id)
    total = account.available + account.held
    account.update([AccountRecord.available.set(-1), AccountRecord.held.set(total + 1)])


def hold_of_a_completed_job_released(world: StoredWorld) -> None:
    HoldRecord(world.completed).update([HoldRecord.state.set("RELEASED")])
    entry = LedgerRecord.get(world.ada.user_id, f"capture#{world.completed}")
    entry.delete()
    AccountRecord(world.ada.user_id).update([AccountRecord.available.add(-entry.credits)])


def capture_without_ledger(world: StoredWorld) -> None:
    """Replace the entry of the capture by another one, so that the balance fits."""
    entry = LedgerRecord.get(world.ada.user_id, f"capture#{world.completed}")
    entry.delete()
    LedgerRecord(world.ada.user_id, "other", credits=entry.credits, reason="x", at=utc_now()).save()


def charge_above_the_hold(world: StoredWorld) -> None:
    LedgerRecord(world.ada.user_id, f"capture#{world.completed}").update([LedgerRecord.credits.add(-1)])
    AccountRecord(world.ada.user_id).update([AccountRecord.available.add(-1)])


def hold_open_after_the_end(world: StoredWorld) -> None:
    hold = HoldRecord.get(world.failed)
    hold.update([HoldRecord.state.set("HELD"), HoldRecord.open.set("open")])


def hold_open_without_a_job(world: StoredWorld) -> None:
    made = HoldRecord.get(world.queued)
    HoldRecord(
        f"job_{ULID()}", account_id=made.account_id, credits=1, state="HELD", open="open", created_at=utc_now()
    ).save()


def hold_missing_in_the_index(world: StoredWorld) -> None:
    HoldRecord(world.queued).update([HoldRecord.open.remove()])


def hold_lost(world: StoredWorld) -> None:
    HoldRecord(world.queued).delete()


def spec_lost(world: StoredWorld) -> None:
    JobSpecRecord(world.completed).delete()


def job_past_its_deadline(world: StoredWorld) -> None:
    JobRecord(world.running).update([JobRecord.deadline_at.set(utc_now() - timedelta(hours=1))])


def job_written_after_its_end(world: StoredWorld) -> None:
    job = JobRecord(world.failed)
    job.update([JobRecord.updated_at.set(utc_now() + timedelta(seconds=5)), JobRecord.seq.add(1)])


def job_without_its_time_of_the_end(world: StoredWorld) -> None:
    JobRecord(world.cancelled).update([JobRecord.completed_at.remove()])


def lease_after_the_end(world: StoredWorld) -> None:
    lease: Any = getattr(JobRecord.steps, Stage.IMAGE_GENERATION.folder).lease_until
    JobRecord(world.cancelled).update([lease.set(utc_now() + timedelta(hours=1))])


def execution_waits_for_a_completed_step(world: StoredWorld) -> None:
    complete_step(world.queued, Stage.IMAGE_GENERATION)
    JobRecord(world.queued).update([JobRecord.updated_at.set(utc_now() - timedelta(hours=1))])


def completed_job_with_an_open_step(world: StoredWorld) -> None:
    status: Any = getattr(JobRecord.steps, LAST.folder).status
    JobRecord(world.completed).update([status.set(JobStatus.FAILED.value)])


def result_row_lost(world: StoredWorld) -> None:
    attempt = jobs.get(world.completed).step(LAST).attempt
    StepResultRecord(world.completed, f"{LAST}#{attempt}").delete()


def film_lost(world: StoredWorld) -> None:
    attempt = str(jobs.get(world.completed).step(LAST).attempt)
    media.delete_below(f"{delivery_prefix(world.completed, LAST)}{attempt}/")


def answer_about_a_job_that_was_never_created(_world: StoredWorld) -> None:
    IdempotencyRecord(
        "key", body_hash="x", response=json.dumps({"id": f"job_{ULID()}"}), expires_at=utc_now() + timedelta(hours=1)
    ).save()


def claim_lost(world: StoredWorld) -> None:
    EmailClaimRecord(UserRecord.get(world.ada.user_id).email).delete()


def claim_without_a_user(_world: StoredWorld) -> None:
    EmailClaimRecord("eve@example.com", user_id="usr_gone").save()


def asset_file_lost(world: StoredWorld) -> None:
    media.delete_below(f"assets/{world.asset}/")


def slot_of_an_ended_job(world: StoredWorld) -> None:
    account = SlotsRecord(world.ada.user_id)
    account.update([SlotsRecord.running.add({world.failed})])
    SlotsRecord("deployment").update([SlotsRecord.running.add({f"{world.ada.user_id}#{world.failed}"})])
    end = utc_now() - timedelta(hours=1)
    JobRecord(world.failed).update([JobRecord.completed_at.set(end), JobRecord.updated_at.set(end)])


def slot_of_a_job_that_does_not_exist(world: StoredWorld) -> None:
    job_id = f"job_{ULID()}"
    SlotsRecord(world.ada.user_id).update([SlotsRecord.running.add({job_id})])
    SlotsRecord("deployment").update([SlotsRecord.running.add({f"{world.ada.user_id}#{job_id}"})])


def slot_of_the_account_lost(world: StoredWorld) -> None:
    SlotsRecord(world.ada.user_id).update([SlotsRecord.running.delete({world.running})])


def number_of_waiting_jobs_wrong(world: StoredWorld) -> None:
    SlotsRecord(world.ada.user_id).update([SlotsRecord.waiting.add(1)])


def waiting_job_lost(world: StoredWorld) -> None:
    WaitingRecord(world.ada.user_id, world.waiting).delete()
    SlotsRecord(world.ada.user_id).update([SlotsRecord.waiting.add(-1)])


def old_row_of_a_deleted_job(_world: StoredWorld) -> None:
    job_id = id_from("job", utc_now().timestamp() - 10 * 86400) + "A" * 16
    StepTokenRecord(job_id, LAST.value, token="x", expires_at=utc_now() + timedelta(days=1)).save()  # not a secret


def owner_not_counted(world: StoredWorld) -> None:
    OrganizationRecord(world.organization).update([OrganizationRecord.owners.set(0)])


def organization_without_an_owner(world: StoredWorld) -> None:
    MemberRecord(world.organization, world.ada.user_id).update([MemberRecord.role.set("ADMIN")])
    owner_not_counted(world)


def member_lost(world: StoredWorld) -> None:
    MemberRecord(world.organization, world.ada.user_id).delete()


def slug_claim_lost(world: StoredWorld) -> None:
    SlugClaimRecord("harbour-films").delete()


def slug_claim_without_an_organization(_world: StoredWorld) -> None:
    SlugClaimRecord("nobodys", organization_id="org_nobody").save()


CORRUPTIONS: dict[Callable[[StoredWorld], None], str] = {
    ledger_entry_lost: "I1",
    balance_negative: "I1",
    hold_of_a_completed_job_released: "I2",
    capture_without_ledger: "I2",
    charge_above_the_hold: "I2",
    hold_open_after_the_end: "I2",
    hold_open_without_a_job: "I2",
    hold_missing_in_the_index: "I2",
    hold_lost: "I2",
    spec_lost: "I7",
    job_past_its_deadline: "I3",
    job_written_after_its_end: "I5",
    job_without_its_time_of_the_end: "I3",
    lease_after_the_end: "I3",
    execution_waits_for_a_completed_step: "I3",
    completed_job_with_an_open_step: "I2",
    result_row_lost: "I4",
    film_lost: "I4",
    answer_about_a_job_that_was_never_created: "I7",
    claim_lost: "I13",
    claim_without_a_user: "I13",
    owner_not_counted: "I9",
    organization_without_an_owner: "I9",
    member_lost: "I9",
    slug_claim_lost: "I13",
    slug_claim_without_an_organization: "I13",
    asset_file_lost: "I4",
    slot_of_an_ended_job: "I21",
    slot_of_a_job_that_does_not_exist: "I21",
    slot_of_the_account_lost: "I21",
    number_of_waiting_jobs_wrong: "I21",
    waiting_job_lost: "I21",
    old_row_of_a_deleted_job: "I12",
}


@pytest.mark.parametrize("plant", CORRUPTIONS, ids=lambda plant: plant.__name__)
def test_each_corruption_is_one_finding(world: StoredWorld, plant: Callable[[StoredWorld], None]) -> None:
    plant(world)
    assert [finding.invariant for finding in found()] == [CORRUPTIONS[plant]], found()


def test_the_lease_of_a_fast_clock_is_no_finding_after_its_end(world: StoredWorld) -> None:
    lease_after_the_end(world)
    later = audit.findings(utc_now() + timedelta(hours=1, minutes=1))
    assert world.cancelled not in {finding.subject for finding in later if finding.invariant == "I3"}


def test_old_objects_without_a_record_are_one_finding_for_each_owner(world: StoredWorld) -> None:
    for name in ("a", "b"):
        s3().put_object(Bucket=BUCKET, Key=f"jobs/job_gone/post_processing/{ULID()}/{name}", Body=b"x")
    s3().put_object(Bucket=BUCKET, Key="assets/ast_gone/clean", Body=b"x")
    later = utc_now() + audit.SWEPT_WITHIN + timedelta(minutes=1)
    found = {(f.subject, f.sentence[:9]) for f in audit.findings(later) if f.invariant == "I12"}
    assert {("job_gone", "2 objects"), ("ast_gone", "1 objects")} <= found
    assert "job_gone" not in {f.subject for f in audit.findings(utc_now())}, "the sweep has not had its time"


def test_at_rest_live_jobs_open_holds_and_messages_are_findings(world: StoredWorld) -> None:
    queues.send(VERIFICATION_QUEUE, AssetVerificationTask(asset_id=world.asset), group="x")
    subjects = {finding.subject for finding in found(at_rest=True)}
    assert subjects >= {world.running, world.queued, world.ada.user_id, VERIFICATION_QUEUE}
    assert world.completed not in {f.subject for f in found(at_rest=True) if f.invariant != "I12"}


def test_a_finding_that_a_second_reading_does_not_confirm_is_dropped(
    world: StoredWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hold that is read before its job's end looks open after it."""
    real, changed = find_jobs, list[object]()

    def end_meanwhile(job_ids: Any) -> Any:
        if not changed:
            changed.append(settlement.cancel(jobs.get(world.queued), at=utc_now()))
        return real(job_ids)

    monkeypatch.setattr(audit, "find_jobs", end_meanwhile)
    assert found() == []
    assert changed


def test_the_handler_reports_findings_with_ids_and_without_addresses(world: StoredWorld, logged: Any) -> None:
    claim_lost(world)
    assert audit.handler({}, None)["found"] == 1
    line, *_ = [json.loads(line) for line in logged.getvalue().splitlines() if "invariant broken" in line]
    assert (line["invariant"], line["subject"]) == ("I13", world.ada.user_id)
    assert "@" not in logged.getvalue()
    assert audit.handler({}, None) == {"pages": 0, "found": 0, "complete": True}, "one audit a day"


def test_a_row_that_cannot_be_decoded_does_not_stop_the_audit(world: StoredWorld, logged: Any) -> None:
    claim_lost(world)
    AssetRecord._get_connection().put_item("ast_bad", attributes={"created_at": {"S": "not a time"}})
    assert [finding.invariant for finding in found()] == ["I13"]
    assert "row not readable" in logged.getvalue()
