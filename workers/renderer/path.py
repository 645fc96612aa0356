"""The camera path of a film: a move sampled at every frame, with its hand shake, and closed if the film loops."""

from math import cos, pi

from shared.camera.move import AXES, CameraMove, Pose, shaken

_CLOSED = 1e-9  # maximum difference of the first and the last pose of a closed move, on each axis


def camera_path(move: CameraMove, frames: int, fps: float, loop: bool = False) -> list[Pose]:
    """Return the pose of each frame, with shake applied.

    A loop has no jump from its last to its first pose. A move that ends where it began plays once. Any other move plays
    forwards and backwards, with easing at both ends.
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
    """Return the pose at `turn` (0..1) of a loop of `seconds`.

    The shake is cross-faded to the shake before the loop's beginning, so that the loop's end joins its beginning.
    """
    during, before = (shaken(pose, at) for at in (turn * seconds, (turn - 1) * seconds))
    mixed = {axis: (1 - turn) * getattr(during, axis) + turn * getattr(before, axis) for axis in AXES}
    return during._replace(**mixed)
