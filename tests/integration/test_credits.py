"""Credits: the accounts stay correct for every order and number of operations on jobs (I1, I2, I3)."""

from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from ulid import ULID

from shared.aws import media
from shared.aws.transactions import Transaction, transaction
from shared.core.clock import utc_now
from shared.core.errors import Conflict
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord
from shared.credits.store import HoldEnded, credits
from shared.jobs import settlement
from shared.jobs.record import JobRecord, JobStatus, StepResultRecord
from shared.jobs.store import JobEnded, jobs
from shared.stages.stages import Stage
from tests.support.cloud import AtCall, ProcessDied, nothing
from tests.support.life import tokens_honoured
from tests.support.steps import allow, claim, complete_steps, stored_keys
from tests.support.studio import Creator, Studio

POST = Stage.POST_PROCESSING
ENDS = {
    JobStatus.COMPLETED: lambda job: settlement.complete(job, at=utc_now()),
    JobStatus.FAILED: lambda job: settlement.fail(job, error="It broke.", at=utc_now()),
    JobStatus.CANCELLED: lambda job: settlement.cancel(job, at=utc_now()),
}


def check_books(account_id: str, job_ids: list[str]) -> None:
    """Check the invariants against the stored items."""
    account = AccountRecord.get(account_id)
    ledger = list(LedgerRecord.query(account_id))
    holds = {job_id: HoldRecord.get(job_id) for job_id in job_ids}
    assert sum(entry.credits for entry in ledger) == account.available + account.held
    assert account.available >= 0
    assert account.held == sum(hold.credits for hold in holds.values() if hold.state == "HELD")
    for job_id, hold in holds.items():
        job = JobRecord.get(job_id)
        assert (hold.state == "CAPTURED") == (job.status == JobStatus.COMPLETED)
        assert (hold.state == "HELD") == (not JobStatus(job.status).ended)
        assert (hold.open is None) == (hold.state != "HELD")
    charged = Counter(entry.operation_id for entry in ledger if entry.credits < 0)
    assert charged == Counter(f"capture#{job_id}" for job_id, hold in holds.items() if hold.state == "CAPTURED")
    assert set(credits.open_holds(before_job_id="z")) == {i for i, hold in holds.items() if hold.state == "HELD"}


# --- one at a time


def test_a_job_without_credits_is_refused_with_402_and_writes_nothing(studio: Studio) -> None:
    poor = studio.arrive("poor@example.com", credits=5)
    project = poor.project()
    before = studio.dump()
    answer = poor.post("/api/jobs", {"projectId": project, "prompt": "a lighthouse"}, key="once")
    assert (answer.status, answer.body["code"], answer.body["creditsNeeded"]) == (402, "not_enough_credits", 6)
    assert studio.dump() == before
    assert "StartExecution" not in studio.cloud.calls


def test_the_last_credit_can_be_spent(studio: Studio) -> None:
    poor = studio.arrive("poor@example.com", credits=6)
    job = poor.job(poor.project())
    assert job["credits"] == 6
    assert credits.account(poor.user_id).available == 0


def test_a_completed_job_is_charged_what_it_was_quoted(ada: Creator) -> None:
    job = ada.job(ada.project())
    settlement.complete(complete_steps(job["id"]), at=utc_now())
    account = credits.account(ada.user_id)
    assert (account.available, account.held) == (100 - job["credits"], 0)
    assert HoldRecord.get(job["id"]).state == "CAPTURED"
    capture = LedgerRecord.get(ada.user_id, f"capture#{job['id']}")
    assert capture.credits == -job["credits"]


def test_a_job_with_a_step_missing_cannot_complete(ada: Creator) -> None:
    job = settlement.complete(jobs.get(ada.job(ada.project())["id"]), at=utc_now())
    assert job.status == JobStatus.FAILED
    assert job.error is not None
    assert credits.account(ada.user_id).available == 100


