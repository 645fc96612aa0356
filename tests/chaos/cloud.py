"""The processes of a storm: moto, the gateway and the workers, which reach moto only through the proxy."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

import boto3

from local.cloud import START_SECONDS
from local.environment import HOST, PREFIX, environment, for_process
from local.processes import Lifeline, Process, listen
from shared.observability import logger
from shared.stages.queues import REMOTE_QUEUE

LEASE_SECONDS = 5
REMOTE_LEASE_SECONDS = 12
TIMING = {
    "KINORA_LEASE_SECONDS": str(LEASE_SECONDS),
    "KINORA_QUOTA_FACTOR": "100",  # a user of a storm sends more requests than a creator
    "KINORA_BEAT_SECONDS": "1.5",
    "KINORA_PROGRESS_SECONDS": "0.3",
    "KINORA_REMOTE_LEASE_SECONDS": str(REMOTE_LEASE_SECONDS),
    "KINORA_LOST_AFTER_SECONDS": "120",
    "KINORA_REMOTE_POLL_SECONDS": "1",
    "KINORA_REMOTE_POLL_MOST_SECONDS": "3",
    "KINORA_FAL_TIMEOUT_SECONDS": "1",
    "POWERTOOLS_LOG_LEVEL": os.environ.get("KINORA_LOG", "WARNING"),
}
REMOTE_VISIBILITY_SECONDS = "15"  # 360 s in a deployment: a poll whose function died would outlast the storm


@dataclass
class StormCloud:
    """The running processes."""

    api_url: str
    moto_url: str
    proxy: socket  # for the proxy, which the caller runs
    gateway: Process
    moto: Process
    workers: Process

    def start_workers(self) -> None:
        """Start the workers. The proxy must run, because they report to it."""
        self.workers.start()

    def pause_moto(self, *, on: bool) -> None:
        """Stop or continue moto's process. A restart would lose its data, which are in memory."""
        self.moto.send_signal(signal.SIGSTOP if on else signal.SIGCONT)


def use(moto_url: str, api_url: str) -> None:
    """Let the records and clients of this process use moto directly. It logs no success of the sweep."""
    os.environ |= environment(moto_url, api_url)
    logger.setLevel("WARNING")


@contextmanager
def storm_cloud(folder: Path, fal_url: str, workers: int) -> Iterator[StormCloud]:
    """Start moto, and yield the cloud. The caller starts the proxy, then the gateway and the workers."""
    gateway, moto, proxy = (listen() for _ in range(3))
    moto_url, api_url, proxy_url = (f"http://{HOST}:{one.getsockname()[1]}" for one in (moto, gateway, proxy))
    lifeline = Lifeline()

    def process(module: str, arguments: list[str], url: str, sockets: list[socket]) -> Process:
        variables = environment(url, api_url) | TIMING | {"KINORA_FAL_URL": fal_url, "FAL_KEY": "a-key"}
        log = folder / "logs" / f"{module}.log"
        log.unlink(missing_ok=True)
        chosen = for_process(variables)
        return Process(module, module, arguments, environment=chosen, log=log, lifeline=lifeline, sockets=sockets)

    cloud = StormCloud(
        api_url,
        moto_url,
        proxy,
        gateway=process("tests.chaos.gateway", [str(gateway.fileno()), str(folder)], proxy_url, [gateway]),
        moto=process("local.moto_server", [str(moto.fileno()), api_url, str(folder)], moto_url, [moto]),
        workers=process("tests.chaos.workers", [str(workers)], proxy_url, []),
    )
    try:
        use(moto_url, api_url)
        cloud.moto.start()
        cloud.moto.wait_ready(START_SECONDS)
        _shorten_visibility()
        yield cloud
    finally:
        for one in (cloud.workers, cloud.gateway, cloud.moto):
            if one.alive:
                one.kill()
        lifeline.cut()
        for server in (gateway, moto, proxy):
            server.close()


def _shorten_visibility() -> None:
    sqs: Any = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{PREFIX}-{REMOTE_QUEUE}")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": REMOTE_VISIBILITY_SECONDS})
