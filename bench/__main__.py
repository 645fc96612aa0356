"""`python -m bench`: measure against named peers and write build/bench.json."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import cold, media, pipeline
from bench.measure import alone
from bench.report import show
from bench.warp import warp

OUT = Path("build/bench.json")


def main() -> int:
    measures = []
    measures.append(alone("cloud_ready_seconds", median(pipeline.cloud_ready_seconds() for _ in range(5)), "s"))
    measures.append(alone("pipeline_overhead_seconds", pipeline.overhead_seconds(jobs=5), "s"))
    with TemporaryDirectory(prefix="kinora-bench-") as folder:
        film = pipeline.film(Path(folder), films=3)
        measures.append(alone("demo_clip_seconds", film.seconds, "s"))
        measures += media.measures(Path(folder))
    measures.append(warp())
    measures += cold.measures()
    measures += [alone(f"{stage.lower()}_fps", fps, "frames/s") for stage, fps in film.stage_fps.items()]

    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(measure) for measure in measures], indent=2) + "\n")
    show(measures)
    print(f"Written to {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
