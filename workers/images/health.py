"""The container's health check, `python -m workers.images.health`: it exits with 0 while the worker can work.

ECS replaces unhealthy containers. ECS itself notices a worker that has ended, but not a worker that is stopped, and not
a worker whose scratch space is full, which would fail every job.
"""

import os
import sys
from pathlib import Path
from tempfile import gettempdir

FREE_BYTES = 256 * 2**20  # minimum free scratch space; the files of one step need it
STOPPED = frozenset("TtZXx")  # states of proc(5): stopped, traced, zombie, dead


def faults(process_stat: str, free_bytes: int) -> list[str]:
    """Return the faults of a worker, given the text of its /proc/<pid>/stat and its free scratch space."""
    state = process_stat.rpartition(")")[2].split()[0]  # the process name before it may contain parentheses
    found = []
    if state in STOPPED:
        found.append(f"the worker is in state {state}")
    if free_bytes < FREE_BYTES:
        found.append(f"{free_bytes} bytes of scratch space are left")
    return found


def main() -> None:
    space = os.statvfs(gettempdir())
    found = faults(Path("/proc/1/stat").read_text(), space.f_bavail * space.f_frsize)
    if found:
        sys.exit("; ".join(found))


if __name__ == "__main__":
    main()
