"""The camera path of a film: a move sampled at every frame, with its hand shake, closed where the film loops."""

from math import cos, pi

from shared.camera.move import AXES, CameraMove, Pose, shaken

_CLOSED = 1e-9


def camera_path(move: CameraMove, frames: int, fps: float, loop: bool = False) -> list[Pose]:
    """The pose of each frame, its shake applied.

    The first pose of a loop follows its last as any other follows the one before: a move that ends where it began runs
    round once, any other there and back, easing in and out at both ends.
    """
    if not loop:
        return [shaken(move.sample(i / max(frames - 1, 1)), i / fps) for i in range(frames)]
    begin, end = move.sample(0), move.sample(1)
    once = begin.focus == end.focus and all(
        abs(getattr(begin, name) - getattr(end, name)) < _CLOSED for name in (*AXES, "zoom", "fisheye")
    )
    turns = [i / frames for i in range(frames)]
    poses = [move.sample(turn if once else (1 - cos(2 * pi * turn)) / 2) for turn in turns]
    return [_shaken_round(pose, turn, frames / fps) for pose, turn in zip(poses, turns, strict=True)]


def _shaken_round(pose: Pose, turn: float, seconds: float) -> Pose:
    """The pose at `turn` (0..1) of a loop: what it shook by before the loop takes over from what it does in it."""
    during, before = (shaken(pose, at) for at in (turn * seconds, (turn - 1) * seconds))
    mixed = {axis: (1 - turn) * getattr(during, axis) + turn * getattr(before, axis) for axis in AXES}
    return during._replace(**mixed)
