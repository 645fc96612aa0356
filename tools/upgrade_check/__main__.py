"""`make upgrade-check`: update a deployment with jobs in flight from the previous release to this one.

MiniStack receives the templates of the previous release (`FROM=` names another tag or commit). Its workers bring a job
to each point of its life. Then the same stacks are updated with the templates of this release, and workers of both
releases read the same queues for some time. All jobs must complete, and the audit must have no finding. The exit status
is 1 if anything is lost. `FROM=HEAD TO=v1.0.0` goes back from the current commit to an earlier release.
"""

import os
import shutil
import signal
import tempfile
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from local.environment import REGION
from tools.cross_check.__main__ import write_line
from tools.cross_check.emulator import emulator
from tools.upgrade_check.release import previous, release_at, this_release

TIMEOUT_SECONDS = 540
QUIET = {"AWS_DEFAULT_REGION": REGION, "POWERTOOLS_LOG_LEVEL": "ERROR"}


def _time_out(*_: object) -> None:
    raise TimeoutError(f"not finished after {TIMEOUT_SECONDS} s")


def main(
    start: Annotated[str, typer.Option("--from", help="Tag or commit; without it, the previous release.")] = "",
    to: Annotated[str, typer.Option(help="Tag or commit; without it, the working tree.")] = "",
) -> None:
    signal.signal(signal.SIGALRM, _time_out)  # the exception ends the blocks, which stop their processes
    signal.alarm(TIMEOUT_SECONDS)
    began = monotonic()
    first, second = release_at(start or previous()), release_at(to) if to else this_release()
    write_line(f"from {first.name} to {second.name}: templates after {monotonic() - began:.0f} s")
    folder = Path(tempfile.mkdtemp(prefix="kinora-upgrade-check-"))
    with emulator(folder) as cloud:
        function = first.assembly.functions()["upkeep-audit"]
        os.environ |= function["Environment"]["Variables"] | cloud.variables | QUIET
        from tools.upgrade_check.crossing import cross  # noqa: PLC0415  # records read the environment at import

        faults = cross(first, second, cloud, folder)
    for fault in faults:
        write_line(f"FAULT {fault}")
    write_line(f"{len(faults)} faults after {monotonic() - began:.0f} s")
    if faults:
        write_line(f"logs in {folder}")
        raise typer.Exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    typer.run(main)
