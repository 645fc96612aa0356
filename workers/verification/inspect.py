"""The inspection of an upload in a separate process, without credentials and with limited resources."""

import json
import os
import subprocess
import sys
from pathlib import Path

import workers
from shared.stages.queues import INSPECTION_SECONDS
from workers.verification.confinement import UNCONFINED, Unconfined
from workers.verification.verdict import CleanMedia, MediaKind, Rejected, Verdict

_CHILD = "workers.verification.child"
_SETTINGS = ("KINORA_MODELS", "KINORA_MODERATION_MOST")  # variables that the child needs, too


def inspect(path: Path, kind: MediaKind, out_folder: Path, timeout_seconds: float = INSPECTION_SECONDS) -> Verdict:
    """Return the verdict on an upload. The clean copy of an accepted upload is in `out_folder`.

    If the child crashes, runs out of memory or does not end in time, return a rejection with the code `unreadable` or
    `too_slow`. An upload never causes an error. Raise Unconfined on a host that cannot decode any upload safely.
    """
    command = [sys.executable, "-P", "-m", _CHILD, kind, str(path), str(out_folder), str(int(timeout_seconds) + 1)]
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(Path(workers.__file__).parents[1]),
        "TMPDIR": str(out_folder),  # the only folder that the child can write to
        "OPENBLAS_NUM_THREADS": "1",  # each thread reserves address space, which the child's limit does not allow
    }
    environment |= {name: os.environ[name] for name in _SETTINGS if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603  # the command is our own module, the upload only a path among its arguments
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_seconds, check=True
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return Rejected("too_slow", "This file takes too long to read. Upload a smaller or shorter file.")
    except subprocess.CalledProcessError as error:
        if error.returncode == UNCONFINED:
            raise Unconfined(error.stderr.decode()) from error
        return Rejected("unreadable", "This file cannot be read.")
    except ValueError:
        return Rejected("unreadable", "This file cannot be read.")
    if "code" in answer:
        return Rejected(answer["code"], answer["public_message"])
    return CleanMedia(
        **answer | {name: answer[name] and Path(answer[name]) for name in ("path", "depth", "matte", "thumbnail")}
    )
