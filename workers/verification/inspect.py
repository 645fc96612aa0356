"""Has an upload looked at by a process of its own, with no credential and little of the machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import workers
from shared.stages.queues import INSPECTION_SECONDS
from workers.verification.verdict import CleanMedia, MediaKind, Rejected, Verdict

_CHILD = "workers.verification.child"


def inspect(path: Path, kind: MediaKind, out_folder: Path, timeout_seconds: float = INSPECTION_SECONDS) -> Verdict:
    """The verdict on an upload; the clean copy of what is accepted lies in `out_folder`.

    Whatever the upload does to the child that decodes it (a crash, endless work, no memory left) is a rejection with
    the code `unreadable` or, where it took too long, `too_slow`; never an error.
    """
    command = [sys.executable, "-P", "-m", _CHILD, kind, str(path), str(out_folder), str(int(timeout_seconds) + 1)]
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(Path(workers.__file__).parents[1]),
        "OPENBLAS_NUM_THREADS": "1",  # each thread would reserve address space that the child does not have
    }
    try:
        done = subprocess.run(  # noqa: S603  # the command is our own module, the upload only a path among its arguments
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_seconds, check=True
        )
        said = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return Rejected("too_slow", "This file takes too long to read: bring a smaller or a shorter one.")
    except (subprocess.CalledProcessError, ValueError):
        return Rejected("unreadable", "This file cannot be read.")
    if "code" in said:
        return Rejected(said["code"], said["public_message"])
    return CleanMedia(**said | {"path": Path(said["path"])})
