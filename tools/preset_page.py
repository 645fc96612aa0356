"""docs/presets.md: what a camera move is made of, and every preset with its path and its motion scores."""

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from local.environment import ROOT
from shared.camera.catalogue import DefaultMove, default_moves
from shared.camera.languages import brackets, concepts
from shared.camera.lowerings import DOLLY, PAN, PEDESTAL, ROLL, TILT, TRUCK

SCORES = ROOT / "docs" / "motion.json"  # written by bench.motion

_TITLES = {
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

A preset is data (`shared/camera/moves.toml`, schema in `shared/camera/move.py`): keyframes over the clip's time, 0..1.

| field of a keyframe | range | meaning | 1 is |
|---|---|---|---|
| `at` | 0..1 | fraction of the clip's time | the end |
| `truck` | -1..1 | travels right | {truck:g} of the distance to the nearest thing |
| `pedestal` | -1..1 | travels up | {pedestal:g} of it |
| `dolly` | -1..1 | travels forward, towards the focal point | {dolly:g} of it |
| `pan` | -1..1 | turns right | {pan:.0f} degrees |
| `tilt` | -1..1 | turns up | {tilt:.1f} degrees |
| `roll` | -1..1 | turns clockwise, so the picture turns anticlockwise | {roll:.0f} degrees |
| `zoom` | 0.5..4 | factor of focal length, about the focal point | as framed |
| `focus` | 0..1 or none | nearness that is sharp: 0 far, 1 near; none: all is | the nearest thing |
| `shake` | 0..1 | how much the hand shakes | a run |
| `fisheye` | 0..1 | how much the lens bulges | the middle 1.7 times as large |

| field of a move | meaning |
|---|---|
| `easing` | between two keyframes: `linear`, `ease_in`, `ease_out`, `ease_in_out` (default), `crash` |
| | through all of them in one curve: `glide` |
| `strength` | 0..1, how much of it is done; a job's `settings.strength` multiplies it |
| `shutter` | how long it stands open, in frames: 0.5 is film's 180 degrees, 3 smears |
| `minDurationSeconds`, `maxDurationSeconds` | clips for which it is made |
| `promptPhrase`, `negatives` | for engines that listen to words; one that has no field for negatives hears “no ...” |
| `needsDrivingClip` | it copies the camera of a clip of yours: a job without one is refused |
| `stacked` | `{{move, weight}}`: a second move on top |

**Two presets at once.** A job's `settings.stack = {{"presetId": "orbit-left", "weight": 0.6}}` lays a second one over
the first: axes add (one whose sum would leave -1..1 shrinks as a whole), zooms multiply, the second's focus wins if it
has one and weighs anything. Engines that listen hear what both do together; one that stands still is not mentioned.

**Less of it.** A job's `settings.strength` 0..1 does less of every axis, zoom, shake and bulge, and pulls the focus
less far from where it begins; at 0 the camera stands still and all is sharp.

**How long.** A job's `settings.duration` is 1 to 30 s, within what the preset is made for (below) and its engine makes.
Without one it is 5 s, or what comes nearest to that.

**From a start frame to an end frame.** Bring two pictures, inputs with the role `picture` in that order: the film's
first frame shows the first and its last frame the second, and half way one dissolves into the other. Between them
stand up to two more. With `static`, or `strength` 0, both are seen as they are, cut to the frame's shape; any other
move leads over both, and its last pose is how the last one is seen: one that ends at rest (`dolly-out`,
`crash-zoom-out`) ends on the picture as it is framed.

**Where zooms lead.** To the picture's focal point: the painter says where its subject stands; of an uploaded picture it
is estimated. The subject stays where it is in the frame, or drifts to a third if it stands beyond one.

**The motion score** (`motionScore` of the job and of its step's metadata) says how well a clip moved as its preset
promised. Corners of the picture, each at its distance, are followed through the frames, and where they go is compared
with where they should: as it is, and for the part of it that only distance explains, which tells a dolly from a zoom.
1 is the promised path; 0 is another, or none.

- It is the path's, not the focus': a focus that is pulled wrongly is not seen, and a still `focus-change` scores 1.
- There is none where nothing can be followed, as in fog. `static` scores 1 of any picture if all frames are the same.
- It is taken of the frames as the camera drew them, before they are encoded and finished: stabilising, interpolating
  or looping the film afterwards changes the path and not the score.
- A provider's clip is scored when it is finished, more leniently: only which way its camera goes, one thing after
  another. How far and how fast, how much a hand shakes, and about which point are the provider's own, and distances are
  guessed. So these may pass for each other: a dolly and a zoom, a slow zoom and a crash zoom, a truck and a pan, a push
  forward and one that drifts aside. There is no score where travel and turns so nearly cancel out that the guess would
  decide (jibs, cranes, orbits, vertigos, some arcs). Of 177 clips, all presets on three paintings filmed as a provider
  might, 136 are scored: 127 of them 0.8 or more, two below 0.5, and of the same filmed the opposite way none above 0.5
  but arcs.

**In the paths** below the pale frame is what the camera sees first, the bright one what it sees last. The lines are
where the frame's middle goes on the far distance (blue), on the middle (white) and on the nearest things (orange).
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
        parts.append(f"## {_TITLES[category]}\n")
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