def test_a_film_does_not_replace_the_result_of_an_earlier_step(ada: Creator) -> None:
    job_id = ada.job(ada.project())["id"]
    complete_steps(job_id)
    step = getattr(JobRecord.steps, Stage.IMAGE_GENERATION.folder)
    JobRecord(job_id).update([step.status.set(JobStatus.RUNNING.value)])
    job = settlement.complete(jobs.get(job_id), at=utc_now())
    assert (job.status, credits.account(ada.user_id).available) == (JobStatus.FAILED, 100)


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ENDS)
def test_the_first_settlement_decides(studio: Studio, ada: Creator, first: JobStatus, second: JobStatus) -> None:
    """Both writers have read the job before either of them settled it."""
    job_id = ada.job(ada.project())["id"]
    as_read = complete_steps(job_id)
    assert ENDS[first](as_read).status == first
    before = studio.dump()
    assert ENDS[second](as_read).status == first
    assert studio.dump() == before
    check_books(ada.user_id, [job_id])


def test_credits_do_not_move_twice_even_if_the_job_could_end_twice(ada: Creator) -> None:
    """The hold has its own condition, besides the condition of the settlement on the job."""
    project = ada.project()
    other = ada.job(project)  # its held credits must stay held
    hold = credits.get_hold(ada.job(project)["id"])
    with transaction() as tx:
        credits.release(hold, tx=tx)
    again, later = Transaction(), Transaction()
    credits.release(hold, tx=again)
    credits.capture(hold, 1, at=utc_now(), tx=later)
    for tx in (again, later):
        with pytest.raises(HoldEnded):
            tx.commit()
    account = credits.account(ada.user_id)
    assert (account.available, account.held) == (100 - other["credits"], other["credits"])


def test_no_more_credits_are_returned_than_were_held(studio: Studio, ada: Creator) -> None:
    hold = credits.get_hold(ada.job(ada.project())["id"])
    hold.credits += 1
    before = studio.dump()
    with pytest.raises(HoldEnded), transaction() as tx:
        credits.release(hold, tx=tx)
    assert studio.dump() == before


def test_a_job_whose_hold_ended_alone_is_not_reported_as_settled(ada: Creator) -> None:
    job = jobs.get(ada.job(ada.project())["id"])
    with transaction() as tx:
        credits.release(credits.get_hold(job.job_id), tx=tx)
    with pytest.raises(HoldEnded):
        settlement.fail(job, error="It broke.", at=utc_now())


@pytest.mark.parametrize("status", ENDS)
def test_an_ended_job_does_not_change_even_without_the_condition_on_the_hold(
    studio: Studio, ada: Creator, status: JobStatus
) -> None:
    job_id = ada.job(ada.project())["id"]
    ENDS[status](complete_steps(job_id))
    before = studio.dump()
    for other in ENDS:
        tx = Transaction()
        jobs.finish(job_id, other, error=None, at=utc_now(), tx=tx)
        with pytest.raises(JobEnded):
            tx.commit()
    assert studio.dump() == before


def test_a_deleted_job_does_not_end(studio: Studio, ada: Creator) -> None:
    """Also without the condition on the hold: an update would create a job without its attributes."""
    before, tx = studio.dump(), Transaction()
    jobs.finish("job_deleted", JobStatus.FAILED, error=None, at=utc_now(), tx=tx)
    with pytest.raises(JobEnded):
        tx.commit()
    assert studio.dump() == before


def test_the_charge_is_limited_to_the_hold_and_the_rest_is_released(ada: Creator) -> None:
    job = ada.job(ada.project())
    hold = credits.get_hold(job["id"])
    with transaction() as tx:
        credits.capture(hold, 2, at=utc_now(), tx=tx)
    assert credits.account(ada.user_id).available == 98
    more = ada.job(ada.project())
    with transaction() as tx:
        credits.capture(credits.get_hold(more["id"]), 1000, at=utc_now(), tx=tx)
    account = credits.account(ada.user_id)
    assert (account.available, account.held) == (98 - more["credits"], 0)


