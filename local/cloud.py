"""The laptop cloud: moto, the gateway and the workers as processes that start and stop together."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic, sleep

from local.addresses import Addresses
from local.environment import HOST, PREFIX, ROOT, environment, for_process, imitated_providers, models
from local.processes import CloudFailed, Lifeline, Process, listen, stop_all
from shared.stages.queues import VERIFICATION_QUEUE
from shared.stages.stages import Stage

FOLDER = ROOT / ".kinora"
START_SECONDS = 60.0
PLANS = ("FREE", "PRO", "ENTERPRISE")  # not imported from `PlanType`: its libraries take 0.5 s to import


@dataclass(frozen=True)
class Cloud(Addresses):
    """A laptop cloud that this process runs."""

    environment: Mapping[str, str]
    folder: Path
    workers: dict[str, Process]  # by stage (`IMAGE_GENERATION`), and `asset-verification`
    services: tuple[Process, ...]
    _new_process: Callable[..., Process]
    _worker_module: str
    _lifeline: Lifeline
    _stopped: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Lock = field(default_factory=threading.Lock)

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def add_worker(self, *stages: Stage) -> Process:
        """Start one more worker of the stages and wait until it is ready."""
        name = f"{'-'.join(stage.queue for stage in stages)}-{len(self.workers)}"
        log = self.logs / f"{name}.log"
        worker = self._new_process(f"{name} worker", self._worker_module, [*stages], log=log)
        worker.start()
        worker.wait_ready(START_SECONDS)
        self.workers[name] = worker
        return worker

    def supervise(self) -> None:
        """Restart workers that ended, as ECS does, until the cloud stops."""
        while not self._stopped.is_set():
            for worker in list(self.workers.values()):
                with self._stopping:
                    if not self._stopped.is_set() and not worker.alive:
                        worker.start()
            sleep(0.5)

    def stop(self) -> None:
        """End every process with SIGTERM, and with SIGKILL after a grace period. A second call does nothing."""
        with self._stopping:
            if self._stopped.is_set():
                return
            self._stopped.set()
            stop_all(list(self.workers.values()))  # first, so that they can return their messages to the queues
            stop_all(self.services)
            self._lifeline.cut()


def subscribe(cloud: Addresses, account_id: str, plan: str) -> None:
    """Set the account's plan in the table, without a purchase. Raise CloudFailed if it is unknown."""
    if plan not in PLANS:
        raise CloudFailed(f"There is no plan called {plan}; there are {', '.join(PLANS)}.")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f%z")  # the format of pynamodb's UTCDateTimeAttribute
    item = {"account_id": account_id, "plan": plan, "status": "ACTIVE", "updated_at": now}
    cloud.client("dynamodb").put_item(
        TableName=f"{PREFIX}-subscriptions", Item={name: {"S": value} for name, value in item.items()}
    )


@contextmanager
def laptop_cloud(
    *,
    port: int = 0,
    folder: Path = FOLDER,
    with_workers: bool = True,
    worker_module: str = "workers.runtime.queue_loop",
    worker_variables: Mapping[str, str] | None = None,
    imitates_providers: bool = False,
) -> Iterator[Cloud]:
    """Start the cloud, yield it when REST answers and all workers poll, and stop it at the end. Raise CloudFailed.

    The gateway listens on `port` (0 = any free port). `folder` contains keys and logs. The stages' workers run
    `worker_module` with `worker_variables` in their environment. With `imitates_providers` remote engines
    call the imitation of their providers.
    """
    gateway_socket = listen(port)
    moto_socket = listen()
    imitation_socket = listen() if imitates_providers else None
    try:
        cloud = _start(
            gateway_socket,
            moto_socket,
            folder,
            with_workers=with_workers,
            worker_module=worker_module,
            worker_variables=worker_variables or {},
            imitation=imitation_socket,
        )
    finally:
        # The children have copies. With ours open, a connection to an ended child would wait here instead of failing.
        gateway_socket.close()
        moto_socket.close()
        if imitation_socket:
            imitation_socket.close()
    try:
        deadline = monotonic() + START_SECONDS
        for process in (*cloud.services, *cloud.workers.values()):
            process.wait_ready(max(0.1, deadline - monotonic()))
        threading.Thread(target=cloud.supervise, name="supervisor", daemon=True).start()
        yield cloud
    finally:
        cloud.stop()


def _start(
    gateway: socket.socket,
    moto: socket.socket,
    folder: Path,
    *,
    with_workers: bool,
    worker_module: str,
    worker_variables: Mapping[str, str],
    imitation: socket.socket | None,
) -> Cloud:
    """Start all processes at once. Requests that reach moto before it serves wait in its socket's queue."""
    moto_url, gateway_url = (_url(server) for server in (moto, gateway))
    variables = environment(moto_url, gateway_url) | (
        imitated_providers(_url(imitation), gateway_url) if imitation else {}
    )
    lifeline = Lifeline()
    process = partial(Process, environment=for_process(variables), lifeline=lifeline)
    worker = partial(Process, environment=for_process({**variables, **models(), **worker_variables}), lifeline=lifeline)

    def log(name: str) -> Path:
        path = folder / "logs" / f"{name}.log"
        path.unlink(missing_ok=True)
        return path

    moto_process = process(
        "moto",
        "local.moto_server",
        [str(moto.fileno()), gateway_url, str(folder)],
        log=log("moto"),
        sockets=[moto],
    )
    gateway_process = process(
        "gateway", "local.gateway", [str(gateway.fileno()), str(folder)], log=log("gateway"), sockets=[gateway]
    )
    providers = [
        process("providers", "local.imitation", [str(server.fileno())], log=log("providers"), sockets=[server])
        for server in filter(None, [imitation])
    ]
    workers = {  # of each stage, so that several films run at once; a deployment has one service (ADR 66)
        stage.value: worker(f"{stage.queue} worker", worker_module, [stage.value], log=log(stage.queue))
        for stage in Stage
    } | {
        VERIFICATION_QUEUE: worker(
            f"{VERIFICATION_QUEUE} worker", "workers.verification.main", [], log=log(VERIFICATION_QUEUE)
        )
    }
    cloud = Cloud(
        api_url=gateway_url,
        moto_url=moto_url,
        providers_url=_url(imitation) if imitation else None,
        environment=variables,
        folder=folder,
        workers=workers if with_workers else {},
        services=(moto_process, gateway_process, *providers),
        _new_process=worker,
        _worker_module=worker_module,
        _lifeline=lifeline,
    )
    for child in (*cloud.services, *cloud.workers.values()):
        child.start()
    return cloud


def _url(server: socket.socket) -> str:
    return f"http://{HOST}:{server.getsockname()[1]}"


__all__ = ["Cloud", "CloudFailed", "laptop_cloud"]
