"""`python -m workers.images.health`: exits 0 while the container's worker can work; ECS replaces one that cannot.

A worker that ended is noticed without us. What is not: one that was stopped, and one whose scratch space is full, which
would fail every job that it takes.
"""

import os
import sys
from pathlib import Path
from tempfile import gettempdir

FREE_BYTES = 256 * 2**20  # of scratch: less does not hold the files of one step
STOPPED = frozenset("TtZXx")  # states of proc(5): stopped, traced, zombie, dead


def ailments(process_stat: str, free_bytes: int) -> list[str]:
    """What is wrong with a worker, from the text of its /proc/<pid>/stat and the bytes that are free."""
    state = process_stat.rpartition(")")[2].split()[0]  # the name before it may hold anything, parentheses too
    found = []
    if state in STOPPED:
        found.append(f"the worker is in state {state}")
    if free_bytes < FREE_BYTES:
        found.append(f"{free_bytes} bytes of scratch space are left")
    return found


def main() -> None:
    space = os.statvfs(gettempdir())
    found = ailments(Path("/proc/1/stat").read_text(), space.f_bavail * space.f_frsize)
    if found:
        sys.exit("; ".join(found))


if __name__ == "__main__":
    main()
