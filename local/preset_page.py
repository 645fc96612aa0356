"""docs/presets.md: what a camera move is made of, and every preset with its path and its motion scores."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from shared.camera.catalogue import DefaultMove, default_moves
from shared.camera.languages import brackets, concepts
from shared.camera.lowerings import DOLLY, PAN, PEDESTAL, ROLL, TILT, TRUCK

PAGE = Path("docs/presets.md")

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

This page is generated: `make previews` films the previews and draws the paths, `make motion-check` measures the
scores and writes the page.

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
| `promptPhrase`, `negatives` | for engines that listen to words |
| `needsDrivingClip` | it copies the camera of a clip of yours |
| `stacked` | `{{move, weight}}`: a second move on top |

**Two presets at once.** A job's `settings.stack = {{"presetId": "orbit-left", "weight": 0.6}}` lays a second one over
the first: axes add (and shrink as a whole where they would leave -1..1), zooms multiply, the second's focus wins if it
has one.

**Where zooms lead.** To the picture's focal point: the painter says where its subject stands; of an uploaded picture it
is estimated. The subject stays where it is in the frame, or drifts to a third if it stands beyond one.

**The motion score** (`motionScore` of the job and of its step's metadata) says how well the finished clip moved as its
preset promised: corners are followed through the frames, and their path is compared with the one that the corners of
the picture, each at its distance, should take. 1 is the same path; 0 is another, or none. `static` scores 1 only if
nothing moved.

**In the paths** below the pale frame is what the camera sees first, the bright one what it sees last. The lines are
where the frame's middle goes on the far distance (blue), on the middle (white) and on the nearest things (orange).
"""


def page(scores: Mapping[str, Sequence[float]], prompts: Sequence[str]) -> str:
    """The whole page; `scores` by preset, one for each of the prompts."""
    degrees = 57.2958
    head = _HEAD.format(
        truck=TRUCK, pedestal=PEDESTAL, dolly=DOLLY, pan=PAN * degrees, tilt=TILT * degrees, roll=ROLL * degrees
    )
    painted = "; ".join(f"“{prompt}”" for prompt in prompts)
    parts = [head, f"The three scores are those on {painted}.\n"]
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
