"""`python -m bench.photo_cost`: what a film of a photograph needs before its first frame, without and with the models.

The photographs are those of `make photos`.
"""

import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from statistics import median

from rich.console import Console

from bench.photos import FOLDER, PHOTOS, fetch
from local.environment import MODELS
from shared.camera.catalogue import default_moves
from workers.renderer.motif import motif_of
from workers.renderer.path import camera_path
from workers.renderer.photograph import filming


def main() -> None:
    """Print what a Full HD photograph needs before its first frame, without and with the models, as medians."""
    fetch()
    for models in ("", str(MODELS)):
        with ProcessPoolExecutor(1) as process:
            rows = [process.submit(_prepared, photo, models).result() for photo in PHOTOS]
        seconds, processor, peak = zip(*rows[1:], strict=True)  # the first photograph also loads the models
        Console().print(
            f"{'with' if models else 'without'} the models: {median(seconds):.2f} s, {median(processor):.2f} s of "
            f"processor time, {max(peak)} MB at most"
        )


def _prepared(photo: str, models: str) -> tuple[float, float, int]:
    """Prepare a film of a photograph. Return the seconds, the processor time, and the process's peak memory in MB."""
    if models:
        os.environ["KINORA_MODELS"] = models
    began, used = time.perf_counter(), time.process_time()
    size, move = (1920, 1080), default_moves()["orbit-left"].move
    motif = motif_of(FOLDER / PHOTOS[photo], size, depth=None, scenery=None, focal_point=None)
    made = filming([motif], camera_path(move, 120, 24), size, 24, move.shutter)
    made.shots[0].prepare(made.poses)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return time.perf_counter() - began, time.process_time() - used, peak


if __name__ == "__main__":
    main()
