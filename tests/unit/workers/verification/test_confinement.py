"""The process that decodes uploads tries to reach its parent's secrets."""

import subprocess
import sys
from ctypes.util import find_library
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


CALLS = {
    "a socket": "import socket; socket.socket()",
    "a socket of this computer": "import socket; socket.socket(socket.AF_UNIX)",
    "a program": "os.execv('/bin/true', ['true'])",
    "a program in a new process": "import subprocess; subprocess.run(['/bin/true'])",
    "a signal": "os.kill(os.getppid(), 0)",
    "a handle of its parent": "os.pidfd_open(os.getppid())",
    "a new namespace": "os.unshare(os.CLONE_NEWUSER)" if sys.version_info >= (3, 12) else "raise PermissionError",
}
C_CALLS = {
    "its parent's memory": "process_vm_readv(os.getppid(), None, 0, None, 0, 0)",
    "a trace of its parent": "ptrace(16, os.getppid(), 0, 0)",
    "a signal to a thread of its parent": "tgkill(os.getppid(), os.getppid(), 0)",
}


@pytest.mark.skipif(find_library("seccomp") is None, reason="this system has no libseccomp")
@pytest.mark.parametrize("attempt", CALLS.values(), ids=CALLS)
def test_the_decoding_process_reaches_neither_network_nor_programs_nor_processes(tmp_path: Path, attempt: str) -> None:
    assert "PermissionError" in tried(tmp_path, attempt)


@pytest.mark.skipif(find_library("seccomp") is None, reason="this system has no libseccomp")
@pytest.mark.parametrize("call", C_CALLS.values(), ids=C_CALLS)
def test_the_decoding_process_does_not_reach_its_parent_through_system_calls(tmp_path: Path, call: str) -> None:
    attempt = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.{call} < 0:
    raise OSError(ctypes.get_errno(), "refused")
"""
    assert "PermissionError" in tried(tmp_path, attempt)


def test_the_decoding_process_can_signal_itself(tmp_path: Path) -> None:
    assert tried(tmp_path, "import signal; signal.signal(10, lambda *_: None); signal.raise_signal(10)") == ""


def has_landlock() -> bool:
    import ctypes  # noqa: PLC0415  # for this question only

    return bool(ctypes.CDLL(None).syscall(444, None, 0, 1) > 0)


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")
@pytest.mark.parametrize("attempt", ["open(folder.parent / 'outside', 'w')", "os.execv('/bin/true', ['true'])"])
def test_the_decoding_process_writes_and_runs_nothing_outside_its_folder(tmp_path: Path, attempt: str) -> None:
    (tmp_path / "own").mkdir()
    assert "PermissionError" in tried(tmp_path / "own", attempt)
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
