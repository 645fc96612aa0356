"""Stabilisation: the camera path is smoothed, and each frame is moved onto the smoothed path while it is scaled."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.media.planes import Bytes, Planes, as_bytes
from workers.motion import camera_path
from workers.motion.camera_path import CameraPath

_LARGEST_CROP = 1.12  # maximum zoom that hides the moving edge of the frame
_CORNERS = np.array([-1 - 1j, 1 - 1j, 1 + 1j, -1 + 1j])


@dataclass(frozen=True, slots=True)
class Steadying:
    """The motion of each frame onto the smoothed path.

    The source point of the output's `z` (fractions of the width from the centre) in frame t is `turn[t] z + shift[t]`.
    `turn` includes the zoom `crop`, which keeps the frame's edge outside the picture.
    """

    turn: NDArray[np.complex128]
    shift: NDArray[np.complex128]
    crop: float
    jitter_before: float
    jitter_after: float

    @classmethod
    def of(cls, path: CameraPath, fps: float, aspect: float, amount: float) -> "Steadying":
        """Return the strongest smoothing, at most `amount` seconds, whose crop is at most 1.12.

        `aspect` is width / height. If every smoothing needs a larger crop, frames are not moved.
        """
        corners = 0.5 * (_CORNERS.real + 1j * _CORNERS.imag / aspect)
        for seconds in (amount * 1.2**-step for step in range(20)):
            smooth = camera_path.smooth(path, seconds, fps)
            turn = path.turn / smooth.turn
            shift = path.shift - turn * smooth.shift
            crop = _crop(turn, shift, corners)
            if crop <= _LARGEST_CROP:
                return cls(turn / crop, shift, crop, path.jitter(), smooth.jitter())
        still = np.ones(len(path), np.complex128)
        return cls(still, still - 1, 1.0, path.jitter(), path.jitter())

    def apply(self, planes: Planes, index: int, width: int, height: int) -> Planes:
        """Return frame `index`, moved and scaled to cover `width` x `height` pixels in one resampling."""
        source_height, source_width = planes.y.shape
        cover = max(width / source_width, height / source_height)
        frame = min(index, len(self.turn) - 1)
        interpolation = cv2.INTER_CUBIC if cover > 1.2 else cv2.INTER_LINEAR
        return Planes(
            *(
                self._warp(plane, frame, cover, size, interpolation)
                for plane, size in zip(
                    planes, ((width, height), (width // 2, height // 2), (width // 2, height // 2)), strict=True
                )
            )
        )

    def _warp(self, plane: Bytes, frame: int, cover: float, size: tuple[int, int], interpolation: int) -> Bytes:
        rows, columns = plane.shape
        turn = self.turn[frame] / cover
        target, source = complex(size[0] - 1, size[1] - 1) / 2, complex(columns - 1, rows - 1) / 2
        shift = source + self.shift[frame] * columns - turn * target
        matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
        return as_bytes(
            cv2.warpAffine(
                plane, matrix, size, flags=interpolation | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
            )
        )


def _crop(turn: NDArray[np.complex128], shift: NDArray[np.complex128], corners: NDArray[np.complex128]) -> float:
    """Return the smallest zoom for which all corners of all output frames are inside their source frames.

    With `turn z / crop + shift` in place of `turn z + shift`, a corner has |x| within half the width if crop is at
    least |x of turn z| / (half the width - |x of shift|). The same is true for y.
    """
    reach = turn[:, None] * corners
    room = np.array([corners.real.max(), corners.imag.max()])
    spare_x, spare_y = room[0] - np.abs(shift.real), room[1] - np.abs(shift.imag)
    if min(spare_x.min(), spare_y.min()) <= 0:
        return float("inf")
    need = np.maximum(np.abs(reach.real) / spare_x[:, None], np.abs(reach.imag) / spare_y[:, None])
    return max(1.0, float(need.max()))
