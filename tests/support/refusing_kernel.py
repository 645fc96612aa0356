"""The process that decodes uploads, on a kernel that refuses a limit: `python -m tests.support.refusing_kernel ...`."""

import sys
from pathlib import Path

from workers.verification import child


def confine(folder: Path) -> None:
    raise OSError(1, "the kernel refused a limit of the decoding process")


if __name__ == "__main__":
    vars(child)["confine"] = confine
    child.main(*sys.argv[1:])
