"""Child processes of the laptop cloud, tested with small programs."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import processes
from local.environment import environment, for_process
from local.processes import CloudFailed, Lifeline, Process, stop_all

SERVES = "import time\nprint('hello')\nprint('ready', flush=True)\ntime.sleep(60)\n"
IGNORES_SIGTERM = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SERVES}"
ENDS = "raise SystemExit('no such thing')\n"

Make = Callable[[str], Process]


@pytest.fixture
def lifeline() -> Lifeline:
    return Lifeline()


@pytest.fixture
def make(tmp_path: Path, lifeline: Lifeline) -> Iterator[Make]:
    made: list[Process] = []

    def start(program: str) -> Process:
        (tmp_path / "child_program.py").write_text(program)
        variables = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        log = tmp_path / "logs" / "child.log"
        process = Process("test", "child_program", [], environment=variables, log=log, lifeline=lifeline)
        made.append(process)
        process.start()
        return process

    yield start
    for process in made:
        if process.alive:
            process.kill()


def test_a_start_waits_until_the_child_is_ready_and_logs_its_output(make: Make) -> None:
    process = make(SERVES)
    process.wait_ready(10)
    assert process.alive
    assert process.log.read_text().splitlines() == ["hello", "ready"]


def test_a_child_that_ends_while_it_starts_is_an_error_that_names_its_log(make: Make) -> None:
    process = make(ENDS)
    with pytest.raises(CloudFailed, match=r"stopped while it started; its log is .*child\.log"):
        process.wait_ready(10)
    assert "no such thing" in process.log.read_text()


def test_a_killed_child_starts_again(make: Make) -> None:
    process = make(SERVES)
    process.wait_ready(10)
    first = process.pid
    process.kill()
    assert not process.alive
    process.restart(10)
    assert process.alive
    assert process.pid != first


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace_period(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
    process = make(IGNORES_SIGTERM)
    process.wait_ready(10)
    stop_all([process])
    assert not process.alive


def test_a_cut_lifeline_ends_the_child_and_its_children(make: Make, lifeline: Lifeline) -> None:
    process = make(f"import subprocess\nprint(subprocess.Popen(['sleep', '60']).pid)\n{SERVES}")
    process.wait_ready(10)
    grandchild = process.log.read_text().splitlines()[0]
    lifeline.cut()
    assert process.ended(5)
    deadline = time.monotonic() + 5
    while _runs(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(grandchild)


def _runs(pid: str) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607  # ps is on every system
    return bool(state.strip()) and not state.startswith("Z")


def test_a_child_does_not_inherit_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    variables = for_process(environment("http://127.0.0.1:1", "http://127.0.0.1:2"))
    assert "real" not in variables.values()
    assert "production" not in variables.values()
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
