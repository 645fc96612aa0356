"""MiniStack, an AWS emulator other than the laptop cloud's moto, as a process with its own environment."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import boto3

from local.environment import ACCESS_KEY_ID, ACCOUNT, HOST, REGION, ROOT, SECRET_ACCESS_KEY
from local.processes import listen

VERSION = "1.5.33"
START_SECONDS = 60
STOP_SECONDS = 10


class Emulator:
    """A running emulator of AWS at `url`."""

    def __init__(self, url: str, log: Path) -> None:
        self.url, self.log = url, log

    @property
    def variables(self) -> dict[str, str]:
        """The variables with which a process uses the emulator instead of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "NO_PROXY": f"{HOST},localhost",
            "no_proxy": f"{HOST},localhost",
        }

    def client(self, service: Any) -> Any:
        """Return a boto3 client of the emulator. The caller's own AWS environment is not used."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """Run MiniStack on a free port until the block ends. Its log and its data are in `folder`.

    It runs on this project's interpreter: functions run on the same one and need this machine's packages.
    """
    with listen() as probe:
        port = probe.getsockname()[1]
    log = folder / "ministack.log"
    command: list[str | Path] = [
        ROOT / ".venv" / "bin" / "uv", "tool", "run", "--python", ROOT / ".venv" / "bin" / "python", "--from",
        f"ministack=={VERSION}", "ministack",
    ]  # fmt: skip
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KINORA_"))}
    environment = inherited | {
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # our own arguments
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        url = f"http://{HOST}:{port}"
        _wait(url, process, log)
        yield Emulator(url, log)
    finally:
        _stop(process)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"MiniStack ended; its log is {log}")
        try:
            with urlopen(f"{url}/_ministack/health", timeout=2):  # noqa: S310  # our own address
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"MiniStack took too long to start; its log is {log}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop the process and the functions that it started, which are in its process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
