"""The process that decodes uploads tries to reach its parent's secrets."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")

PARENT = """
import subprocess, sys
from workers.verification import confinement
confinement.hide()
sys.exit(subprocess.run([sys.executable, "-c", sys.argv[1], sys.argv[2]], env={"PYTHONPATH": "."}).returncode)
"""
CHILD = """
import os, sys
from pathlib import Path
from workers.verification.confinement import confine
folder = Path(sys.argv[1])
confine(folder)
(folder / "clean").write_text("allowed")
"""
READS = ("environ", "mem", "maps", "auxv", "fd/0", "cwd/pyproject.toml", "root/etc/hostname")


def tried(folder: Path, attempt: str) -> str:
    """Return the standard error of a decoding process that makes an attempt."""
    command = [sys.executable, "-c", PARENT, CHILD + attempt, str(folder)]
    environment = {"PYTHONPATH": ".", "AWS_SECRET_ACCESS_KEY": "secret"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stderr  # noqa: S603  # our own code


def test_the_decoding_process_can_do_its_work(tmp_path: Path) -> None:
    assert tried(tmp_path, "") == ""
    assert (tmp_path / "clean").read_text() == "allowed"


@pytest.mark.parametrize("name", READS)
def test_the_decoding_process_cannot_read_its_parent(tmp_path: Path, name: str) -> None:
    assert "PermissionError" in tried(tmp_path, f"print(open(f'/proc/{{os.getppid()}}/{name}', 'rb').read(1))")


def test_the_decoding_process_has_no_capabilities(tmp_path: Path) -> None:
    attempt = (
        "[line] = [one for one in open('/proc/self/status') if one.startswith('CapEff')]; assert int(line[7:], 16) == 0"
    )
    assert tried(tmp_path, attempt) == ""


def has_landlock() -> bool:
    import ctypes  # noqa: PLC0415  # for this question only

    return bool(ctypes.CDLL(None).syscall(444, None, 0, 1) > 0)


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")
@pytest.mark.parametrize("attempt", ["open(folder.parent / 'outside', 'w')", "os.execv('/bin/true', ['true'])"])
def test_the_decoding_process_writes_and_runs_nothing_outside_its_folder(tmp_path: Path, attempt: str) -> None:
    (tmp_path / "own").mkdir()
    assert "PermissionError" in tried(tmp_path / "own", attempt)
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
