"""The rights of a worker's role (I20): all that a worker does, and nothing to money, owners and media of others."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest
from botocore.client import BaseClient
from ulid import ULID

from functions.pipeline import grant, reconcile, settle
from functions.pipeline.dispatch import handler as dispatch
from infra.functions import STAGE_CALLER, VERIFICATION_CALLER
from infra.tables import RECORDS
from infra.workers import STEP_UPDATES, VERDICT, WORKERS
from shared.assets.record import AssetRecord
from shared.aws import media
from shared.aws.records import connection
from shared.core.clock import utc_now
from shared.credits.store import credits
from shared.grants.record import MediaGrantRecord
from shared.jobs.keys import attempt_prefixes
from shared.jobs.record import JobRecord, JobStatus, OutputMap, StepResultRecord, StepTicketRecord
from shared.jobs.store import jobs
from shared.providers.record import ProviderStateRecord
from shared.stages.queues import QUEUES, REMOTE_QUEUE, VERIFICATION_QUEUE
from shared.stages.stages import STAGES, Stage
from tests.support import grants as observed
from tests.support.iam import allows
from tests.support.life import Life, World
from tests.support.steps import claim, complete_step, complete_steps, stored_result
from tests.support.studio import Creator, Studio
from tests.support.worker_rights import MEDIA, OF_STAGES, ROLES, may_update, queue_arn, requests, statements, table_arn
from workers.runtime.lambda_entry import RemoteRunner
from workers.runtime.step import StepRunner

IMAGE, VIDEO, FILM = Stage.IMAGE_GENERATION, Stage.VIDEO_SYNTHESIS, Stage.POST_PROCESSING


# --- the calls of workers


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The calls of workers that their roles do not allow. S3 is called with the credentials of `pipeline-grant`."""
    found, seen, roles, policies = list[str](), set[str](), list[str](), list[Any]()
    make_call = BaseClient._make_api_call  # type: ignore[attr-defined]  # stubs hide it

    def call(client: Any, operation: str, params: Any) -> Any:
        service = client.meta.service_model.service_name
        if operation == "AssumeRole":
            policies.append(json.loads(params["Policy"].replace("kinora-test-media", MEDIA.rpartition(":")[2])))
        if roles and observed._running.get() is None:
            for action, resource, keys in requests(service, operation, params):
                seen.add(action)
                lent = [statements("media"), policies[-1]["Statement"]] if service == "s3" else [statements(roles[-1])]
                if not all(allows(one, action, resource, keys) for one in lent):
                    found.append(f"{roles[-1]}: {action} on {resource} with {keys}")
        return make_call(client, operation, params)

    @contextmanager
    def acting(role: str) -> Iterator[None]:
        roles.append(role)
        yield
        roles.pop()

    step, remote = StepRunner.handle, RemoteRunner.handle

    def handle(runner: StepRunner, delivery: Any) -> None:
        with acting(OF_STAGES):
            step(runner, delivery)

    def poll(runner: RemoteRunner, body: str) -> None:
        with acting("remote-engine"):
            remote(runner, body)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    monkeypatch.setattr(StepRunner, "handle", handle)
    monkeypatch.setattr(RemoteRunner, "handle", poll)
    yield found
    assert {"dynamodb:UpdateItem", "lambda:InvokeFunction", "s3:PutObject", "states:SendTaskSuccess"} <= seen


