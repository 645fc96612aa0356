"""`python -m bench.motion`: does every preset move as it promises? Scores on three paintings."""

import json
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from local.preset_page import PAGE, page
from shared.camera.catalogue import default_moves
from shared.camera.move import CameraMove
from workers.engines.image_generation.procedural import Painting, paint
from workers.engines.image_generation.vocabulary import read
from workers.media.shoot import Shot

OUT = Path("build/motion.json")
PROMPTS = ("a lighthouse on a cliff at dusk", "neon city street in the rain at night", "a pine forest in morning mist")
PROMISED = 0.9

_WIDTH, _HEIGHT, _FPS, _SECONDS = 640, 360, 24, 5.0


def score(move: CameraMove, painting: Painting, shown: CameraMove | None = None) -> float:
    """How well a film of `move` (of `shown`, if that is another) over the painting moves as `move` promises, 0..1."""
    frames = round(min(max(_SECONDS, move.min_duration_seconds), move.max_duration_seconds) * _FPS)
    poses, filmed = (
        [each.sample(i / (frames - 1)) for i in range(frames)] for each in (move, move if shown is None else shown)
    )
    nearness = np.asarray(painting.nearness, np.float32) / np.float32(65535)
    shot = Shot(painting.rgb, nearness, _WIDTH, _HEIGHT, _FPS, painting.focal_point, move.shutter, painting.scenery)
    shot.prepare(poses)
    check = shot.check(poses)
    for planes in shot.film(filmed):
        check.see(planes)
    return round(check.score(), 3)


def main() -> int:
    """Score every preset, write the report and the presets' page; 1 if a promise is broken."""
    paintings = [paint(read(prompt, None, seed), 768, 432) for seed, prompt in enumerate(PROMPTS)]
    presets = track(default_moves().values(), "Filming")
    scores = {preset.id: [score(preset.move, painting) for painting in paintings] for preset in presets}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(scores, indent=2) + "\n")
    PAGE.write_text(page(scores, PROMPTS))
    broken = [preset for preset, each in scores.items() if min(each) < PROMISED]
    worst = min(min(each) for each in scores.values())
    Console().print(f"{len(scores)} presets, lowest score {worst:g}. Written to {OUT} and {PAGE}.")
    if broken:
        Console().print(f"[red]Below {PROMISED:g}: {', '.join(broken)}")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
