"""Conditional writes: each recognizes its own success when its answer is lost, and no other success (I4, I6)."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from botocore.exceptions import ConnectionClosedError
from pynamodb.exceptions import PutError, PynamoDBException, UpdateError

from shared.assets.record import AssetRecord, AssetStatus
from shared.assets.store import AssetNotFound, assets
from shared.assets.verifications import verifications
from shared.core.clock import utc_now
from shared.credentials.store import CredentialStore
from shared.grants.store import grants, step_task
from shared.jobs import settlement
from shared.jobs.record import JobRecord, JobStatus, StepTicketRecord
from shared.jobs.steps import AlreadyCompleted, Fenced, Leased, steps
from shared.jobs.store import JobEnded, jobs
from shared.jobs.tickets import Refused, tickets
from shared.projects.store import ProjectNotEmpty, ProjectNotFound, projects
from shared.stages.failures import StageFailure
from shared.stages.stages import Stage
from tests.support.steps import LEASE, claim, result_of
from tests.support.studio import Creator, Studio

IMAGE = Stage.IMAGE_GENERATION
STEP_ENDS = ("record_result", "record_failure", "record_retryable_failure", "release")


@pytest.fixture
def job_id(ada: Creator) -> str:
    return str(ada.job(ada.project())["id"])


def step_write(job_id: str, name: str, attempt: str) -> Callable[[], object]:
    at, of = utc_now(), partial
    match name:
        case "claim":
            return of(steps.claim, job_id, IMAGE, attempt=attempt, lease_until=at + LEASE, at=at)
        case "beat":
            return of(steps.beat, job_id, IMAGE, attempt=attempt, lease_until=at + LEASE, progress=(7, 2), at=at)
        case "release":
            return of(steps.release, job_id, IMAGE, attempt=attempt, at=at)
        case "record_result":
            job, result = jobs.get(job_id), result_of(job_id, IMAGE, attempt)
            return of(steps.record_result, job, IMAGE, result, attempt=attempt, at=at)
        case _:
            failure = StageFailure("x", "It broke.", retryable="retryable" in name)
            return of(steps.record_failure, job_id, IMAGE, failure, attempt=attempt, at=at)


@pytest.mark.parametrize("operation", ["UpdateItem", "DeleteItem", "TransactWriteItems"])
def test_a_write_that_is_not_answered_raises_the_error_of_the_table(
    studio: Studio, job_id: str, operation: str
) -> None:
    """Each caller knows this error. Another one is a fault of our code, which dispatch does not retry."""
    studio.cloud.broken[operation] = ConnectionClosedError(endpoint_url="x")
    writes: dict[str, Callable[[], object]] = {
        "UpdateItem": step_write(job_id, "claim", "mine"),
        "DeleteItem": lambda: JobRecord(job_id).delete(),
        "TransactWriteItems": lambda: settlement.cancel(jobs.get(job_id), at=utc_now()),
    }
    with pytest.raises(PynamoDBException):
        writes[operation]()


# --- steps


def test_a_claim_whose_answer_is_lost_succeeds_once(studio: Studio, job_id: str) -> None:
    studio.cloud.loses_once("UpdateItem")
    at = utc_now()
    claimed = steps.claim(job_id, IMAGE, attempt="mine", lease_until=at + LEASE, at=at)
    assert (claimed.status, claimed.step(IMAGE).attempt, claimed.step(IMAGE).attempts) == ("RUNNING", "mine", 1)
    assert studio.cloud.calls[-3:] == ["UpdateItem", "GetItem", "GetItem"]
    with pytest.raises(Leased):
        step_write(job_id, "claim", "another")()


def test_a_claim_whose_answer_is_lost_is_refused_if_the_job_has_ended(studio: Studio, job_id: str) -> None:
    def cancel(_: str) -> None:
        studio.cloud.loses_once("nothing")
        settlement.cancel(jobs.get(job_id), at=utc_now())
        studio.cloud.loses_once("UpdateItem")
        studio.cloud.afterwards("UpdateItem")

    studio.cloud.afterwards = cancel
    with pytest.raises(JobEnded):
        step_write(job_id, "claim", "mine")()


def test_a_result_is_stored_before_its_step_is_complete(studio: Studio, job_id: str) -> None:
    """Otherwise a worker that dies between the two writes leaves a complete step without its files."""
    write = step_write(job_id, "record_result", claim(job_id, IMAGE))
    studio.cloud.calls.clear()
    write()
    assert studio.cloud.calls == ["PutItem", "UpdateItem"]


@pytest.mark.parametrize("name", ["beat", *STEP_ENDS])
def test_the_write_of_an_attempt_whose_answer_is_lost_succeeds(studio: Studio, job_id: str, name: str) -> None:
    write = step_write(job_id, name, claim(job_id, IMAGE))
    studio.cloud.loses_once("UpdateItem")
    write()
    step = jobs.get(job_id).step(IMAGE)
    assert step.status == {
        "beat": "RUNNING", "record_result": "COMPLETED", "record_failure": "FAILED",
        "record_retryable_failure": "QUEUED", "release": "QUEUED",
    }[name]  # fmt: skip


@pytest.mark.parametrize("name", ["beat", *STEP_ENDS])
@pytest.mark.parametrize("other", ["claim", *STEP_ENDS])
def test_the_success_of_another_attempt_is_refused(studio: Studio, job_id: str, name: str, other: str) -> None:
    mine = claim(job_id, IMAGE, utc_now() - timedelta(minutes=1))
    write = step_write(job_id, name, mine)
    another = claim(job_id, IMAGE)
    if other != "claim":
        step_write(job_id, other, another)()
    before = studio.dump()["kinora-test-jobs"]
    with pytest.raises(Fenced):
        write()
    assert studio.dump()["kinora-test-jobs"] == before


@pytest.mark.parametrize("first", ["release", "record_failure", "record_retryable_failure"])
@pytest.mark.parametrize("late", ["beat", "record_result"])
def test_an_attempt_that_has_given_up_its_step_writes_nothing(
    studio: Studio, job_id: str, first: str, late: str
) -> None:
    """A late beat would lease a step that no worker has."""
    attempt = claim(job_id, IMAGE)
    step_write(job_id, first, attempt)()
    before = studio.dump()["kinora-test-jobs"]
    with pytest.raises(Fenced):
        step_write(job_id, late, attempt)()
    assert studio.dump()["kinora-test-jobs"] == before


def test_a_completed_step_is_not_claimed_by_its_own_attempt(job_id: str) -> None:
    attempt = claim(job_id, IMAGE)
    step_write(job_id, "record_result", attempt)()
    with pytest.raises(AlreadyCompleted):
        step_write(job_id, "claim", attempt)()


# --- tickets


def ticket(job_id: str) -> StepTicketRecord:
    found = tickets.get(job_id, IMAGE)
    assert found is not None
    return found


def intend(job_id: str, attempt: str) -> None:
    tickets.intend(job_id, IMAGE, attempt=attempt, engine="x", held=tickets.get(job_id, IMAGE), at=utc_now())


def test_an_intent_that_is_carried_out_again_after_its_submission_is_refused(job_id: str) -> None:
    for attempt in ("first", "second"):
        held = tickets.get(job_id, IMAGE)
        intend(job_id, attempt)
        tickets.store(job_id, IMAGE, "ticket", attempt=attempt)
        tickets.close(job_id, IMAGE, attempt=attempt)
        with pytest.raises(Refused):
            tickets.intend(job_id, IMAGE, attempt="first", engine="x", held=held, at=utc_now())
    intend(job_id, "third")
    tickets.withdraw(job_id, IMAGE, attempt="third")
    intend(job_id, "fourth")


def test_a_second_submission_is_refused_while_the_first_is_open(job_id: str) -> None:
    intend(job_id, "first")
    with pytest.raises(Refused):
        intend(job_id, "second")
    tickets.store(job_id, IMAGE, "ticket", attempt="first")
    with pytest.raises(Refused):
        intend(job_id, "second")
    assert (ticket(job_id).intent, ticket(job_id).submissions) == ("first", 1)


def test_each_write_of_a_ticket_whose_answer_is_lost_succeeds_once(studio: Studio, job_id: str) -> None:
    writes: list[Callable[[], None]] = [
        lambda: intend(job_id, "first"),
        lambda: tickets.withdraw(job_id, IMAGE, attempt="first"),
        lambda: intend(job_id, "second"),
        lambda: tickets.store(job_id, IMAGE, "ticket", attempt="second"),
        lambda: tickets.claim_poll(job_id, IMAGE, 1, attempt="second"),
        lambda: tickets.adopt(job_id, IMAGE, attempt="third"),
        lambda: tickets.close(job_id, IMAGE, attempt="third"),
    ]
    seen = []
    for write in writes:
        studio.cloud.loses_once("UpdateItem")
        write()
        found = ticket(job_id)
        seen.append((found.intent, found.ticket, found.attempt, int(found.poll_no), int(found.submissions)))
    assert seen == [
        ("first", None, "first", 0, 1), (None, None, "first", 0, 0), ("second", None, "second", 0, 1),
        ("second", "ticket", "second", 0, 1), ("second", "ticket", "second", 1, 1),
        ("second", "ticket", "third", 1, 1), (None, None, "third", 1, 1),
    ]  # fmt: skip


def test_another_call_cannot_claim_a_claimed_poll(studio: Studio, job_id: str) -> None:
    intend(job_id, "mine")
    tickets.store(job_id, IMAGE, "ticket", attempt="mine")
    studio.cloud.loses_once("UpdateItem")
    tickets.claim_poll(job_id, IMAGE, 1, attempt="mine")
    with pytest.raises(Refused):
        tickets.claim_poll(job_id, IMAGE, 1, attempt="mine")


def test_an_intent_of_another_attempt_is_not_withdrawn(job_id: str) -> None:
    intend(job_id, "first")
    with pytest.raises(Refused):
        tickets.withdraw(job_id, IMAGE, attempt="second")
    tickets.withdraw(job_id, IMAGE, attempt="first")
    with pytest.raises(Refused):
        tickets.withdraw(job_id, IMAGE, attempt="second")


def test_a_ticket_changes_only_in_its_state_and_by_its_attempt(job_id: str) -> None:
    def refused(write: Callable[..., None], *given: object, attempt: str) -> None:
        with pytest.raises(Refused):
            write(job_id, IMAGE, *given, attempt=attempt)

    intend(job_id, "first")
    refused(tickets.store, "ticket", attempt="second")
    refused(tickets.adopt, attempt="first")
    refused(tickets.claim_poll, 1, attempt="first")
    tickets.store(job_id, IMAGE, "ticket", attempt="first")
    refused(tickets.withdraw, attempt="first")
    refused(tickets.claim_poll, 1, attempt="second")
    refused(tickets.close, attempt="second")
    assert (ticket(job_id).ticket, ticket(job_id).attempt, int(ticket(job_id).poll_no)) == ("ticket", "first", 0)


# --- other records


def test_the_deletion_of_a_project_whose_answer_is_lost_succeeds(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    studio.cloud.loses_once("DeleteItem")
    assert ada.delete(f"/api/projects/{project}").status == 204
    with pytest.raises(ProjectNotFound):
        projects.delete(project, accounts={ada.user_id})
    full = ada.project()
    ada.job(full)
    with pytest.raises(ProjectNotEmpty):
        projects.delete(full, accounts={ada.user_id})


def test_each_write_of_an_asset_whose_answer_is_lost_succeeds(studio: Studio, ada: Creator) -> None:
    asset = assets.get(ada.asset(status=AssetStatus.PENDING))
    writes: list[Callable[[], object]] = [
        lambda: verifications.begin(asset, at_once=1, at=utc_now()),
        lambda: assets.accept(asset, key="k", media_type="m", size=1, width=None, height=None, duration=None),
        lambda: assets.withdraw(asset),
    ]
    operations = ("TransactWriteItems", "UpdateItem", "UpdateItem")
    for write, operation, status in zip(writes, operations, ("VERIFYING", "READY", "REJECTED"), strict=True):
        studio.cloud.loses_once(operation)
        write()
        assert assets.get(asset.asset_id).status == status
    studio.cloud.loses_once("DeleteItem")
    assets.delete(asset)
    with pytest.raises(AssetNotFound):
        assets.withdraw(asset)


def test_an_asset_of_another_account_is_not_deleted(ada: Creator) -> None:
    asset_id = ada.asset()
    stolen = AssetRecord(asset_id, account_id="usr_eve")
    with pytest.raises(AssetNotFound):
        assets.delete(stolen)
    with pytest.raises(AssetNotFound):
        assets.withdraw(stolen)
    assert not verifications.begin(stolen, at_once=1, at=utc_now())
    assert assets.get(asset_id).status == AssetStatus.READY


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
def test_a_session_whose_write_lost_its_answer_continues(studio: Studio, operation: str) -> None:
    store, at = CredentialStore(), utc_now()
    studio.cloud.loses_once(operation)
    first = store.begin_family("usr_1", at=at)
    _, second = store.rotate(first, at=at)
    assert second.seq == 1
    assert store.rotate(first, at=at) == ("usr_1", second)
    assert store.rotate(second, at=at)[1].seq == 2


def test_the_job_of_a_lost_result_is_complete(studio: Studio, job_id: str) -> None:
    """The attempt's own result is recognized after the job has moved on, too."""
    write = step_write(job_id, "record_result", claim(job_id, IMAGE))
    write()
    claim(job_id, Stage.VIDEO_SYNTHESIS)
    settlement.cancel(jobs.get(job_id), at=utc_now())
    write()
    assert jobs.get(job_id).step(IMAGE).status == JobStatus.COMPLETED


@pytest.mark.usefixtures("studio")
def test_the_token_and_the_proof_of_an_older_message_do_not_replace_newer_ones() -> None:
    """A request that its caller gave up can be carried out after a later one."""
    at, task = utc_now(), step_task("job_1", Stage.VIDEO_SYNTHESIS)
    steps.store_token("job_1", Stage.VIDEO_SYNTHESIS, "newer", at=at)
    proof = grants.issue(task, at=at)
    earlier = at - timedelta(seconds=2)
    with pytest.raises(PutError):
        steps.store_token("job_1", Stage.VIDEO_SYNTHESIS, "older", at=earlier)
    with pytest.raises(UpdateError):
        grants.issue(task, at=earlier)
    assert steps.token("job_1", Stage.VIDEO_SYNTHESIS) == "newer"
    grants.admit(task, "attempt", proof=proof)