@pytest.mark.parametrize("settings", [{}, {"engines": {"VIDEO_SYNTHESIS": "fal-kling"}, "duration": 5}])
def test_the_roles_allow_what_the_workers_do(
    ada: Creator, refused: list[str], settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.jobs.service.has_value", lambda _name: True)
    monkeypatch.setenv("KINORA_REMOTE_POLL_MOST_SECONDS", "0")
    life = Life(ada, ada.project(), World(settings))
    life.run()
    assert (refused, jobs.get(life.job_id).status) == ([], JobStatus.COMPLETED)


# --- what the roles do not allow


@pytest.mark.parametrize("role", ROLES)
def test_a_worker_writes_only_the_attributes_that_it_needs(role: str) -> None:
    allowed = {(record, name) for record in RECORDS for name in names_of(record) if may_update(role, record, name)}
    expected = {(updates.record, name) for updates in (STEP_UPDATES, VERDICT) for name in updates.attributes}
    of_providers = {(record, name) for record in (StepTicketRecord, ProviderStateRecord) for name in names_of(record)}
    assert allowed <= expected | (of_providers if role == "remote-engine" else set())
    assert not {name for _, name in allowed} & {"account_id", "owner_id", "credits", "completed_at", "deadline_at"}
    assert not may_update(role, JobRecord, "job_id", "steps", returned="ALL_NEW")
    for record in set(RECORDS) - {StepResultRecord}:
        for action in ("PutItem", "DeleteItem", "BatchWriteItem", "Query", "Scan"):
            assert not allows(statements(role), f"dynamodb:{action}", table_arn(record)), (record, action)
    for action in ("GetItem", "UpdateItem"):
        assert not allows(statements(role), f"dynamodb:{action}", table_arn(MediaGrantRecord))


@pytest.mark.parametrize("role", ROLES)
def test_the_role_of_a_worker_opens_no_media_and_no_queue_of_others(role: str) -> None:
    for key in ("jobs/job_1/post_processing/a/video", "assets/ast_1/clean.png", "quarantine/ast_1"):
        for action in ("GetObject", "PutObject", "DeleteObject"):
            assert not allows(statements(role), f"s3:{action}", f"{MEDIA}/{key}")
    assert not allows(statements(role), "sts:AssumeRole", "arn:aws:iam::123456789012:role/kinora-dev-media")
    of_stages = {name for stage in Stage for name in WORKERS[stage.queue].sends}
    own = {
        OF_STAGES: of_stages, VERIFICATION_QUEUE: {VERIFICATION_QUEUE}, "remote-engine": {REMOTE_QUEUE},
        STAGE_CALLER.name: of_stages, VERIFICATION_CALLER.name: {VERIFICATION_QUEUE},
    }.get(role, set())  # fmt: skip
    for name in {queue.name for queue in QUEUES} - own:
        for action in ("ReceiveMessage", "SendMessage", "DeleteMessage"):
            assert not allows(statements(role), f"sqs:{action}", queue_arn(name))


def names_of(record: type[Any]) -> list[str]:
    return [attribute.attr_name for attribute in record.get_attributes().values()]


# --- the media that a request for access opens


def ask(**request: Any) -> dict[str, Any]:
    return grant.handler(request, None)


def policy_of(monkeypatch: pytest.MonkeyPatch, **request: Any) -> list[Any]:
    """Return the statements of the session policy that the request receives."""
    made: list[Any] = []
    policy = grant.session_policy

    def kept(**given: Any) -> Any:
        made.append(policy(**given))
        return made[-1]

    monkeypatch.setattr(grant, "session_policy", kept)
    assert "accessKey" in ask(**request)
    return list(made[-1]["Statement"])


def dispatched(ada: Creator, stage: Stage, **settings: Any) -> tuple[str, str]:
    """Return a job whose step is dispatched, and the proof in its message."""
    job_id = str(ada.job(ada.project(), **settings)["id"])
    for earlier in list(Stage)[: list(Stage).index(stage)]:
        if any(planned is earlier for planned, _ in jobs.get(job_id).planned()):
            complete_step(job_id, earlier)
    dispatch({"jobId": job_id, "stage": stage.value, "taskToken": "token-1"}, None)
    return job_id, MediaGrantRecord.get(f"{job_id}#{stage}").proof


def test_access_opens_the_inputs_of_the_step_and_the_prefix_of_the_attempt(
    ada: Creator, eve: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, proof = dispatched(ada, VIDEO)
    other, _ = dispatched(eve, VIDEO)
    attempt = claim(job_id, VIDEO)
    policy = policy_of(monkeypatch, jobId=job_id, stage=VIDEO, attempt=attempt, proof=proof)
    bucket = "arn:aws:s3:::kinora-test-media"

    def may(action: str, key: str) -> bool:
        return allows(policy, f"s3:{action}", f"{bucket}/{key}")

    picture, foreign = (jobs.results(jobs.get(one))[IMAGE].outputs[0].key for one in (job_id, other))
    assert may("GetObject", picture)
    assert not may("PutObject", picture)
    assert not may("GetObject", foreign)
    for own in attempt_prefixes(job_id, VIDEO, attempt):
        assert may("PutObject", own + "clip.mp4")
        assert not may("DeleteObject", own + "clip.mp4")
    for other in attempt_prefixes(job_id, VIDEO, str(ULID())):
        assert not may("PutObject", other + "clip.mp4")
    assert not may("ListBucket", "")


def test_access_needs_the_proof_of_the_newest_message_and_the_current_attempt(ada: Creator, eve: Creator) -> None:
    job_id, proof = dispatched(ada, IMAGE)
    other, foreign_proof = dispatched(eve, IMAGE)
    attempt, foreign = claim(job_id, IMAGE), claim(other, IMAGE)
    good = {"jobId": job_id, "stage": "IMAGE_GENERATION", "attempt": attempt, "proof": proof}
    hostile: list[dict[str, Any]] = [
        {"proof": ""}, {"proof": foreign_proof}, {"attempt": str(ULID())}, {"attempt": "../tasks"}, {"attempt": "*"},
        {"jobId": other}, {"jobId": other, "attempt": foreign}, {"jobId": "job_none"}, {"stage": "POST_PROCESSING"},
    ]  # fmt: skip
    for change in hostile:
        assert "refused" in ask(**good | change), change
    assert "accessKey" in ask(**good)
    dispatch({"jobId": job_id, "stage": IMAGE.value, "taskToken": "token-2"}, None)
    assert "refused" in ask(**good)


def test_a_prompt_with_an_address_opens_nothing(ada: Creator, eve: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = media.address(complete_film(eve))
    body = {"projectId": ada.project(), "prompt": secret, "settings": {"allowUnrelatedPicture": True}}
    job = ada.post("/api/jobs", body).body
    dispatch({"jobId": job["id"], "stage": IMAGE.value, "taskToken": "token-1"}, None)
    proof, attempt = MediaGrantRecord.get(f"{job['id']}#{IMAGE}").proof, claim(job["id"], IMAGE)
    policy = policy_of(monkeypatch, jobId=job["id"], stage=IMAGE, attempt=attempt, proof=proof)
    assert not allows(policy, "s3:GetObject", secret.replace("s3://", "arn:aws:s3:::"))


def complete_film(creator: Creator) -> str:
    """Complete a job of the creator and return the key of its film."""
    job_id = str(creator.job(creator.project())["id"])
    complete_steps(job_id)
    assert settle.handler({"jobId": job_id}, None)["status"] == "COMPLETED"
    return jobs.results(jobs.get(job_id))[FILM].outputs[0].key


def test_the_largest_session_policy_fits(ada: Creator) -> None:
    """AWS accepts 2,048 characters: four pictures, a sound track and the captions of one film."""
    job = "jobs/job_" + "0" * 26
    keys = [f"assets/ast_{'0' * 26}/clean.flac"] * 7 + [f"{job}/image_generation/{'0' * 26}/picture.png"] * 3
    policy = grant.session_policy(reads=keys, writes=[f"{job}/post_processing/{'0' * 26}/*"])
    assert len(json.dumps(policy, separators=(",", ":"))) + 10 * len("kinora-staging-media-123456789012") < 2048


# --- what a worker may write, with hostile values


def raw_update(job_id: str, name: str, value: dict[str, Any]) -> None:
    client: Any = connection().client
    client.update_item(
        TableName=JobRecord.Meta.table_name, Key={"job_id": {"S": job_id}}, UpdateExpression="SET #0 = :0",
        ExpressionAttributeNames={"#0": name}, ExpressionAttributeValues={":0": value},
    )  # fmt: skip


def stored_item(job_id: str) -> dict[str, Any]:
    client: Any = connection().client
    found = client.get_item(TableName=JobRecord.Meta.table_name, Key={"job_id": {"S": job_id}})
    item: dict[str, Any] = found.get("Item", {})
    return item


def steps_with(job_id: str, change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Return the job's steps as DynamoDB stores them, with a change."""
    found: dict[str, Any] = stored_item(job_id)["steps"]
    change(found["M"])
    return found


def completed(*, attempt: str) -> Callable[[dict[str, Any]], object]:
    def change(steps: dict[str, Any]) -> None:
        for step in steps.values():
            step["M"] |= {"s": {"S": "COMPLETED"}, "a": {"S": attempt}}

    return change


HOSTILE: dict[str, list[Any]] = {
    "status": [{"S": status} for status in (*JobStatus, "PAID")] + [{"N": "1"}],
    "progress": [{"N": "-1"}, {"N": "100000000000"}, {"S": "x"}],
    "current_step": [{"S": "POST_PROCESSING"}, {"S": "x"}],
    "seq": [{"N": "-1"}, {"N": "1" + "0" * 30}],
    "updated_at": [{"N": "0"}, {"N": "99999999999"}, {"S": "x"}],
    "steps": [
        completed(attempt=str(ULID())),
        completed(attempt="../tasks"),
        completed(attempt="x"),
        lambda steps: steps.pop("p"),
        lambda steps: steps.clear(),
        lambda steps: steps["v"]["M"]["e"].update(S="fal-kling"),
    ],
}


def test_every_attribute_that_a_worker_may_write_is_tried() -> None:
    assert set(HOSTILE) == set(STEP_UPDATES.attributes) - {"job_id"}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in HOSTILE.items() for value in values])
def test_no_value_of_a_worker_earns_anything(studio: Studio, ada: Creator, eve: Creator, name: str, value: Any) -> None:
    """A compromised worker writes into another creator's job. Then the whole pipeline runs."""
    job_id = str(ada.job(ada.project())["id"])
    complete_step(job_id, IMAGE)
    before = [credits.account(one.user_id).available + credits.account(one.user_id).held for one in (ada, eve)]
    raw_update(job_id, name, steps_with(job_id, value) if callable(value) else value)
    acts: tuple[Callable[[], object], ...] = (
        *(partial(dispatch, {"jobId": job_id, "stage": stage.value, "taskToken": "token-1"}, None) for stage in Stage),
        partial(settle.handler, {"jobId": job_id}, None),
        partial(reconcile.sweep, utc_now()),
        partial(ada.delete, f"/api/jobs/{job_id}"),
        partial(reconcile.execution_ended, job_id, utc_now()),
    )
    for act in acts:
        with suppress(Exception):  # the pipeline may fail at a job that it cannot read, and must not pay
            act()
    after = [credits.account(one.user_id) for one in (ada, eve)]
    assert [one.available + one.held for one in after] == before, "nothing is charged without a film, nothing is given"
    assert studio.messages(REMOTE_QUEUE) == [], "no provider is paid"
    if stored := stored_item(job_id):
        assert (stored["account_id"]["S"], stored["owner_id"]["S"]) == (ada.user_id, ada.user_id)


@pytest.mark.parametrize("status", [JobStatus.CANCELLED, JobStatus.FAILED, JobStatus.COMPLETED])
def test_a_status_of_a_worker_does_not_end_a_job(ada: Creator, status: JobStatus) -> None:
    """Otherwise a finished film would be free."""
    job_id = str(ada.job(ada.project())["id"])
    complete_steps(job_id)
    raw_update(job_id, "status", {"S": status})
    assert ada.delete(f"/api/jobs/{job_id}").status == 409
    assert settle.handler({"jobId": job_id}, None)["status"] == "COMPLETED"
    account = credits.account(ada.user_id)
    assert (account.available, account.held) == (100 - jobs.get(job_id).credits, 0)


def test_a_film_of_an_attempt_without_access_is_not_charged(ada: Creator) -> None:
    job_id = str(ada.job(ada.project())["id"])
    for stage in (IMAGE, VIDEO):
        complete_step(job_id, stage)
    dispatch({"jobId": job_id, "stage": FILM.value, "taskToken": "token-1"}, None)
    attempt = claim(job_id, FILM)
    result = stored_result(job_id, FILM, attempt)
    outputs = [OutputMap(role=o.role, name=o.key.rpartition("/")[2], media_type=o.media_type) for o in result.outputs]
    StepResultRecord(job_id, f"{FILM}#{attempt}", outputs=outputs, metrics="{}").save()
    raw_update(job_id, "steps", steps_with(job_id, lambda steps: steps["p"]["M"].update(s={"S": "COMPLETED"})))
    assert settle.handler({"jobId": job_id}, None)["status"] == "FAILED"
    assert credits.account(ada.user_id).available == 100


def test_a_film_of_the_previous_release_is_charged(ada: Creator) -> None:
    """Its dispatch stored no proofs, and its workers needed no access."""
    job_id = str(ada.job(ada.project())["id"])
    complete_steps(job_id)
    for stage in Stage:
        MediaGrantRecord(f"{job_id}#{stage}").delete()
    assert settle.handler({"jobId": job_id}, None)["status"] == "COMPLETED"


@pytest.mark.parametrize("name", ["../video", "/video", "a/b", "", "*", "..", "video?x"])
def test_a_result_names_only_files_of_its_attempt(ada: Creator, name: str) -> None:
    job_id = str(ada.job(ada.project())["id"])
    attempt = complete_step(job_id, IMAGE)
    outputs = [OutputMap(role=role, name=name, media_type="image/png") for role in STAGES[IMAGE].produces]
    StepResultRecord(job_id, f"{IMAGE}#{attempt}", outputs=outputs, metrics="{}").save()
    assert jobs.results(jobs.get(job_id))[IMAGE].outputs == ()


def test_an_asset_whose_key_a_worker_wrote_opens_no_other_media(
    ada: Creator, eve: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    film, asset_id = complete_film(eve), ada.asset()
    AssetRecord(asset_id).update([AssetRecord.key.set(film)])
    body = {
        "projectId": ada.project(), "prompt": "a lake", "inputs": [{"role": "picture", "assetId": asset_id}],
    }  # fmt: skip
    job_id = str(ada.post("/api/jobs", body).body["id"])
    dispatch({"jobId": job_id, "stage": VIDEO.value, "taskToken": "token-1"}, None)
    proof, attempt = MediaGrantRecord.get(f"{job_id}#{VIDEO}").proof, claim(job_id, VIDEO)
    policy = policy_of(monkeypatch, jobId=job_id, stage=VIDEO, attempt=attempt, proof=proof)
    assert not allows(policy, "s3:GetObject", f"arn:aws:s3:::kinora-test-media/{film}")