@pytest.mark.parametrize("forged", [-1_000_000, 0, 1_000_000])
def test_a_forged_amount_in_the_job_item_moves_no_credits(ada: Creator, forged: int) -> None:
    """A worker can write the job item. The charge is the amount of the hold."""
    job = ada.job(ada.project())
    complete_steps(job["id"])
    JobRecord(job["id"]).update([JobRecord.credits.set(forged)])
    assert settlement.complete(jobs.get(job["id"]), at=utc_now()).status == JobStatus.COMPLETED
    account = credits.account(ada.user_id)
    assert (account.available, account.held) == (100 - job["credits"], 0)
    assert LedgerRecord.get(ada.user_id, f"capture#{job['id']}").credits == -job["credits"]
    check_books(ada.user_id, [job["id"]])


def test_a_forged_amount_does_not_change_the_charge_of_a_hold_that_stayed_open(ada: Creator) -> None:
    job = ada.job(ada.project())
    complete_steps(job["id"])
    ended = [JobRecord.status.set(JobStatus.COMPLETED.value), JobRecord.completed_at.set(utc_now())]
    JobRecord(job["id"]).update([JobRecord.credits.set(0), *ended])
    assert settlement.end_hold(job["id"], jobs.get(job["id"]), at=utc_now())
    account = credits.account(ada.user_id)
    assert (account.available, account.held) == (100 - job["credits"], 0)


def test_a_negative_amount_is_neither_held_nor_captured(studio: Studio, ada: Creator) -> None:
    hold = credits.get_hold(ada.job(ada.project())["id"])
    before = studio.dump()
    with pytest.raises(ValueError, match="-1 credits"), transaction() as tx:
        credits.capture(hold, -1, at=utc_now(), tx=tx)
    with pytest.raises(ValueError, match="-1 credits"), transaction() as tx:
        credits.hold("job_x", account_id=ada.user_id, credits=-1, paid=False, at=utc_now(), tx=tx)
    assert studio.dump() == before


# --- the film


def test_a_job_whose_film_is_missing_fails_uncharged(ada: Creator) -> None:
    job = complete_steps(ada.job(ada.project())["id"])
    [playlist] = [key for key in stored_keys(job.job_id) if key.endswith("/playlist")]
    media.delete_below(playlist)
    settled = settlement.complete(job, at=utc_now())
    assert (settled.status, settled.error) == ("FAILED", "The finished film was lost. Nothing was charged.")
    assert credits.account(ada.user_id).available == 100
    check_books(ada.user_id, [job.job_id])


def test_a_job_that_names_an_attempt_without_a_result_fails_uncharged(ada: Creator) -> None:
    """Another attempt has stored a film, but the job does not name that attempt."""
    job = complete_steps(ada.job(ada.project())["id"])
    forged = str(ULID())
    allow(job.job_id, POST, forged)
    JobRecord(job.job_id).update([getattr(JobRecord.steps, POST.folder).attempt.set(forged)])
    assert settlement.complete(jobs.get(job.job_id), at=utc_now()).status == JobStatus.FAILED
    assert credits.account(ada.user_id).available == 100


def test_a_result_without_a_film_fails_uncharged(ada: Creator) -> None:
    job = complete_steps(ada.job(ada.project())["id"])
    StepResultRecord(job.job_id, f"{POST}#{job.step(POST).attempt}", outputs=[], metrics="{}").save()
    assert settlement.complete(job, at=utc_now()).status == JobStatus.FAILED
    assert credits.account(ada.user_id).available == 100


def test_a_job_is_not_ended_while_s3_does_not_answer(studio: Studio, ada: Creator) -> None:
    job = complete_steps(ada.job(ada.project())["id"])
    studio.cloud.broken["ListObjectsV2"] = EndpointConnectionError(endpoint_url="x")
    with pytest.raises(EndpointConnectionError):
        settlement.complete(job, at=utc_now())
    assert HoldRecord.get(job.job_id).state == "HELD"
    studio.cloud.broken.clear()
    assert settlement.complete(job, at=utc_now()).status == JobStatus.COMPLETED


