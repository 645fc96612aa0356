"""`python -m bench.overlap`: what a film would gain if its clip were finished while it is rendered.

One process renders a clip, and another one finishes a clip that is complete already: first one after the other, then
at once. Finishing waits for no frame here, so the gain is the largest that is possible.
"""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import Measure, interleaved
from bench.media import FPS, HEIGHT, MOVE, WIDTH, painted
from bench.report import show
from shared.stages.requests import PostProcessingJob, VideoSynthesisJob
from workers.engines.contract import Workspace
from workers.engines.post_processing.finish import Finish
from workers.engines.video_synthesis.parallax import Parallax


def measures() -> list[Measure]:
    """Return the seconds of both stages at once, against one after the other: a film of 5 s in Full HD."""
    with (
        TemporaryDirectory(prefix="kinora-bench-") as made,
        ProcessPoolExecutor(1) as renderer,
        ProcessPoolExecutor(1) as finisher,
    ):
        folder = Path(made)
        renderer.submit(painted, folder).result()
        renderer.submit(render, folder).result()
        (folder / "video" / "clip.mp4").rename(folder / "complete.mp4")
        finisher.submit(finish, folder).result()

        def in_turn() -> None:
            renderer.submit(render, folder).result()
            finisher.submit(finish, folder).result()

        def at_once() -> None:
            for future in [renderer.submit(render, folder), finisher.submit(finish, folder)]:
                future.result()

        seconds = interleaved({"in turn": in_turn, "at once": at_once})
    ours, peer = seconds["at once"], seconds["in turn"]
    return [Measure("overlap_seconds", round(ours, 2), round(peer, 2), "in turn", round(ours / peer, 2), "s")]


def render(folder: Path) -> None:
    request = VideoSynthesisJob(
        job_id="bench", user_id="bench", prompt="a lighthouse", preset_id="truck-right", move=MOVE, duration=5, fps=FPS,
        width=WIDTH, height=HEIGHT, seed=11, image_url=str(folder / "picture.png"),
        depth_url=str(folder / "depth.png"), scenery_url=str(folder / "scenery.zip"),
    )  # fmt: skip
    Parallax().run(request, _workspace(folder / "video"))


def finish(folder: Path) -> None:
    request = PostProcessingJob(
        job_id="bench", user_id="bench", video_url=str(folder / "complete.mp4"), width=WIDTH, height=HEIGHT, seed=11
    )
    Finish().run(request, _workspace(folder / "film"))


def _workspace(folder: Path) -> Workspace:
    folder.mkdir(exist_ok=True)
    return Workspace(folder, fetch=Path, progress=lambda _fraction: None)


if __name__ == "__main__":
    show(measures())
