"""docs/presets.md: the fields of a camera move, and every preset with its path and its motion scores."""

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from local.environment import ROOT
from shared.camera.catalogue import DefaultMove, default_moves
from shared.camera.languages import brackets, concepts
from shared.camera.lowerings import DOLLY, PAN, PEDESTAL, ROLL, TILT, TRUCK

SCORES = ROOT / "docs" / "motion.json"  # written by bench.motion

TITLES = {
    "zoom": "Zoom",
    "dolly": "Dolly",
    "crane-and-tilt": "Crane, tilt and pan",
    "orbit": "Orbit",
    "rig": "Rig",
    "stylised": "Stylised",
    "time": "Time",
}

_HEAD = """# Camera presets

`make docs` generates this page. `make previews` films the previews and draws the paths.
`make motion-check SCORES=docs/motion.json` measures the scores.

![Three moments of every preset](gallery/presets.jpg)

## What a move is

A preset is data (`shared/camera/moves.toml`, schema in `shared/camera/move.py`): keyframes over the clip's time,
0..1.

| field of a keyframe | range | meaning | value 1 is |
|---|---|---|---|
| `at` | 0..1 | fraction of the clip's time | the end |
| `truck` | -1..1 | moves right | {truck:g} of the distance to the nearest object |
| `pedestal` | -1..1 | moves up | {pedestal:g} of this distance |
| `dolly` | -1..1 | moves forward, towards the focal point | {dolly:g} of this distance |
| `pan` | -1..1 | turns right | {pan:.0f} degrees |
| `tilt` | -1..1 | turns up | {tilt:.1f} degrees |
| `roll` | -1..1 | turns clockwise, so the picture turns counterclockwise | {roll:.0f} degrees |
| `zoom` | 0.5..4 | factor of focal length, about the focal point | the picture as it is framed |
| `focus` | 0..1 or absent | sharp disparity: 0 far, 1 near. Absent: everything is sharp | the nearest object |
| `shake` | 0..1 | shake of the hand | a run |
| `fisheye` | 0..1 | bulge of the lens | the middle is 1.7 times as large |

| field of a move | meaning |
|---|---|
| `easing` | between two keyframes: `linear`, `ease_in`, `ease_out`, `ease_in_out` (default), `crash` |
| | through all keyframes in one curve, at rest at its ends unless it is closed: `glide` |
| `strength` | 0..1, how much of the move is applied. A job's `settings.strength` multiplies it |
| `shutter` | opening of the shutter, in frames: 0.5 is film's 180 degrees, 3 smears |
| `minDurationSeconds`, `maxDurationSeconds` | length of the clips for which the move is made, in seconds |
| `promptPhrase`, `negatives` | text for engines that read words. Without a field for negatives they receive “no ...” |
| `needsDrivingClip` | the preset copies the camera path of your clip. A job without a clip is refused |
| `stacked` | `{{move, weight}}`: a second move over the first |

**Two presets at once.** A job's `settings.stack = {{"presetId": "orbit-left", "weight": 0.6}}` puts a second preset
over the first. Axes add. If the sum on an axis leaves -1..1, the whole axis is scaled down. Zooms multiply. The focus
of the second preset is used if it has one and its weight is above 0. Engines that read words receive a description of
the sum; a move that does not move is not mentioned.

**Less of a move.** A job's `settings.strength` 0..1 scales every axis, zoom, shake and bulge, and shortens the focus
pull from its start. At 0 the camera is static and everything is sharp.

**Length.** A job's `settings.duration` is 1 to 30 s, within the limits of the preset (below) and of its engine.
Without this setting it is 5 s, or the allowed length that is nearest to 5 s.

**From a start frame to an end frame.** Bring two pictures: inputs with the role `picture`, in that order. The film's
first frame shows the first picture and its last frame the second. In the middle, one dissolves into the other. You
can put up to two more pictures between them. With `static`, or `strength` 0, the pictures are shown unchanged,
cropped to the frame's shape. Any other move crosses both pictures, and its last pose decides how the last picture is
shown. A move that ends at rest (`dolly-out`, `crash-zoom-out`) ends on the picture as it is framed.

**Center of zooms.** Zooms are centered on the picture's focal point. The painter reports the position of its subject.
For an uploaded picture the position is estimated. The subject stays where it is in the frame, or moves to a third if
it is beyond one.

**Motion score.** The motion score (`motionScore` of the job and of its step's metadata) says how well a clip follows
the path of its preset. Kinora follows corners of the picture, each at its distance, through the frames. It compares
their paths with the expected ones: the whole path, and the part of it that only distance explains, which separates a
dolly from a zoom. 1 is the promised path; 0 is another path, or no movement.

- The score measures the path and not the focus. It does not detect a wrong focus pull, and a still `focus-change`
  scores 1.
- There is no score if no corner can be followed, as in fog. `static` scores 1 on any picture if all frames are the
  same.
- The step's metadata also has the path itself (`cameraPath`): where the frame was in the picture at up to 40 moments,
  as asked and as measured from the same corners. A remote engine's clip has only the score.
- The score uses the frames as the renderer drew them, before encoding and post-processing. Stabilizing, interpolating
  or looping the film afterwards changes the path and not the score.
- A remote engine's clip is scored in post-processing, with tolerance: the score uses only the direction of the
  camera's movements and their order. The provider chooses amplitude, speed, shake and pivot, and distances are
  estimated. So these pairs can pass for each other: a dolly and a zoom, a slow zoom and a crash zoom, a truck and a
  pan, a push forward and a push that drifts aside. There is no score when movement and rotation almost cancel each
  other out, because then the estimate would decide (jibs, cranes, orbits, vertigos, some arcs). Test: 177 clips, all
  presets on three paintings, filmed as a provider might. 136 have a score; 127 of them score 0.8 or more, and two
  score below 0.5. Filmed the opposite way, only arcs score above 0.5.

**Path pictures.** The pale frame is the camera's first view, the bright frame its last view. The lines show the path
of the frame's middle on the far distance (blue), on the middle distance (white) and on the nearest objects (orange).
"""


