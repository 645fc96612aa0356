"""The laptop cloud: moto, the gateway and the workers as processes that start and stop together."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from local.environment import HOST, IMITATED, PREFIX, ROOT, environment, for_process, imitated_providers, models
from local.processes import CloudFailed, Lifeline, Process, listen, stop_all
from shared.stages.queues import VERIFICATION_QUEUE
from shared.stages.stages import Stage

FOLDER = ROOT / ".kinora"
START_SECONDS = 60.0
PLANS = ("FREE", "PRO", "ENTERPRISE")  # not imported from `PlanType`: its libraries take 0.5 s to import


class FunctionError(Exception):
    """An invoked function raised an exception. `answer` is the body of Lambda's response."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(f"{answer.get('errorType')}: {answer.get('errorMessage')}")
        self.answer = answer


@dataclass
class Cloud:
    """A running laptop cloud."""

    api_url: str
    moto_url: str
    environment: Mapping[str, str]
    folder: Path
    workers: dict[str, Process]  # by stage (`IMAGE_GENERATION`), and `asset-verification`
    services: tuple[Process, ...]
    _new_process: Callable[..., Process]
    _worker_module: str
    _lifeline: Lifeline
    _stopped: bool = field(default=False)
    _stopping: threading.Lock = field(default_factory=threading.Lock)

    @property
    def socket_url(self) -> str:
        return f"{self.api_url.replace('http', 'ws', 1)}/ws"

    @property
    def outbox_url(self) -> str:
        """The page with the email that was sent."""
        return f"{self.moto_url}/outbox"

    @property
    def providers_url(self) -> str | None:
        """The imitation of providers, if it runs."""
        url = self.environment.get("KINORA_RUNWAY_URL")
        return url.removesuffix(IMITATED["KINORA_RUNWAY_URL"]) if url else None

    @property
    def docs_url(self) -> str:
        return f"{self.api_url}/docs"

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
        while not self._stopped:
            for worker in list(self.workers.values()):
                with self._stopping:
                    if not self._stopped and not worker.alive:
                        worker.start()
            sleep(0.5)

    def client(self, service: Any) -> Any:
        """Return a boto3 client of this cloud. The caller's own AWS environment is not used."""
        import boto3  # noqa: PLC0415  # takes 350 ms, and the demo does not need it

        return boto3.client(
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )

    def invoke(self, function_name: str, payload: Any) -> Any:
        """Invoke a function by its name (`pipeline-reconcile`) and return its response. Raise FunctionError."""
        url = f"{self.api_url}/functions/{PREFIX}-{function_name}/invocations"
        request = Request(url, json.dumps(payload).encode(), method="POST")  # noqa: S310  # our own address
        try:
            with urlopen(request, timeout=60) as response:  # noqa: S310  # our own address
                failed, answer = response.headers.get("x-amz-function-error"), json.load(response)
        except HTTPError as error:
            raise FunctionError({"errorType": "Unknown", "errorMessage": error.read().decode()}) from None
        if failed:
            raise FunctionError(answer)
        return answer

    def stop(self) -> None:
        """End every process with SIGTERM, and with SIGKILL after a grace period. A second call does nothing."""
        with self._stopping:
            if self._stopped:
                return
            self._stopped = True
            stop_all(list(self.workers.values()))  # first, so that they can return their messages to the queues
            stop_all(self.services)
            self._lifeline.cut()


def subscribe(cloud: Cloud, account_id: str, plan: str) -> None:
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
    variables = environment(moto_url, gateway_url) | (imitated_providers(_url(imitation)) if imitation else {})
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


__all__ = ["Cloud", "CloudFailed", "FunctionError", "laptop_cloud"]
