"""Child processes of the laptop cloud: start, wait until ready, restart, stop."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from time import monotonic

from local.environment import HOST, ROOT

GRACE_SECONDS = 2.0


class CloudFailed(Exception):
    """The laptop cloud cannot run. The message is one sentence for the user."""


def listen(port: int = 0) -> socket.socket:
    """Return a listening loopback socket; port 0 means any free port. Raise CloudFailed if the port is in use."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((HOST, port))
    except OSError as error:
        server.close()
        raise CloudFailed(
            f"Port {port} cannot be used: {(error.strerror or str(error)).lower()}. Try another --port."
        ) from None
    server.listen(256)
    return server


class Lifeline:
    """A pipe that the kernel closes when this process ends. Each child watches the other end."""

    def __init__(self) -> None:
        self.theirs, self._ours = os.pipe()

    def cut(self) -> None:
        """Kill every child that still runs."""
        for end in (self.theirs, self._ours):
            os.close(end)


class Process:
    """One child, `python -m module arguments`. Its output goes to a log; it prints `ready` when it serves.

    `root` is the source tree of the module. Its interpreter is in `.venv`.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        lifeline: Lifeline,
        sockets: Sequence[socket.socket] = (),
        root: Path = ROOT,
    ) -> None:
        self.name, self.log, self._root = name, log, root
        python = sys.executable if root == ROOT else str(root / ".venv" / "bin" / "python")
        self._command = [python, "-m", "local.child", str(lifeline.theirs), module, *arguments]
        self._environment = dict(environment)
        self._pass_fds = (lifeline.theirs, *(server.fileno() for server in sockets))
        self._child: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._starting = threading.Lock()

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start the process unless it runs. Safe to call from several threads."""
        with self._starting:
            if not self.alive:
                self._start()

    def _start(self) -> None:
        self._ready = threading.Event()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._child = subprocess.Popen(  # noqa: S603  # our own modules
            self._command,
            cwd=self._root,
            env=self._environment,
            pass_fds=self._pass_fds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._keep_log, args=(self._child, self._ready), daemon=True).start()

    def _keep_log(self, child: "subprocess.Popen[bytes]", ready: threading.Event) -> None:
        with self.log.open("ab", buffering=0) as log, child.stdout or nullcontext(()) as output:
            for line in output:
                log.write(line)
                if line.strip() == b"ready":
                    ready.set()
        child.wait()
        ready.set()  # wakes `wait_ready`, which then sees that the process ended

    def wait_ready(self, timeout_seconds: float) -> None:
        """Wait until the process is ready. Raise CloudFailed if it ends first or takes too long."""
        in_time = self._ready.wait(timeout_seconds)
        if in_time and self.alive:
            return
        state = "took too long to start" if self.alive else "stopped while it started"
        raise CloudFailed(f"The {self.name} process {state}; its log is {self.log}.")

    def kill(self) -> None:
        """Kill the process with SIGKILL, as a crash would."""
        child = self._running()
        self.send_signal(signal.SIGKILL)
        child.wait()

    def ended(self, within_seconds: float) -> bool:
        """Return whether the process ends within this time."""
        try:
            self._running().wait(max(0.0, within_seconds))
        except subprocess.TimeoutExpired:
            return False
        return True

    def restart(self, timeout_seconds: float = 30) -> None:
        """Kill the process if it runs, start it again and wait until it is ready."""
        if self.alive:
            self.kill()
        self.start()
        self.wait_ready(timeout_seconds)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._child is None:
            raise CloudFailed(f"The {self.name} process was never started.")
        return self._child

    def send_signal(self, number: signal.Signals) -> None:
        child = self._running()
        if child.poll() is None:
            with suppress(ProcessLookupError):  # it may end between the check and the signal
                os.killpg(child.pid, number)


def stop_all(processes: Sequence[Process]) -> None:
    """Send SIGTERM to all, and after the grace period SIGKILL to the process groups that remain."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    deadline = monotonic() + GRACE_SECONDS
    for process in processes:
        if not process.ended(deadline - monotonic()):
            process.kill()
