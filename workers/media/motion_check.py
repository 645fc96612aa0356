"""Did the camera of a finished clip move as its preset promised? A score, and the path that was to be expected.

What was to be expected is what the same measurement would find: the corners of the picture, each at its distance,
projected into every frame as the renderer lowers the preset, and one similarity fitted to each step of them. That is
compared with the path followed in the frames themselves.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.camera.lowerings import View
from workers.media import camera_path
from workers.media.camera_path import STILL, CameraPath, Motion
from workers.media.planes import Bytes, Floats, Planes, as_bytes, as_floats
from workers.media.warp import Frame, project

_TREMBLE = 0.002  # of the frame's width: what may move where nothing should
_STRIDE = 0.03  # of the frame's width that the picture may travel between two frames looked at
_RAREST = 2  # of so many frames one is looked at, at least
_LANDMARKS = 600
_FEWEST = 12


class Landmarks:
    """Corners of a picture, in its units, and their inverse distances."""

    def __init__(self, picture: Bytes, depth: Floats, half_size: tuple[float, float]) -> None:
        """`picture` is RGB, `depth` inverse distance of any size, `half_size` the picture's, in units."""
        height, width = picture.shape[:2]
        shrink = min(1.0, 1.2 * camera_path.TRACKED_PIXELS / min(height, width))
        size = (max(round(width * shrink), 16), max(round(height * shrink), 16))
        grey = as_bytes(
            cv2.cvtColor(as_bytes(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)), cv2.COLOR_RGB2GRAY)
        )
        found = cv2.goodFeaturesToTrack(grey, maxCorners=_LANDMARKS, qualityLevel=0.01, minDistance=7, blockSize=5)
        at = np.empty((0, 2), np.float32) if found is None else np.asarray(found, np.float32).reshape(-1, 2)
        near = as_floats(cv2.dilate(as_floats(cv2.resize(depth, size)), np.ones((3, 3), np.uint8)))
        columns, rows = at.round().astype(int).T
        self.d = near[rows, columns]
        self.x = ((at[:, 0] + 0.5) / size[0] * 2 - 1) * np.float32(half_size[0])
        self.y = ((at[:, 1] + 0.5) / size[1] * 2 - 1) * np.float32(half_size[1])

    def path(self, views: Sequence[View], cover: float, frame: Frame) -> CameraPath:
        """The camera path that following these corners through the views' frames finds."""
        width = frame.width / frame.unit
        half_height = frame.height / frame.width / 2
        pixels = round(camera_path.TRACKED_PIXELS * max(1.0, frame.width / frame.height))
        motions: list[Motion] = []
        before: NDArray[np.complex128] | None = None
        for each in views:
            x, y = project(each, cover, self.x, self.y, self.d)
            z = (x + 1j * y).astype(np.complex128) / width
            z[(np.abs(z.real) > 0.5) | (np.abs(z.imag) > half_height)] = np.nan
            if before is not None:
                motions.append(_fitted(before, z, pixels))
            before = z
        return camera_path.accumulate(motions)


class MotionCheck:
    """Looks at the frames of a clip as they are made, and scores their path at the end."""

    def __init__(self, landmarks: Landmarks, views: Sequence[View], cover: float, frame: Frame) -> None:
        """`views` are those of the frames that will be shown to `see`, at the base zoom `cover`."""
        steps = landmarks.path(views, cover, frame).steps()
        largest = float(steps.max()) if len(steps) else 0.0
        self._every = max(1, min(_RAREST, int(_STRIDE / max(largest, 1e-6))))
        self._expected = landmarks.path(views[:: self._every], cover, frame)
        self._seen = 0
        self._before: Bytes | None = None
        self._motions: list[Motion] = []

    def see(self, planes: Planes) -> None:
        """Take the next frame into account; at most 5 ms at 1080p."""
        at, self._seen = self._seen, self._seen + 1
        if at % self._every:
            return
        (small,) = camera_path.tracked([planes])
        if self._before is not None:
            self._motions += camera_path.estimate([self._before, small])
        self._before = small

    def score(self) -> float:
        """0..1, see `agreement`."""
        return agreement(self._expected, camera_path.accumulate(self._motions))


def agreement(expected: CameraPath, measured: CameraPath) -> float:
    """How well two paths of equal length agree, 0..1: 1 the same, 0 unrelated or opposed.

    Lin's concordance (1989) of where four points half way to the frame's edge are carried, each path about its own
    mean; a floor of what any clip trembles by, as in SSIM, makes a still path agree with a still path only.
    """
    a, b = (path.marks() for path in (expected, measured))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    floor = a.size * _TREMBLE**2
    both = float(np.vdot(a, a).real + np.vdot(b, b).real)
    return float(max(0.0, (2 * np.vdot(a, b).real + floor) / (both + floor)))


def _fitted(before: NDArray[np.complex128], after: NDArray[np.complex128], width: int) -> Motion:
    """The similarity, as `camera_path` fits it, from the points to where they are then; still if few are in sight."""
    seen = np.isfinite(before.real) & np.isfinite(after.real)
    if seen.sum() < _FEWEST:
        return STILL
    old, new = (np.stack([z[seen].real, z[seen].imag], axis=1) * width for z in (before, after))
    matrix, _ = cv2.estimateAffinePartial2D(old, new, method=cv2.RANSAC, ransacReprojThreshold=camera_path.REACH_PIXELS)
    if matrix is None:
        return STILL
    turn = complex(matrix[0, 0], matrix[1, 0])
    return Motion(matrix[0, 2] / width, matrix[1, 2] / width, abs(turn), float(np.angle(turn)), 1.0)
