"""Tests that moto does not support: many threads with isolated transactions, and refusals of the real engine."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, TypeVar

import pytest

from functions.pipeline import reconcile
from infra.tables import RECORDS
from shared.access.permissions import AccountRole
from shared.aws.records import connection, read_together
from shared.aws.transactions import Transaction, transaction
from shared.core.clock import utc_now
from shared.core.errors import AppError
from shared.core.ids import id_from
from shared.credentials.store import CredentialStore
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.record import JobRecord, JobSpecRecord, JobStatus
from shared.jobs.steps import Fenced, Leased, steps
from shared.jobs.store import jobs
from shared.members.record import MemberRecord
from shared.organizations.record import OrganizationRecord
from shared.rest import quota
from shared.rest.quota import QuotaConfig
from shared.slots import store
from shared.slots.record import SlotsRecord
from shared.slots.store import slots
from shared.stages.stages import Stage
from shared.subscriptions.plans import PLANS
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from shared.users.store import EmailTaken, UserStore
from tests.support.dynamodb_local import UsedUnits, dynamodb_local, missing
from tests.support.machine import run_machine
from tests.support.steps import claim, complete_steps, result_of
from tests.support.studio import Answer, Creator, Studio
from tests.support.studio import studio as deployed
from tools.sizes import item_bytes

pytestmark = [
    pytest.mark.dynamodb_local,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]
THREADS = 10
T = TypeVar("T")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """The studio with its tables in the real engine."""
    log = tmp_path_factory.mktemp("dynamodb") / "log"
    with dynamodb_local(log) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        with deployed() as one:
            yield one


@pytest.fixture
def studio(deployment: Studio) -> Studio:
    """The deployment, which is not wiped: each test uses its own users."""
    deployment.cloud.forget()
    return deployment


@pytest.fixture
def ada(studio: Studio, request: pytest.FixtureRequest) -> Creator:
    return studio.arrive(f"ada-{request.node.name}@example.com")


def at_once(work: Callable[[int], T], threads: int = THREADS) -> list[T]:
    """Call `work` in all threads at the same time, and return their answers."""
    barrier = Barrier(threads)

    def one(number: int) -> T:
        asyncio.set_event_loop(asyncio.new_event_loop())  # Mangum needs a loop in each thread
        try:
            barrier.wait()
            return work(number)
        finally:
            asyncio.get_event_loop().close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def test_of_ten_concurrent_submits_one_succeeds_with_credits_for_one(studio: Studio) -> None:
    poor = studio.arrive("poor@example.com", credits=6)
    project = poor.project()

    def submit(_: int) -> Answer:
        return poor.post("/api/jobs", {"projectId": project, "prompt": "a lake"})

    answers = at_once(submit)
    assert Counter(answer.status for answer in answers) == {202: 1, 402: THREADS - 1}
    assert len(poor.list("/api/jobs")) == 1
    assert poor.get(f"/api/projects/{project}").body["jobCount"] == 1
    account = AccountRecord.get(poor.user_id, consistent_read=True)
    assert (account.available, account.held) == (0, 6)


def test_ten_concurrent_submits_succeed_with_credits_for_all(ada: Creator) -> None:
    """They conflict on the items of the account and the project. All are retried; each of them succeeds."""
    project = ada.project()
    answers = at_once(lambda _: ada.post("/api/jobs", {"projectId": project, "prompt": "a lake"}))
    assert [answer.status for answer in answers] == [202] * THREADS
    account = AccountRecord.get(ada.user_id)
    assert (account.available, account.held) == (100 - 6 * THREADS, 6 * THREADS)


def test_ten_concurrent_copies_of_a_request_create_one_job(ada: Creator) -> None:
    project = ada.project()
    answers = at_once(lambda _: ada.post("/api/jobs", {"projectId": project, "prompt": "a lake"}, key="k"))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert len(ada.list("/api/jobs")) == 1
    assert AccountRecord.get(ada.user_id).held == 6


def test_sixteen_concurrent_submits_and_ends_exceed_no_limit_and_lose_no_slot(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thread submits a job, then ends the job of its creator that has had a slot for the longest time."""
    most = 5
    monkeypatch.setattr(store, "SHARD_SLOTS", 2)
    monkeypatch.setenv("KINORA_MAX_EXECUTIONS", str(most))
    end_all_jobs()
    creators = [studio.arrive(f"racer-{number}@example.com", credits=1000) for number in range(4)]
    projects = [creator.project() for creator in creators]
    seen: list[int] = []
    seen_own: list[int] = []

    def work(number: int) -> int:
        creator, project = creators[number % 4], projects[number % 4]
        status = creator.post("/api/jobs", {"projectId": project, "prompt": "a lake"}).status
        seen.append(len(slots.held()))
        own = SlotsRecord.get(creator.user_id, consistent_read=True).running or set()
        seen_own.append(len(own))
        if number % 2 and own:
            settlement.cancel(jobs.get(min(own)), at=utc_now())
        return status

    for _ in range(3):
        assert set(at_once(work, threads=16)) == {202}
    assert max(seen) <= most
    assert max(seen_own) <= PLANS[PlanType.FREE].running
    reconcile.sweep(utc_now() + timedelta(minutes=1))
    live = [job for creator in creators for job in _live_jobs(creator.user_id)]
    admitted = {slot.job_id for slot in slots.held()}
    assert admitted == {job.job_id for job in live if not job.waits}
    assert len(admitted) == most, "no slot is lost"
    for creator in creators:
        row = SlotsRecord.get(creator.user_id, consistent_read=True)
        assert row.waiting == sum(bool(job.waits) for job in _live_jobs(creator.user_id))


