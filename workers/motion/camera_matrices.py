"""A camera path as matrices, for models that receive a camera literally.

The convention is OpenCV's: x right, y down, z forward, in the unit of `shared.camera.lowerings` (the distance to the
nearest object). It is the camera of `workers.motion.projection`, without focus and fisheye.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shared.camera.lowerings import FOCAL, view
from shared.camera.move import Pose
from workers.motion.projection import direction


def camera_matrices(
    poses: Sequence[Pose], width: int, height: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return camera-to-world matrices (frames, 4, 4) and fx, fy, cx, cy in pixels (frames, 4) of a path.

    The world is the camera of the first frame, which shows the picture: there the lens is the picture's.
    """
    views = [view(pose) for pose in poses]
    cameras = np.tile(np.eye(4), (len(views), 1, 1))
    lenses = np.empty((len(views), 4), np.float32)
    for camera, lens, each in zip(cameras, lenses, views, strict=True):
        camera[:3, :3] = direction(each)
        camera[:3, 3] = each.right, -each.up, each.forward
        focal = FOCAL * each.focal / views[0].focal * (width * height) ** 0.5 / 2
        lens[:] = focal, focal, width / 2, height / 2
    return (np.linalg.inv(cameras[0]) @ cameras).astype(np.float32), lenses