def page() -> str:
    """Return the page as Markdown, with the measured scores."""
    measured: dict[str, Any] = json.loads(SCORES.read_text())
    scores: dict[str, list[float]] = measured["scores"]  # by preset, one for each prompt
    degrees = 57.2958
    head = _HEAD.format(
        truck=TRUCK, pedestal=PEDESTAL, dolly=DOLLY, pan=PAN * degrees, tilt=TILT * degrees, roll=ROLL * degrees
    )
    painted = "; ".join(f"“{prompt}”" for prompt in measured["prompts"])
    sentence = (
        f"The three scores are those on {painted}. "
        f"Filmed the opposite way, no preset scored above {measured['wrong']:.2f}.\n"
    )
    parts = [head, sentence]
    for category, presets in groupby(default_moves().values(), key=lambda preset: preset.category):
        parts.append(f"## {TITLES[category]}\n")
        parts.append("| preview | path | preset | commands, concepts | scores |\n|---|---|---|---|---|")
        parts += [_row(preset, scores.get(preset.id, ())) for preset in presets]
        parts.append("")
    return "\n".join(parts)


def _row(preset: DefaultMove, scores: Sequence[float]) -> str:
    folder = f"gallery/presets/{preset.id}"
    move = preset.move
    named = ", ".join(
        filter(None, [f"`{brackets(move)}`" if brackets(move) else "", *(f"`{key}`" for key in concepts(move))])
    )
    lasts = f"{move.min_duration_seconds:g}-{move.max_duration_seconds:g} s"
    return (
        f'| <img src="{folder}.webp" width="160" alt=""> | <img src="{folder}.png" width="160" alt=""> '
        f"| **{preset.name}** `{preset.id}`<br>{preset.description}<br>{move.easing}, {lasts} "
        f"| {named} | {' '.join(f'{score:.2f}' for score in scores)} |"
    )
