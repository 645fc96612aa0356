"""Data of the studio's pages: the presets and the prices that the landing page shows, and the presets' camera moves."""

import json
from itertools import pairwise
from typing import Any

import numpy as np

from functions.auth.accounts import OPENING_CREDITS
from shared.camera.lowerings import view
from shared.camera.move import CameraMove
from shared.presets.presets import presets
from shared.subscriptions.plans import PACKS, PLANS
from workers.motion.projection import rays
from workers.renderer.path import camera_path


def preset_list() -> list[dict[str, Any]]:
    """Return the presets as `GET /api/presets` lists them, with the limits of their moves in place of the moves."""
    return [
        {
            "id": preset.preset_id,
            "name": preset.name,
            "description": preset.description,
            "category": preset.category,
            "thumbnail": preset.thumbnail,
            "preview": preset.preview,
            "minDurationSeconds": preset.config.min_duration_seconds,
            "maxDurationSeconds": preset.config.max_duration_seconds,
            "needsDrivingClip": preset.config.needs_driving_clip,
        }
        for preset in presets().values()
    ]


def prices() -> dict[str, Any]:
    """Return the plans and the packs of credits. Prices are in US cents; a plan's price is per month."""
    return {
        "openingCredits": OPENING_CREDITS,
        "plans": [
            {
                "plan": plan,
                "cents": terms.price.cents if terms.price else 0,
                "monthlyCredits": terms.monthly_credits,
                "running": terms.running,
                "storedBytes": terms.stored_bytes,
            }
            for plan, terms in PLANS.items()
        ],
        "packs": [{"pack": name, "cents": pack.price.cents, "credits": pack.credits} for name, pack in PACKS.items()],
    }


def moves() -> str:
    """Return the move of each preset by its id, one preset a line, without the fields that have their default."""
    lines = [f"{json.dumps(key)}: {json.dumps(_written(preset.config))}" for key, preset in presets().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def camera_examples() -> str:
    """Return paths as the renderer's camera follows them, which the studio's own calculation must equal.

    A frame has the pose, in the order of `Pose`, and the ray of the frame's point (0.5, -0.3) at a base zoom of 1.2.
    """
    all_moves = [preset.config for preset in presets().values()]
    pairs = [first.with_stacked(second, 0.6) for first, second in pairwise(all_moves[::3]) if _shares(first, second)]
    weaker = [move.model_copy(update={"strength": 0.4}) for move in (*all_moves[1::4], *pairs[::2])]
    examples = [_example(move, loop) for move in (*all_moves, *pairs, *weaker) for loop in (False, True)]
    return "[\n" + ",\n".join(json.dumps(example) for example in examples) + "\n]\n"


def _shares(first: CameraMove, second: CameraMove) -> bool:
    return first.min_duration_seconds <= second.max_duration_seconds >= second.min_duration_seconds


def _written(move: CameraMove) -> dict[str, Any]:
    told = {"prompt_phrase", "negatives"}  # for engines that accept only text
    left_out: Any = {**dict.fromkeys(told, True), "stacked": {"move": told}}
    return move.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=left_out)


def _example(move: CameraMove, loop: bool) -> dict[str, Any]:
    x, y = (np.full((1, 1), at, np.float32) for at in (0.5, -0.3))
    poses = camera_path(move, 5, 2.5, loop)
    seen = [[float(part[0, 0]) for part in rays(view(pose), 1.2, x, y)] for pose in poses]
    numbers = [(*pose, *ray) for pose, ray in zip(poses, seen, strict=True)]
    frames = [[None if each is None else round(each, 5) for each in frame] for frame in numbers]
    return {"move": _written(move), "loop": loop, "fps": 2.5, "frames": frames}