# --- transactions


def test_an_account_is_opened_once(studio: Studio, ada: Creator) -> None:
    before = studio.dump()
    tx = Transaction()
    credits.open_account(ada.user_id, opening=1000, at=utc_now(), tx=tx)
    with pytest.raises(Conflict):
        tx.commit()
    assert studio.dump() == before


def test_each_write_of_a_transaction_raises_its_own_error(studio: Studio, ada: Creator) -> None:
    """DynamoDB reports reasons in the order of sending (checks, deletes, puts, updates), not in the order of calls."""
    before = studio.dump()

    class Named(Exception):
        pass

    for wrong in ("check", "delete", "put", "update"):
        there, absent = AccountRecord.account_id.exists(), AccountRecord.account_id.does_not_exist()
        tx = Transaction()
        enough = AccountRecord.held >= (1 if wrong == "update" else 0)
        tx.update(AccountRecord(ada.user_id), [AccountRecord.held.add(1)], enough, otherwise=Named("update"))
        new = AccountRecord("usr_new", available=0, held=0)
        tx.put(new, there if wrong == "put" else absent, otherwise=Named("put"))
        tx.delete(AccountRecord("usr_gone"), there if wrong == "delete" else absent, otherwise=Named("delete"))
        tx.check(AccountRecord, "usr_nobody", there if wrong == "check" else absent, otherwise=Named("check"))
        with pytest.raises(Named, match=f"^{wrong}$"):
            tx.commit()
    assert studio.dump() == before


