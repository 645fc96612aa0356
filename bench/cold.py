"""`python -m bench.cold`: cold starts and warm events of Lambda functions, against the stock stack.

A start is a new process that has compiled bytecode. All processes call the same moto. The times are the processor time
of the function's process: neither moto's work nor the other programs of the machine count. `cold_first` is the first
event after a start from a snapshot, for a function that has SnapStart in `infra/functions.py`. Our functions load
botocore from our base layer, as on Lambda.
"""

import json
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from compileall import compile_dir
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from bench.measure import Measure, cheaper
from bench.report import show
from infra.bundling.layers import layer_bundle
from infra.constructs.variables import WITHOUT_PLUGINS
from infra.functions import FUNCTIONS
from local.environment import ROOT

STARTS = 7
WARM_UP, WARM = 3, 25
STOCK = "bench.peers.stock:handler"
SAME_CALLS = "bench.peers.same_calls:handler"
HANDLERS = {row.name: row.handler for row in FUNCTIONS}
SNAPSHOTS = {row.handler for row in FUNCTIONS if row.snap_start}
# The cases, whose events `bench.cold_cloud` makes.
CASES = {
    "authorizer": HANDLERS["authorizer"],
    "dispatch": HANDLERS["pipeline-dispatch"],
    "settle": HANDLERS["pipeline-settle"],
    "signal": HANDLERS["pipeline-signal"],
    "push": HANDLERS["realtime-push"],
    "connect": HANDLERS["socket-connect"],
    "subscribe": HANDLERS["socket-subscribe"],
    "create_job": HANDLERS["rest-jobs"],
    "list_jobs": HANDLERS["rest-jobs"],
    "read_job": HANDLERS["rest-jobs"],
    "sign_in": HANDLERS["rest-auth"],
}
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Start:
    """Processor time in ms of one start: the import of the handler, and its first event."""

    init: float
    first: float


class FunctionProcess:
    """A process that serves one function."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.init_ms: float = self._read()["ms"]

    def call(self, event: Event) -> float:
        """Send the event and return its processor time in ms. Raise RuntimeError for an answer that is an error."""
        print(json.dumps(event), file=self._process.stdin, flush=True)
        line = self._read()
        answer = line["answer"] or {}
        if answer.get("statusCode", 200) >= 400 or answer.get("batchItemFailures"):
            raise RuntimeError(f"{event} was answered {answer}")
        return float(line["ms"])

    def _read(self) -> Any:
        return _line(self._process)


class MotoProcess:
    """The process of `bench.cold_cloud`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        ready = _line(process)
        self.environment: dict[str, str] = ready["environment"]
        self.events: dict[str, Event] = ready["events"]

    def restore(self) -> None:
        """Bring back all that was stored at the start."""
        print(file=self._process.stdin, flush=True)
        _line(self._process)

    @contextmanager
    def function(self, handler: str, *, snapshot: bool = False) -> Iterator[FunctionProcess]:
        """Start the function in a new process, as Lambda does for a request or for a snapshot."""
        ours = handler in HANDLERS.values()
        path = f"{_layer()}:{ROOT}" if ours else str(ROOT)
        own = {"PATH": "", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "127.0.0.1"}
        own |= WITHOUT_PLUGINS if ours else {}
        own["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start" if snapshot else "on-demand"
        with _running("-P", "bench/lambda_child.py", handler, environment=own | self.environment) as process:
            yield FunctionProcess(process)


def measures() -> list[Measure]:
    """Return the measures of all cases, each against the stock stack in the same rounds."""
    for folder in ("shared", "functions", "bench/peers"):
        compile_dir(ROOT / folder, quiet=1)
    with _running("-m", "bench.cold_cloud") as process:
        cloud = MotoProcess(process)
        return [*_cold(cloud), *_warm(cloud)]


def _cold(cloud: MotoProcess) -> Iterator[Measure]:
    whole: dict[str, list[float]] = defaultdict(list)
    first: dict[str, list[float]] = defaultdict(list)
    for _ in range(STARTS):
        for case, handler in {"stock": STOCK, **CASES}.items():
            start = _start(cloud, case, handler)
            whole[case].append(start.init + start.first)
            after = _start(cloud, case, handler, snapshot=True) if handler in SNAPSHOTS else start
            first[case].append(after.first)
    stock = median(whole["stock"])
    for case in CASES:
        yield cheaper(f"cold_{case}", median(whole[case]), stock, "stock stack")
    for case in CASES:  # against a whole start, because a snapshot leaves only the first event
        yield cheaper(f"cold_first_{case}", median(first[case]), stock, "stock stack")


def _start(cloud: MotoProcess, case: str, handler: str, *, snapshot: bool = False) -> Start:
    cloud.restore()
    with cloud.function(handler, snapshot=snapshot) as function:
        return Start(function.init_ms, function.call(cloud.events[case]))


def _warm(cloud: MotoProcess) -> Iterator[Measure]:
    for case in ("create_job", "list_jobs", "read_job"):
        ours, peer = list[float](), list[float]()
        with cloud.function(CASES[case]) as function, cloud.function(SAME_CALLS) as stock:
            for _ in range(WARM_UP + WARM):
                cloud.restore()
                ours.append(function.call(cloud.events[case]))
                cloud.restore()
                peer.append(stock.call(cloud.events[f"stock_{case}"]))
        yield cheaper(f"cold_warm_{case}", median(ours[WARM_UP:]), median(peer[WARM_UP:]), "stock, same calls")


@contextmanager
def _running(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    """Run a program of Python until the end of the block. It ends when its input does."""
    with subprocess.Popen(  # noqa: S603  # our own programs
        [sys.executable, *arguments], cwd=ROOT, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        yield process
        assert process.stdin  # noqa: S101  # for the type checker
        process.stdin.close()


@cache
def _layer() -> Path:
    """Return a folder with botocore as our base layer has it. The stock stack loads the package's whole one."""
    layer = layer_bundle("base").path
    folder = layer.with_suffix("")
    with zipfile.ZipFile(layer) as bundle:
        wanted = [
            name for name in bundle.namelist() if name.startswith("python/botocore/") and "__pycache__" not in name
        ]
        bundle.extractall(folder, wanted)
    compile_dir(folder, quiet=1)
    return folder / "python"


def _line(process: "subprocess.Popen[str]") -> Any:
    assert process.stdout  # noqa: S101  # for the type checker
    return json.loads(process.stdout.readline())


if __name__ == "__main__":
    show(measures())
