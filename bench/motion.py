"""`python -m bench.motion`: score on three paintings whether every preset moves as it promises."""

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from shared.camera.catalogue import default_moves
from shared.camera.move import AXES, CameraMove, Pose, shaken
from workers.painter.painting import Painting, paint
from workers.painter.reading import read
from workers.renderer.shoot import Shot

OUT = Path("build/motion.json")
PROMPTS = ("a lighthouse on a cliff at dusk", "neon city street in the rain at night", "a pine forest in morning mist")
PROMISED = 0.9
WRONG = 0.5

_WIDTH, _HEIGHT, _FPS, _SECONDS = 640, 360, 24, 5.0


@cache
def paintings() -> list[Painting]:
    """Return a painting of each prompt. Each process paints them once."""
    return [paint(read(prompt, None, seed), 768, 432) for seed, prompt in enumerate(PROMPTS)]


def scores_on_each(move: CameraMove) -> list[tuple[float, float]]:
    return [scores_of(move, painting) for painting in paintings()]


def scores_of(move: CameraMove, painting: Painting) -> tuple[float, float]:
    """Return the motion scores, 0..1, of films of `move` and of its opposite, both compared with `move`."""
    frames = round(min(max(_SECONDS, move.min_duration_seconds), move.max_duration_seconds) * _FPS)
    poses = [shaken(move.sample(i / (frames - 1)), i / _FPS) for i in range(frames)]
    return score(move, painting, poses, poses), score(move, painting, poses, opposite(poses))


def opposite(poses: Sequence[Pose]) -> list[Pose]:
    """Return the path with every axis reversed. The opposite of a still camera is a shaking camera."""
    if len({pose._replace(focus=None) for pose in poses}) == 1:
        return [shaken(pose._replace(shake=1), i / _FPS) for i, pose in enumerate(poses)]
    return [
        pose._replace(
            **{axis: -getattr(pose, axis) for axis in AXES}, zoom=1 / pose.zoom, fisheye=poses[-1 - i].fisheye
        )
        for i, pose in enumerate(poses)
    ]


def score(move: CameraMove, painting: Painting, poses: Sequence[Pose], filmed: Sequence[Pose]) -> float:
    """Return the motion score, 0..1, of a film along `filmed` compared with `poses`; 0 if it cannot be measured."""
    nearness = np.asarray(painting.nearness, np.float32) / np.float32(65535)
    shot = Shot(painting.rgb, nearness, _WIDTH, _HEIGHT, _FPS, painting.focal_point, move.shutter, painting.scenery)
    shot.prepare(poses)
    check = shot.check(poses)
    for planes in shot.film(filmed):
        check.see(planes)
    return round(check.score() or 0.0, 3)


def main() -> int:
    """Score every preset and write the scores to `OUT` or the file named on the command line. Return 1 if one fails."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    presets = default_moves()
    with ProcessPoolExecutor() as processes:
        each = processes.map(scores_on_each, [preset.move for preset in presets.values()])
        filmed = dict(zip(presets, track(each, "Filming", total=len(presets)), strict=True))
    scores = {preset: [right for right, _ in each] for preset, each in filmed.items()}
    wrong = {preset: max(opposed for _, opposed in each) for preset, each in filmed.items()}
    highest = max(wrong, key=lambda preset: wrong[preset])
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({"prompts": PROMPTS, "wrong": wrong[highest], "scores": scores}, indent=2) + "\n")
    broken = [preset for preset, each in scores.items() if min(each) < PROMISED]
    worst = min(min(each) for each in scores.values())
    Console().print(f"{len(scores)} presets, lowest score {worst:g}. Written to {out}.")
    Console().print(f"Filmed in reverse, the highest score is {wrong[highest]:g} ({highest}).")
    if broken:
        Console().print(f"[red]Below {PROMISED:g}: {', '.join(broken)}")
    believed = [preset for preset, each in wrong.items() if each >= WRONG]
    if believed:
        Console().print(f"[red]Accepted in reverse: {', '.join(believed)}")
    return bool(broken or believed)


if __name__ == "__main__":
    sys.exit(main())
