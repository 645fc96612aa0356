"""The first worker of a service, which `dispatch` starts, and the numbers that scaling reads."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from functions.pipeline import fleets as started
from functions.pipeline import reconcile
from functions.pipeline.dispatch import handler as dispatch
from shared.aws import clients
from shared.aws.queues import queue_url
from shared.jobs.record import JobStatus
from shared.jobs.store import jobs
from shared.stages.queues import VERIFICATION_QUEUE
from shared.stages.stages import Stage
from tests.support.life import Life, World
from tests.support.studio import Creator, Studio
from workers.runtime.queue_loop import polled

CLUSTER, FLEET = "kinora-test", "cpu-media"
SERVICE = f"{CLUSTER}-{FLEET}"
QUEUE = Stage.IMAGE_GENERATION.queue
NO_ANSWER = EndpointConnectionError(endpoint_url="x")


@pytest.fixture(autouse=True)
def service(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The two services of a deployment, without a worker. `tests/infra/test_workers.py` compares their queues."""
    queues = {FLEET: polled([*Stage]), VERIFICATION_QUEUE: (VERIFICATION_QUEUE,)}
    monkeypatch.setenv("KINORA_WORKER_CLUSTER", CLUSTER)
    monkeypatch.setenv("KINORA_WORKER_FLEETS", json.dumps(queues))
    monkeypatch.setattr(started, "_seen", {})
    ecs = clients.ecs()
    ecs.create_cluster(clusterName=CLUSTER)
    ecs.register_task_definition(family=FLEET, containerDefinitions=[{"name": "worker", "image": "x", "memory": 512}])
    for fleet in queues:
        ecs.create_service(
            cluster=CLUSTER,
            serviceName=f"{CLUSTER}-{fleet}",
            taskDefinition=FLEET,
            desiredCount=0,
            launchType="FARGATE",
        )
    studio.cloud.calls.clear()
    yield
    studio.cloud.broken.clear()
    for fleet in queues:
        ecs.delete_service(cluster=CLUSTER, service=f"{CLUSTER}-{fleet}", force=True)


def wanted() -> int:
    [found] = clients.ecs().describe_services(cluster=CLUSTER, services=[SERVICE])["services"]
    return int(found["desiredCount"])


def set_wanted(number: int) -> None:
    clients.ecs().update_service(cluster=CLUSTER, service=SERVICE, desiredCount=number)


@pytest.mark.parametrize("seen_seconds", [0, started.SEEN_SECONDS])
def test_a_film_starts_one_worker(
    studio: Studio, ada: Creator, seen_seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its steps have the same worker. With 0 each step looks for one, as in three processes of Lambda."""
    monkeypatch.setattr(started, "SEEN_SECONDS", seen_seconds)
    life = Life(ada, ada.project(), World())
    life.run()
    assert jobs.get(life.job_id).status == JobStatus.COMPLETED
    assert (studio.cloud.calls.count("UpdateService"), wanted()) == (1, 1)
    assert studio.cloud.calls.count("DescribeServices") == 1 + (1 if seen_seconds else 3)


def test_workers_that_run_are_not_stopped(studio: Studio) -> None:
    set_wanted(3)
    studio.cloud.calls.clear()
    started.start_worker(QUEUE)
    assert "UpdateService" not in studio.cloud.calls
    assert wanted() == 3


def test_the_queues_of_a_service_have_one_memory_that_ends(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    started.start_worker(QUEUE)
    set_wanted(0)  # scaling
    started.start_worker(Stage.POST_PROCESSING.priority_queue)
    assert wanted() == 0
    monkeypatch.setattr(started, "SEEN_SECONDS", 0)
    started.start_worker(Stage.POST_PROCESSING.priority_queue)
    assert wanted() == 1


@pytest.mark.parametrize("operation", ["DescribeServices", "UpdateService"])
def test_a_refused_start_delays_the_step_only(studio: Studio, ada: Creator, operation: str) -> None:
    job_id = str(ada.job(ada.project())["id"])
    studio.cloud.broken[operation] = NO_ANSWER
    dispatch({"jobId": job_id, "stage": "IMAGE_GENERATION", "taskToken": "token"}, None)
    assert len(studio.messages(QUEUE)) == 1
    studio.cloud.broken.clear()
    assert wanted() == 0
    started.start_worker(QUEUE)  # a failure is not remembered as a start
    assert wanted() == 1


def test_a_service_that_does_not_exist_yet_is_left_alone(studio: Studio) -> None:
    clients.ecs().delete_service(cluster=CLUSTER, service=SERVICE, force=True)
    started.start_worker(QUEUE)
    clients.ecs().create_service(
        cluster=CLUSTER, serviceName=SERVICE, taskDefinition=FLEET, desiredCount=0, launchType="FARGATE"
    )
    assert "UpdateService" not in studio.cloud.calls


# --- measurements


def measured(text: str) -> dict[tuple[str, str], float]:
    """Return the values of the metrics of fleets in the log, by metric and fleet."""
    lines = [json.loads(line) for line in text.splitlines() if '"fleet"' in line and "_aws" in line]
    return {
        (metric["Name"], line["fleet"]): line[metric["Name"]][0]
        for line in lines for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }  # fmt: skip


def send(queue: str) -> None:
    clients.sqs().send_message(QueueUrl=queue_url(queue), MessageBody="{}")


def test_each_sweep_measures_tasks_that_wait_and_tasks_that_workers_do(
    studio: Studio, capsys: pytest.CaptureFixture[str]
) -> None:
    for queue in (QUEUE, QUEUE, Stage.POST_PROCESSING.priority_queue):
        send(queue)
    clients.sqs().receive_message(QueueUrl=queue_url(QUEUE), VisibilityTimeout=30)
    reconcile.handler({}, None)
    assert measured(capsys.readouterr().out) == {
        ("WorkerTasks", FLEET): 3, ("RunningWorkers", FLEET): 0,
        ("WorkerTasks", VERIFICATION_QUEUE): 0, ("RunningWorkers", VERIFICATION_QUEUE): 0,
    }  # fmt: skip


def test_an_event_of_one_job_measures_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    event = {"detail-type": "Step Functions Execution Status Change", "detail": {"name": "job_unknown"}}
    reconcile.handler(event, None)
    assert measured(capsys.readouterr().out) == {}


def test_a_sweep_that_fails_still_measures(
    studio: Studio, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(reconcile, "sweep", fail)
    with pytest.raises(RuntimeError):
        reconcile.handler({}, None)
    assert measured(capsys.readouterr().out)[("WorkerTasks", FLEET)] == 0


@pytest.mark.parametrize("operation", ["DescribeServices", "GetQueueAttributes"])
def test_a_service_that_does_not_answer_stops_no_sweep(
    studio: Studio, capsys: pytest.CaptureFixture[str], operation: str
) -> None:
    studio.cloud.broken[operation] = NO_ANSWER
    assert reconcile.handler({}, None)["seen"] == 0
    assert measured(capsys.readouterr().out) == {}, "a part would be wrong: 0 tasks stop the workers"