def met(code: str, *reasons: str) -> ClientError:
    """Return DynamoDB's error for a write that conflicts with another one; `reasons` are those of a transaction."""
    response: Any = {
        "Error": {"Code": code, "Message": ""},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(response, "x")


@pytest.mark.parametrize("code", ["TransactionInProgressException", "ThrottlingException"])
def test_a_transaction_that_is_throttled_or_in_progress_is_retried(studio: Studio, ada: Creator, code: str) -> None:
    studio.cloud.fails_once["TransactWriteItems"] = [met(code)] * 2
    studio.cloud.calls.clear()
    assert ada.post("/api/projects", {"name": "Harbour"}).status == 201
    assert studio.cloud.calls.count("TransactWriteItems") == 3


def test_each_try_of_a_transaction_has_the_same_token(studio: Studio, ada: Creator) -> None:
    """The first try is applied, and its answer is an error. A second token would make DynamoDB refuse the retry."""
    job = complete_steps(ada.job(ada.project())["id"])

    def fail(operation: str) -> None:
        if operation == "TransactWriteItems":
            studio.cloud.afterwards = nothing
            raise met("TransactionInProgressException")

    with tokens_honoured():
        studio.cloud.afterwards = fail
        with transaction() as tx:
            credits.capture(credits.get_hold(job.job_id), 1, at=utc_now(), tx=tx)
    assert credits.account(ada.user_id).available == 99


def test_a_settlement_that_dies_at_any_call_ends_job_and_hold_together(studio: Studio) -> None:
    ada = studio.arrive("rich@example.com", credits=1000)
    project, number, died = ada.project(), 0, True
    while died:
        number, died = number + 1, False
        job = complete_steps(ada.job(project)["id"])
        hook = AtCall(studio.cloud, number, lambda _: studio.cloud.die())
        studio.cloud.afterwards = hook
        try:
            settlement.complete(job, at=utc_now())
        except ProcessDied:
            died = True
        studio.cloud.dead, studio.cloud.afterwards = False, nothing
        check_books(ada.user_id, [job.job_id for job in JobRecord.by_account.query(ada.user_id)])
    assert number > 4


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_a_transaction_that_conflicts_with_another_is_retried(studio: Studio, ada: Creator, reason: str) -> None:
    studio.cloud.fails_once["TransactWriteItems"] = [met("TransactionCanceledException", "None", reason)] * 2
    studio.cloud.calls.clear()
    assert ada.post("/api/projects", {"name": "Harbour"}).status == 201
    assert studio.cloud.calls.count("TransactWriteItems") == 3


def test_a_refused_transaction_is_not_retried(studio: Studio) -> None:
    poor = studio.arrive("poor@example.com", credits=0)
    project = poor.project()
    studio.cloud.calls.clear()
    assert poor.post("/api/jobs", {"projectId": project, "prompt": "a lake"}).status == 402
    assert studio.cloud.calls.count("TransactWriteItems") == 1


def test_a_write_that_conflicts_with_a_transaction_is_retried(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    studio.cloud.fails_once["UpdateItem"] = [met("TransactionConflictException")]
    assert ada.patch(f"/api/projects/{project}", {"name": "Harbour at dawn"}).status == 200
    studio.cloud.fails_once["DeleteItem"] = [met("TransactionConflictException")]
    assert ada.delete(f"/api/projects/{project}").status == 204


def test_a_workers_write_that_conflicts_with_a_transaction_is_retried(studio: Studio, ada: Creator) -> None:
    """It does not ask for the new item, so it is another call."""
    job_id = str(ada.job(ada.project())["id"])
    studio.cloud.fails_once["UpdateItem"] = [met("TransactionConflictException")]
    attempt = claim(job_id, Stage.IMAGE_GENERATION)
    assert jobs.get(job_id).step(Stage.IMAGE_GENERATION).attempt == attempt


# --- any order and number of operations


class Account(RuleBasedStateMachine):
    """Jobs of one account: submitted while credits last, and ended by any caller with any earlier reading."""

    running: Bundle[str] = Bundle("running")
    readings: Bundle[JobRecord] = Bundle("readings")
    ada: Creator
    deployment: Studio

    @initialize(opening=st.integers(0, 30))
    def begin(self, opening: int) -> None:
        self.deployment.wipe()
        self.ada = self.deployment.arrive("ada@example.com", credits=opening)
        self.project = self.ada.project()
        self.jobs: list[str] = []
        self.endings: dict[str, str] = {}

    @rule(target=running, duration=st.sampled_from([1, 5, 10]))
    def submit(self, duration: int) -> MultipleResults[str] | str:
        before = credits.account(self.ada.user_id).available
        body = {"projectId": self.project, "prompt": "a lake", "presetId": "static", "settings": {"duration": duration}}
        answer = self.ada.post("/api/jobs", body)
        if answer.status == 402:
            assert before < answer.body["creditsNeeded"]
            return multiple()
        assert answer.status == 202
        assert before - answer.body["credits"] == credits.account(self.ada.user_id).available
        self.jobs.append(answer.body["id"])
        return str(answer.body["id"])

    @rule(target=readings, job_id=running)
    def read(self, job_id: str) -> JobRecord:
        return jobs.get(job_id)

    @rule(target=readings, job_id=consumes(running))
    def work(self, job_id: str) -> MultipleResults[JobRecord] | JobRecord:
        if JobStatus(jobs.get(job_id).status).ended:
            return multiple()
        return complete_steps(job_id)

    @rule(reading=readings, end=st.sampled_from(sorted(ENDS)))
    def settle(self, reading: JobRecord, end: JobStatus) -> None:
        settled = ENDS[end](reading)
        assert JobStatus(settled.status).ended
        assert self.endings.setdefault(reading.job_id, settled.status) == settled.status

    @rule(job_id=running)
    def cancel(self, job_id: str) -> None:
        assert self.ada.post(f"/api/jobs/{job_id}/cancel").status in {200, 409}

    @invariant()
    def the_books_are_right(self) -> None:
        if hasattr(self, "ada"):
            check_books(self.ada.user_id, self.jobs)


@pytest.mark.parametrize("examples", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_the_books_are_right_after_any_operations(deployment: Studio, examples: int) -> None:
    class Here(Account):
        pass

    Here.deployment = deployment
    run_state_machine_as_test(Here, settings=settings(max_examples=examples, stateful_step_count=15))
