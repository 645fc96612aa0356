"""`python -m tools.fixed_film`: make the film of jobs with test keys, in `functions/pipeline/fixed_film`."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from rich.console import Console

from local.environment import ROOT
from shared.camera.catalogue import default_moves
from shared.stages.requests import ImageGenerationJob, PostProcessingJob, VideoSynthesisJob
from shared.stages.stages import Role
from workers.engines.contract import StageResult, Workspace
from workers.engines.image_generation.procedural import Procedural
from workers.engines.post_processing.finish import Finish
from workers.engines.video_synthesis.parallax import Parallax
from workers.media.depth import read_depth

FOLDER = ROOT / "functions" / "pipeline" / "fixed_film"
PROMPT, PRESET = "a lighthouse on a cliff at dusk", "dolly-in"
WIDTH, HEIGHT, SECONDS = 320, 180, 2.0
_IDS = {"job_id": "job_test", "user_id": "usr_test"}


def main() -> None:
    move = default_moves()[PRESET].move
    size = {"width": WIDTH, "height": HEIGHT}
    with TemporaryDirectory() as name:
        folder = Path(name)

        def workspace(stage: str) -> Workspace:
            (folder / stage).mkdir()
            return Workspace(folder / stage, Path, lambda _: None)

        painted = Procedural().run(
            ImageGenerationJob(**_IDS, **size, prompt=PROMPT, aspect_ratio="16:9", seed=7), workspace("picture")
        )
        picture, depth = file(painted, Role.PICTURE), file(painted, Role.DEPTH)
        request = VideoSynthesisJob(
            **_IDS, **size, image_url=str(picture), depth_url=str(depth), prompt=PROMPT, preset_id=PRESET, move=move,
            duration=SECONDS, fps=24, seed=7,
        )  # fmt: skip
        clip = file(Parallax().run(request, workspace("clip")), Role.CLIP)
        film = Finish().run(PostProcessingJob(**_IDS, **size, video_url=str(clip), seed=7), workspace("film"))
        for output in film.outputs:
            shutil.copy(output.path, FOLDER / f"{output.role}{output.path.suffix}")
        shrunk = cv2.resize(read_depth(depth), (WIDTH // 2, HEIGHT // 2))
        cv2.imwrite(str(FOLDER / f"{Role.DEPTH}.png"), np.asarray(shrunk * 65535, np.uint16))
    total = sum(path.stat().st_size for path in FOLDER.iterdir())
    Console().print(f"{total / 1000:.0f} kB in {FOLDER}")


def file(result: StageResult, role: Role) -> Path:
    [path] = [output.path for output in result.outputs if output.role is role]
    return path


if __name__ == "__main__":
    main()
