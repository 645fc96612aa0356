"""`make chaos JOBS= FAULTS= SEED=`: run a storm, print its report, exit with 1 if it found a fault."""

import asyncio
import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Annotated

import typer

from tests.chaos.storm import Report, storm


def main(
    jobs: Annotated[int, typer.Option(help="Number of jobs.")] = 200,
    faults: Annotated[int, typer.Option(help="Number of faults.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of all random choices. 0 takes one from the clock.")] = 0,
    only: Annotated[str, typer.Option(help="A part of the names of the faults. Others do not fire.")] = "",
    folder: Annotated[Path | None, typer.Option(help="Folder for the logs; it is kept.")] = None,
) -> None:
    """Run a storm and print its report as Markdown."""
    chosen = seed or int(monotonic() * 1000) % 1_000_000
    sys.stderr.write(f"seed {chosen}\n")
    with TemporaryDirectory(prefix="kinora-storm-") as temporary, redirect_stdout(sys.stderr):  # metrics are printed
        report: Report = asyncio.run(storm(jobs, faults, chosen, folder or Path(temporary), only))
    sys.stdout.write(report.markdown())
    raise typer.Exit(0 if report.good else 1)


if __name__ == "__main__":
    typer.run(main)
