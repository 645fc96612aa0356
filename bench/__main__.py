"""`python -m bench`: measure against named peers and write build/bench.json.

`--record` also adds the run to docs/bench.json. `--part` measures only these parts.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import cold, media, overlap, pipeline
from bench.measure import Measure, alone
from bench.record import record
from bench.report import show
from bench.warp import warp
from shared.core.clock import utc_now

OUT = Path("build/bench.json")


def films() -> Iterator[Measure]:
    """Yield the measures of the laptop cloud and of films."""
    yield alone("cloud_ready_seconds", median(pipeline.cloud_ready_seconds() for _ in range(5)), "s")
    yield alone("pipeline_overhead_seconds", pipeline.overhead_seconds(jobs=5), "s")
    with TemporaryDirectory(prefix="kinora-bench-") as folder:
        film = pipeline.film(Path(folder), films=3)
        yield alone("demo_clip_seconds", film.seconds, "s")
        yield from media.measures(Path(folder))
    yield from (alone(f"{stage.lower()}_fps", fps, "frames/s") for stage, fps in film.stage_fps.items())


PARTS: dict[str, Callable[[], Iterator[Measure]]] = {
    "films": films,
    "warp": lambda: iter([warp()]),
    "overlap": lambda: iter(overlap.measures()),
    "cold": lambda: iter(cold.measures()),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--record", action="store_true", help="add the run to docs/bench.json")
    parser.add_argument("--part", action="append", choices=PARTS, help="measure this part only; may be repeated")
    chosen = parser.parse_args()
    measures = [measure for part in chosen.part or PARTS for measure in PARTS[part]()]

    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(measure) for measure in measures], indent=2) + "\n")
    show(measures)
    print(f"Written to {OUT}")
    if chosen.record:
        record(measures, utc_now())
        print("Recorded. `make docs` writes docs/performance.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