def end_all_jobs() -> None:
    """End the jobs of earlier tests. Some of them wait."""
    while held := slots.held():
        for slot in held:
            settlement.cancel(jobs.get(slot.job_id), at=utc_now())


@pytest.mark.slow
def test_requests_and_ends_use_the_same_units_beside_hundreds_of_waiting_jobs(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only reads use more: they count the waiting jobs before those they show, and a plan limits their number."""
    monkeypatch.setenv("KINORA_MAX_EXECUTIONS", "2")
    monkeypatch.setattr(quota, "_config", lambda: QuotaConfig(quota_factor=10))  # a process reads it once
    end_all_jobs()
    creators = [studio.arrive(f"crowd-{number}@example.com", credits=10_000) for number in range(3)]
    for creator in creators:
        subscriptions.put(creator.user_id, PlanType.ENTERPRISE, SubscriptionStatus.ACTIVE, at=utc_now())
    projects = [creator.project() for creator in creators]
    ada, project = creators[0], projects[0]
    for _ in range(4):  # two of them wait
        newest = str(ada.job(project)["id"])
    units = UsedUnits()
    units.watch()

    def used(act: Callable[[], object]) -> tuple[float, float]:
        units.take()
        act()
        return units.take()

    def end() -> None:
        settlement.cancel(jobs.get(min(slot.job_id for slot in slots.held())), at=utc_now())

    def costs() -> list[tuple[float, float]]:
        requests = (lambda: ada.job(project), lambda: ada.get("/api/jobs", limit="2"), end)
        return [used(request) for request in requests]

    few, few_of_read = costs(), used(lambda: ada.get(f"/api/jobs/{newest}"))
    for number in range(241):  # the last one is the first creator's
        newest = str(creators[number % 3].job(projects[number % 3])["id"])
    (submit, listing, ended), (few_submit, few_listing, few_ended) = costs(), few
    assert (submit, ended) == (few_submit, few_ended)
    assert abs(listing[0] - few_listing[0]) <= 1, "a process also reads the pace of steps now and then"
    assert listing[1] == few_listing[1] == 1, "of the quota"
    more_of_read = used(lambda: ada.get(f"/api/jobs/{newest}"))
    assert abs(more_of_read[0] - few_of_read[0]) <= 1
    assert more_of_read[1] == few_of_read[1] == 1, "of the quota"


def _copied(creator: Creator, number: int) -> None:
    """Write copies of a job of the creator, as if `number` of them had ended one second after the other."""
    made = str(creator.job(creator.project())["id"])
    settlement.complete(complete_steps(made), at=utc_now())
    items = [record.get(made).serialize() for record in (JobRecord, JobSpecRecord)]
    names = JobRecord.Meta.table_name, JobSpecRecord.Meta.table_name
    first = utc_now() - timedelta(seconds=number)

    def write(begin: int) -> None:
        ids = [
            f"{id_from('job', (first + timedelta(seconds=at)).timestamp())}{at:016}" for at in range(begin, begin + 10)
        ]
        rows = {
            name: [{"PutRequest": {"Item": {**item, "job_id": {"S": job_id}}}} for job_id in ids]
            for name, item in zip(names, items, strict=True)
        }
        while rows:
            rows = connection().dispatch("BatchWriteItem", {"RequestItems": rows}).get("UnprocessedItems") or {}

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(0, number, 10)))


@pytest.mark.parametrize("many", [200, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_list_of_many_jobs_costs_as_much_as_one_of_few(studio: Studio, many: int) -> None:
    few_of, many_of = studio.arrive(f"few-{many}@example.com"), studio.arrive(f"many-{many}@example.com")
    _copied(few_of, 100)
    _copied(many_of, many)
    few_of.list("/api/jobs", limit="1")  # a process reads the key of cursors once
    units, costs = UsedUnits(), list[tuple[float, list[str]]]()
    units.watch()
    for creator in (few_of, many_of):
        units.take()
        studio.cloud.calls.clear()
        assert len(creator.list("/api/jobs", limit="20")) == 20
        costs.append((units.take()[0], studio.cloud.calls[1:]))  # the first call is that of the quota
    assert costs[0] == costs[1]
    assert costs[1][0] <= 25
    assert costs[1][1] == ["Query", "BatchGetItem"]
    assert len(many_of.list("/api/jobs", limit="100")) == 100, "200 items are more than one BatchGet"
    found = many_of.get("/api/jobs", text="nothing like it").body
    assert (found["data"], found["searched"], found["complete"]) == ([], min(many + 1, 2000), many < 2000)


def test_items_that_one_answer_cannot_hold_are_read_by_further_calls(studio: Studio) -> None:
    """An answer has at most 16 MB. The engine names the other keys."""
    ids = [f"job_large_{number}" for number in range(45)]
    for job_id in ids:
        JobSpecRecord(job_id, document="x" * 390_000).save()
    studio.cloud.calls.clear()
    found = read_together({JobSpecRecord: ids})[JobSpecRecord]
    assert sorted(record.job_id for record in found) == sorted(ids)
    assert studio.cloud.calls == ["BatchGetItem"] * 2


def _live_jobs(account_id: str) -> list[JobRecord]:
    found = jobs.several(entry.job_id for entry in JobRecord.by_account.query(account_id))
    return [job for job in found if not JobStatus(job.status).ended]


def test_concurrent_complete_fail_and_cancel_end_a_job_once(ada: Creator) -> None:
    project = ada.project()
    for _ in range(3):
        job_id = str(ada.job(project)["id"])
        before = AccountRecord.get(ada.user_id, consistent_read=True)
        as_read = complete_steps(job_id)

        def settle(number: int, job: JobRecord = as_read) -> JobRecord:
            match number % 3:
                case 0:
                    return settlement.complete(job, at=utc_now())
                case 1:
                    return settlement.fail(job, error="It broke.", at=utc_now())
                case _:
                    return settlement.cancel(job, at=utc_now())

        settled = at_once(settle, 9)
        [status] = {job.status for job in settled}
        hold, after = HoldRecord.get(job_id), AccountRecord.get(ada.user_id, consistent_read=True)
        assert hold.state == ("CAPTURED" if status == JobStatus.COMPLETED else "RELEASED")
        assert after.held == before.held - 6
        assert after.available == before.available + (0 if status == JobStatus.COMPLETED else 6)
        ledger = [entry.operation_id for entry in LedgerRecord.query(ada.user_id, consistent_read=True)]
        assert ledger.count(f"capture#{job_id}") == (status == JobStatus.COMPLETED)


def test_a_hold_ends_once_under_concurrent_captures_and_releases(ada: Creator) -> None:
    """Capture and release without the condition on the job."""
    job_id = ada.job(ada.project())["id"]
    hold = credits.get_hold(job_id)

    def end(number: int) -> str:
        try:
            with transaction() as tx:
                if number % 2:
                    credits.capture(hold, 6, at=utc_now(), tx=tx)
                else:
                    credits.release(hold, tx=tx)
        except AppError as error:
            return error.code
        return "ended"

    assert Counter(at_once(end)) == {"ended": 1, "hold_ended": THREADS - 1}
    assert AccountRecord.get(ada.user_id).held == 0


@pytest.mark.slow
def test_jobs_follow_the_model_on_the_real_engine(studio: Studio) -> None:
    run_machine(studio, examples=2, has_stream=False)


def test_a_refresh_token_in_ten_concurrent_requests_has_one_successor(studio: Studio) -> None:
    store = CredentialStore()
    first = store.begin_family("usr_1", at=utc_now())
    successors = at_once(lambda _: store.rotate(first, at=utc_now()))
    assert {token.seq for _, token in successors} == {1}
    _, third = store.rotate(successors[0][1], at=utc_now())
    assert third.seq == 2


def test_ten_concurrent_workers_with_one_step_make_one_attempt(ada: Creator) -> None:
    job_id = str(ada.job(ada.project())["id"])

    def take(_: int) -> str | None:
        try:
            return claim(job_id, Stage.IMAGE_GENERATION)
        except Leased:
            return None

    [attempt] = [claimed for claimed in at_once(take) if claimed]
    step = jobs.get(job_id).step(Stage.IMAGE_GENERATION)
    assert (step.attempt, step.attempts) == (attempt, 1)


def test_a_concurrent_result_and_cancellation_leave_a_consistent_job(ada: Creator) -> None:
    project = ada.project()
    for _ in range(3):
        job_id = str(ada.job(project)["id"])
        attempt = claim(job_id, Stage.IMAGE_GENERATION)
        job = jobs.get(job_id)

        def race(number: int, job: JobRecord = job, attempt: str = attempt) -> str:
            if number:
                return settlement.cancel(job, at=utc_now()).status
            try:
                made = result_of(job.job_id, Stage.IMAGE_GENERATION, attempt)
                steps.record_result(job, Stage.IMAGE_GENERATION, made, attempt=attempt, at=utc_now())
            except Fenced:
                return "fenced"
            return "recorded"

        recorded, cancelled = at_once(race, 2)
        after = jobs.get(job_id)
        assert cancelled == after.status == JobStatus.CANCELLED
        assert (after.step(Stage.IMAGE_GENERATION).status == JobStatus.COMPLETED) == (recorded == "recorded")
        assert after.seq == job.seq + 1 + (recorded == "recorded")


def test_a_transaction_whose_answer_was_lost_is_not_applied_twice(ada: Creator) -> None:
    """The client sends the same request token, so DynamoDB treats it as the same transaction."""
    tx = Transaction()
    account = AccountRecord(ada.user_id)
    tx.update(account, [AccountRecord.held.add(1)], AccountRecord.held >= 0, otherwise=AssertionError())
    for _ in range(2):
        tx._send("one-token")
    assert AccountRecord.get(ada.user_id, consistent_read=True).held == 1


def test_ten_concurrent_registrations_of_an_address_create_one_account(studio: Studio) -> None:
    def register(number: int) -> bool:
        try:
            with transaction() as tx:
                UserStore().create(f"usr_{number}", email="same@example.com", name=None, at=utc_now(), tx=tx)
        except EmailTaken:
            return False
        return True

    assert at_once(register).count(True) == 1


def test_a_concurrent_job_and_deletion_of_a_project_leave_both_or_neither(ada: Creator) -> None:
    """Either the project is deleted and has no job, or both exist."""
    for _ in range(3):
        project = ada.project()

        def race(number: int, project: str = project) -> int:
            if number:
                return ada.delete(f"/api/projects/{project}").status
            return ada.post("/api/jobs", {"projectId": project, "prompt": "a lake"}).status

        assert tuple(at_once(race, 2)) in {(202, 409), (404, 204)}


# --- organizations


def check_members(organization: str) -> list[str]:
    """Check that the organization counts its members, and return their roles."""
    record = OrganizationRecord.get(organization, consistent_read=True)
    roles = sorted(member.role for member in MemberRecord.query(organization, consistent_read=True))
    assert (record.members, record.owners) == (len(roles), roles.count("OWNER"))
    return roles


@pytest.mark.parametrize("act", ["demote", "remove", "transfer", "leave"])
def test_of_two_owners_who_act_against_each_other_at_once_one_remains(studio: Studio, ada: Creator, act: str) -> None:
    for number in range(3):
        organization = ada.organization(f"duel-{act}-{number}")
        bob = ada.hire(organization, f"duel-{act}-{number}@example.com", AccountRole.OWNER)
        pair = (ada, bob)

        def attack(one: int, pair: tuple[Creator, ...] = pair, organization: str = organization) -> Answer:
            caller, other, team = pair[one], pair[1 - one], f"/api/teams/{organization}"
            member = f"{team}/members/{other.user_id}"
            match act:
                case "demote":
                    return caller.patch(member, {"role": "MEMBER"})
                case "remove":
                    return caller.delete(member)
                case "transfer":
                    return caller.post(f"{team}/transfer", {"memberId": other.user_id})
            return caller.post(f"{team}/leave")

        answers = at_once(attack, 2)
        successes = sum(answer.status < 300 for answer in answers)
        # The new owner of a transfer may transfer it back.
        assert successes == 1 or (act == "transfer" and successes == 2), [answer.body for answer in answers]
        assert {answer.status for answer in answers} <= {200, 204, 403, 404, 409}
        assert check_members(organization).count("OWNER") == 1
        ada.post(f"/api/teams/{organization}/leave")


def test_of_ten_users_who_accept_an_invite_at_once_one_joins(studio: Studio, ada: Creator) -> None:
    organization = ada.organization("parallel-invite")
    token = ada.invite(organization, "guest@example.com")
    guests = [studio.arrive(f"guest-{number}@example.com") for number in range(THREADS)]
    answers = at_once(lambda number: guests[number].post("/api/teams/accept", {"token": token}))
    assert Counter(answer.status for answer in answers) == {200: 1, 409: THREADS - 1}
    assert check_members(organization) == ["MEMBER", "OWNER"]


def test_ten_copies_of_an_acceptance_have_one_effect_and_one_answer(studio: Studio, ada: Creator) -> None:
    organization = ada.organization("copied-invite")
    token, guest = ada.invite(organization, "copy@example.com"), studio.arrive("copy@example.com")
    answers = at_once(lambda _: guest.post("/api/teams/accept", {"token": token}))
    assert {answer.status for answer in answers} == {200}
    assert len({json.dumps(answer.body) for answer in answers}) == 1
    assert check_members(organization) == ["MEMBER", "OWNER"]


def test_concurrent_submits_exceed_neither_the_cap_nor_the_credits_of_an_organization(
    studio: Studio, ada: Creator
) -> None:
    organization = ada.organization("capped", credits=24)
    bob = ada.hire(organization, "capped@example.com")
    project = ada.project(organization=organization)
    assert ada.patch(f"/api/teams/{organization}/members/{bob.user_id}", {"monthlyCap": 12}).status == 200
    body = {"projectId": project, "prompt": "a lake"}
    assert Counter(a.status for a in at_once(lambda _: bob.post("/api/jobs", body))) == {202: 2, 402: THREADS - 2}
    assert Counter(a.status for a in at_once(lambda _: ada.post("/api/jobs", body))) == {202: 2, 402: THREADS - 2}
    account = AccountRecord.get(organization, consistent_read=True)
    assert (account.available, account.held) == (0, 24)


def test_a_member_who_is_removed_during_a_submit_has_a_job_or_a_refusal(studio: Studio, ada: Creator) -> None:
    organization = ada.organization("removal", credits=30)
    project = ada.project(organization=organization)
    for number in range(3):
        bob = ada.hire(organization, f"removal-{number}@example.com")

        def race(one: int, bob: Creator = bob) -> int:
            if one:
                return ada.delete(f"/api/teams/{organization}/members/{bob.user_id}").status
            return bob.post("/api/jobs", {"projectId": project, "prompt": "a lake"}).status

        submitted, removed = at_once(race, 2)
        assert (submitted in {202, 403, 404}, removed) == (True, 204)
        assert bob.post("/api/jobs", {"projectId": project, "prompt": "a lake"}).status == 404
    held = AccountRecord.get(organization, consistent_read=True).held
    assert held == 6 * ada.get(f"/api/projects/{project}").body["jobCount"]


def test_the_real_engine_accepts_every_table(studio: Studio) -> None:
    """The real engine refuses attributes that no key uses and wrong key types, which moto accepts."""
    for record in RECORDS:
        assert record.describe_table()["TableStatus"] == "ACTIVE"


def test_a_progress_write_costs_one_unit_and_none_for_its_indexes(ada: Creator) -> None:
    job_id = str(ada.job(ada.project())["id"])
    attempt = claim(job_id, Stage.IMAGE_GENERATION)
    units: list[float] = []

    def note(parsed: Any, **_: Any) -> None:
        units.append(parsed["ConsumedCapacity"]["CapacityUnits"])

    events = connection().client.meta.events
    events.register("after-call.dynamodb.UpdateItem", note)
    try:
        at = utc_now()
        steps.beat(job_id, Stage.IMAGE_GENERATION, attempt=attempt, lease_until=at, progress=(50, 16), at=at)
    finally:
        events.unregister("after-call.dynamodb.UpdateItem", note)
    assert units == [1.0]


def test_sizes_are_counted_as_the_engine_counts_them(ada: Creator) -> None:
    """One write unit is 1 KB: an item that is padded to the limit confirms the test's calculation of sizes."""
    job_id = str(ada.job(ada.project())["id"])
    spec = JobSpecRecord.get(job_id)
    for target, expected in ((1024, 1.0), (1025, 2.0)):
        padded = JobSpecRecord("job_size", document="")
        padded.document = "x" * (target - item_bytes(padded.serialize()))
        answer = connection().dispatch("PutItem", {"TableName": padded.Meta.table_name, "Item": padded.serialize()})
        assert answer["ConsumedCapacity"]["CapacityUnits"] == expected
    assert json.loads(spec.document)["prompt"]
