"""Announcements of a laptop cloud that another program runs."""

import subprocess
import sys
from pathlib import Path

from local.addresses import Addresses, announced, running

ONE, OTHER = (Addresses(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}", None) for port in (8700, 8800))
ANNOUNCE = """
import sys
from pathlib import Path
from local.addresses import Addresses, announced
with announced(Addresses("http://127.0.0.1:8700", "http://127.0.0.1:8701", None), Path(sys.argv[1])):
    print("announced", flush=True)
    sys.stdin.read()
"""


def test_a_cloud_is_found_while_it_is_announced(tmp_path: Path) -> None:
    assert running(tmp_path) is None
    with announced(ONE, tmp_path):
        assert running(tmp_path) == ONE
        with announced(OTHER, tmp_path):
            assert running(tmp_path) == ONE
        assert running(tmp_path) == ONE
    assert running(tmp_path) is None
    with announced(OTHER, tmp_path):
        assert running(tmp_path) == OTHER


def test_a_cloud_whose_process_was_killed_is_not_found(tmp_path: Path) -> None:
    with subprocess.Popen(  # noqa: S603  # our own code
        [sys.executable, "-c", ANNOUNCE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert running(tmp_path) == ONE
        process.kill()
        process.wait()
        assert running(tmp_path) is None
