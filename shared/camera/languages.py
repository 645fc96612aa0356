"""Lowerings of a camera move for remote engines: bracket commands, concept keys or words. Pure.

Each lowering names the net change from the first to the last keyframe. For a move that returns to its start it names
each leg. For a pair it names the net change of the sum, and each leg of a move that returns. Commands and concepts
omit a gesture that the engine has no name for.
"""

from itertools import pairwise
from math import log2
from typing import NamedTuple

from shared.camera.move import AXES, CameraMove, Pose

_MIN_AMOUNT = 0.05  # smallest change that is a gesture, in units of an axis (-1..1)
_ZOOM_WEIGHT = 1.0  # amount of a zoom by a factor of 2, in units of an axis


class Gesture(NamedTuple):
    """A change of one axis or of `zoom`. `amount` has the signs of move.py; for zoom it is the log2 of the factor."""

    axis: str
    amount: float


def gestures(move: CameraMove) -> list[Gesture]:
    """Return the gestures of a move: first its net change, then its legs in order. Each group is strongest first."""
    poses = _poses(move)
    found = _between(poses[0], poses[-1])
    for each in _parts(move):
        poses = _poses(each)
        if not _between(poses[0], poses[-1]):
            found += [gesture for leg in pairwise(poses) for gesture in _between(*leg)]
    return found


def _poses(move: CameraMove) -> list[Pose]:
    return [move.sample(t) for t in move.times()]


def _parts(move: CameraMove) -> list[CameraMove]:
    """Return the two moves of a pair, each with its strength in the pair; `[move]` if it is not a pair."""
    if move.stacked is None:
        return [move]
    second, weight = move.stacked.move, move.stacked.weight
    return [
        CameraMove(keyframes=each.keyframes, easing=each.easing, strength=strength)
        for each, strength in ((move, move.strength), (second, second.strength * weight * move.strength))
    ]


def _between(first: Pose, last: Pose) -> list[Gesture]:
    amounts = {axis: getattr(last, axis) - getattr(first, axis) for axis in AXES}
    amounts["zoom"] = log2(last.zoom / first.zoom) * _ZOOM_WEIGHT
    ranked = sorted(amounts.items(), key=lambda item: -abs(item[1]))
    return [Gesture(axis, amount) for axis, amount in ranked if abs(amount) >= _MIN_AMOUNT]


def _vertigo(found: list[Gesture]) -> bool:
    amounts = _first_of_each(found)
    return amounts.get("dolly", 0) * amounts.get("zoom", 0) < 0


def _first_of_each(found: list[Gesture]) -> dict[str, float]:
    return {each.axis: each.amount for each in reversed(found)}


# --- bracket commands of MiniMax, which are part of the prompt

_COMMANDS = {
    "truck": ("Truck left", "Truck right"),
    "pedestal": ("Pedestal down", "Pedestal up"),
    "dolly": ("Pull out", "Push in"),
    "pan": ("Pan left", "Pan right"),
    "tilt": ("Tilt down", "Tilt up"),
    "zoom": ("Zoom out", "Zoom in"),
}
MAX_COMMANDS = 3


def brackets(move: CameraMove) -> str:
    """Return at most three commands in one pair of brackets, strongest first: `[Push in,Pan left]`.

    There is no command for a roll. Return "" if the move has no gesture with a command.
    """
    named = [_COMMANDS[each.axis][each.amount > 0] for each in gestures(move) if each.axis in _COMMANDS]
    if _uses(move, "shake"):
        named.insert(min(len(named), MAX_COMMANDS - 1), "Shake")
    commands = list(dict.fromkeys(named))[:MAX_COMMANDS]
    if not commands and not move.moves():
        commands = ["Static shot"]
    return f"[{','.join(commands)}]" if commands else ""


# --- concept keys of Luma

_CONCEPTS = {
    "truck": ("truck_left", "truck_right"),
    "pedestal": ("pedestal_down", "pedestal_up"),
    "dolly": ("pull_out", "push_in"),
    "pan": ("pan_left", "pan_right"),
    "tilt": ("tilt_down", "tilt_up"),
    "roll": ("roll_left", "roll_right"),
    "zoom": ("zoom_out", "zoom_in"),
}


def concepts(move: CameraMove) -> list[str]:
    """Return the concept keys. Two opposed gestures are one key: an orbit, a crane or a vertigo."""
    if not move.moves():
        return ["static"]
    found = gestures(move)
    if _vertigo(found):
        return ["dolly_zoom"]
    by_axis = {each.axis: _first_of_each(found)[each.axis] for each in found}
    keys = []
    if by_axis.get("truck", 0) * by_axis.get("pan", 0) < 0:
        keys.append("orbit_right" if by_axis.pop("truck") > 0 else "orbit_left")
        del by_axis["pan"]
    if by_axis.get("pedestal", 0) * by_axis.get("tilt", 0) < 0:
        keys.append("crane_up" if by_axis.pop("pedestal") > 0 else "crane_down")
        del by_axis["tilt"]
    keys += [_CONCEPTS[axis][amount > 0] for axis, amount in by_axis.items()]
    if _uses(move, "shake"):
        keys.append("handheld")
    return keys


# --- words, for engines that accept only text

_WORDS = {
    "truck": ("the camera trucks left", "the camera trucks right"),
    "pedestal": ("the camera sinks", "the camera rises"),
    "dolly": ("the camera pulls back", "the camera pushes in"),
    "pan": ("pans left", "pans right"),
    "tilt": ("tilts down", "tilts up"),
    "roll": ("rolls anticlockwise", "rolls clockwise"),
    "zoom": ("zooms out", "zooms in"),
}


def words(move: CameraMove) -> str:
    """Return the move as a phrase for a prompt: its `prompt_phrase`, or else a phrase made from its gestures."""
    if move.prompt_phrase and move.strength:
        return move.prompt_phrase
    phrases = list(dict.fromkeys(_WORDS[each.axis][each.amount > 0] for each in gestures(move)))
    poses = _poses(move)
    if poses[0].focus != poses[-1].focus:
        phrases.append("the focus shifts")
    if _uses(move, "shake"):
        phrases.append("handheld")
    if _uses(move, "fisheye"):
        phrases.append("fisheye lens")
    return ", ".join(phrases) or ("static camera, locked off" if not move.moves() else "the camera moves and returns")


def avoided(move: CameraMove) -> str:
    """Return the negatives as a phrase, for engines without a field for them: `no zoom, no camera shake`."""
    return ", ".join(f"no {negative}" for negative in move.negatives) if move.strength else ""


def _uses(move: CameraMove, name: str) -> bool:
    return any(getattr(pose, name) for pose in _poses(move))
