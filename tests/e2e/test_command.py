"""The `kinora` command as a process, against the laptop cloud."""

import csv
import json
import os
import pty
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from clients.python.kinora import Kinora
from clients.python.kinora.batch import JOURNAL
from local.cloud import Cloud
from local.environment import ROOT
from tests.e2e.conftest import key_of, signed_up

pytestmark = pytest.mark.slow

SHORT = ("--duration", "1", "--resolution", "480p")
FILMS = 20


class Shell:
    """A user's shell: a home, a key and a working folder of its own."""

    def __init__(self, cloud: Cloud, folder: Path, key: str | None = None) -> None:
        self.folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KINORA_")},
            "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(folder / "config"), "KINORA_BASE_URL": cloud.api_url,
            **({"KINORA_API_KEY": key} if key else {}),
        }  # fmt: skip

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        # A shell ignores SIGINT for programs in the background, and their children inherit that.
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return subprocess.Popen(  # noqa: S603  # our own arguments
            [sys.executable, "-m", "clients.python.kinora", *arguments],
            env=self._environment, cwd=self.folder, text=True,
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )  # fmt: skip

    def run(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        process = self.start(*arguments)
        output, errors = process.communicate(stdin, timeout=240)
        return process.returncode, output, errors


@pytest.fixture(scope="module")
def key(scripted_cloud: Cloud) -> str:
    return key_of(scripted_cloud)


@pytest.fixture
def shell(scripted_cloud: Cloud, key: str, script: Path, tmp_path: Path) -> Shell:
    for left in script.iterdir():
        left.unlink()
    return Shell(scripted_cloud, tmp_path, key)


def test_a_film_is_quoted_made_listed_and_downloaded(shell: Shell) -> None:
    code, output, _ = shell.run("quote", "a lake", *SHORT, "--json")
    price = json.loads(output)["credits"]
    code, _, errors = shell.run("make", "a lake", *SHORT, "--max-credits", str(price - 1))
    assert (code, "max_credits_exceeded" in errors) == (1, True)
    make = ("make", "a lake", *SHORT, "--max-credits", str(price), "--out", "lake.mp4", "--json")
    code, output, errors = shell.run(*make)
    assert code == 0, errors
    job = json.loads(output)
    assert (job["status"], job["credits"]) == ("COMPLETED", price)
    assert (shell.folder / "lake.mp4").stat().st_size > 0
    assert [one["id"] for one in json.loads(shell.run("ls", "--json")[1])] == [job["id"]]
    assert shell.run("get", job["id"], "--out", "again.mp4")[0] == 0
    assert (shell.folder / "again.mp4").read_bytes() == (shell.folder / "lake.mp4").read_bytes()
    events = [json.loads(line) for line in shell.run("watch", job["id"], "--json")[1].splitlines()]
    assert [event["type"] for event in events] == ["job.snapshot"]
    assert "crash-zoom-in" in shell.run("presets")[1]


def test_exit_codes_say_what_is_wrong(scripted_cloud: Cloud, shell: Shell, tmp_path: Path) -> None:
    assert shell.run("get", "job_none")[0] == 4
    poor = Shell(scripted_cloud, tmp_path, key_of(scripted_cloud))
    dear = ("make", "a lake", "--duration", "30", "--resolution", "4k", "--preset", "static", "--no-wait")
    assert next(code for code in iter(lambda: poor.run(*dear)[0], None) if code) == 5
    assert shell.run("make")[0] == 2
    assert Shell(scripted_cloud, tmp_path, "kin_wrong").run("ls")[0] == 3
    code, _, errors = Shell(scripted_cloud, tmp_path).run("ls")
    assert (code, "kinora login" in errors) == (3, True)


def test_login_stores_a_key_that_only_its_user_reads(scripted_cloud: Cloud, tmp_path: Path) -> None:
    studio = signed_up(scripted_cloud)
    email, password = studio.credentials
    shell = Shell(scripted_cloud, tmp_path)
    code, output, errors = shell.run("login", "--email", email, stdin=f"{password}\n")
    assert code == 0, errors
    assert email in output
    [stored] = (tmp_path / "config").rglob("credentials.json")
    assert stored.stat().st_mode & 0o777 == 0o600
    assert shell.run("ls", "--json")[:2] == (0, "[]\n")


def test_ctrl_c_asks_before_it_cancels(shell: Shell, script: Path, scripted_cloud: Cloud, key: str) -> None:
    """The first film continues, because the answer is no. The second one is cancelled."""
    (script / "IMAGE_GENERATION").write_text("slow")
    with Kinora(key, scripted_cloud.api_url) as client:
        for answer, status in (("n", "RUNNING"), ("y", "CANCELLED")):
            near, far = pty.openpty()
            process = shell.start("make", "a lake", *SHORT, stdin=far)
            assert process.stderr
            film_id = process.stderr.readline().partition(":")[0]
            while client.jobs.get(film_id).status != "RUNNING":
                sleep(0.2)
            process.send_signal(signal.SIGINT)
            os.write(near, f"{answer}\n".encode())
            assert process.wait(60) == 130
            assert client.jobs.get(film_id).status == status
            client.jobs.cancel(film_id)


@pytest.mark.timeout(900)
def test_a_batch_that_is_killed_twice_and_resumed_pays_each_film_once(shell: Shell, scripted_cloud: Cloud) -> None:
    """SIGKILL comes after the first jobs, and again after some more, while others are submitted."""
    key = key_of(scripted_cloud)
    shell = Shell(scripted_cloud, shell.folder, key)
    with (shell.folder / "prompts.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["prompt", "duration", "resolution", "preset"])
        table.writerows(["a lake", "1", "480p", "static"] for _ in range(FILMS))
    arguments = ("batch", "prompts.csv", "--out", "films", "--resume", "--parallel", "6")
    journal = shell.folder / "films" / JOURNAL
    for jobs in (2, 9):
        process, deadline = shell.start(*arguments), monotonic() + 200
        while not journal.exists() or journal.read_text().count('"job"') < jobs:
            assert process.poll() is None, process.communicate()
            assert monotonic() < deadline
            sleep(0.01)
        process.kill()
        process.communicate()
    code, _, errors = shell.run(*arguments)
    assert code == 0, errors
    assert len(list((shell.folder / "films").glob("*.mp4"))) == FILMS
    with Kinora(key, scripted_cloud.api_url) as client:
        statuses = Counter(job.status for job in client.jobs.list())
        payments = [entry for entry in client.billing.ledger() if entry.credits < 0]
        subscription = client.billing.subscription()
    assert statuses == {"COMPLETED": FILMS}
    assert len(payments) == FILMS
    assert subscription.credits_held == 0
    assert shell.run("batch", "prompts.csv", "--out", "films")[0] == 1  # not without --resume
