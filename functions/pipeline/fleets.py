"""The services of workers: the start of a first worker, and the numbers that scaling reads."""

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field, Json

from shared.aws.clients import ecs, sqs
from shared.aws.queues import queue_url
from shared.core.config import Config
from shared.observability import Metric, logger, measure

SEEN_SECONDS = 30  # time for which a service that has a worker is not asked again
_seen: dict[str, float] = {}  # by fleet: the time at which it had a worker


class FleetConfig(Config):
    worker_cluster: str = ""  # ECS cluster. The service of a fleet is `{cluster}-{fleet}`
    worker_fleets: Json[Mapping[str, Sequence[str]]] = Field(default_factory=dict)  # queues by fleet


def start_worker(queue: str) -> None:
    """Start a worker for the queue, unless its service has or starts one.

    Two callers at once start one worker, because both set the same number. If AWS refuses or does not answer, do
    nothing: the alarm on unserved tasks starts the worker within minutes.
    """
    config = FleetConfig()
    fleet = next((name for name, queues in config.worker_fleets.items() if queue in queues), None)
    if fleet is None or monotonic() - _seen.get(fleet, float("-inf")) < SEEN_SECONDS:
        return
    service = f"{config.worker_cluster}-{fleet}"
    try:
        if any(found["desiredCount"] == 0 for found in _described(config.worker_cluster, [service])):
            ecs().update_service(cluster=config.worker_cluster, service=service, desiredCount=1)
            logger.info("worker started", fleet=fleet)
    except (BotoCoreError, ClientError) as error:
        logger.warning("worker not started; the alarm will", fleet=fleet, error=str(error))
    else:
        _seen[fleet] = monotonic()


def measure_fleets() -> None:
    """Measure the tasks and the running workers of each service. Log failures only: the next minute comes."""
    config = FleetConfig()
    if not config.worker_fleets:  # the laptop cloud does not scale
        return
    try:
        names = {f"{config.worker_cluster}-{fleet}": fleet for fleet in config.worker_fleets}
        running = {
            names[found["serviceName"]]: found["runningCount"] for found in _described(config.worker_cluster, [*names])
        }
        tasks = {fleet: sum(map(_tasks, queues)) for fleet, queues in config.worker_fleets.items()}
    except (BotoCoreError, ClientError) as error:
        logger.warning("workers not measured", error=str(error))
        return
    for fleet, number in running.items():
        measure(Metric.WORKER_TASKS, tasks[fleet], fleet=fleet)
        measure(Metric.RUNNING_WORKERS, number, fleet=fleet)


def _described(cluster: str, services: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """Return the services that exist. ECS describes up to ten at once, and shows deleted ones for some time."""
    found = ecs().describe_services(cluster=cluster, services=services)["services"]
    return [service for service in found if service["status"] == "ACTIVE"]


def _tasks(queue: str) -> int:
    """Return the number of messages that wait in the queue, or that a worker has taken."""
    answer = sqs().get_queue_attributes(
        QueueUrl=queue_url(queue),
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )
    return sum(map(int, answer["Attributes"].values()))
