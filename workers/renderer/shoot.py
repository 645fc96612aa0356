"""A camera that shoots a film from one picture and its depth: the 2.5D renderer.

for planes in shoot(picture, nearness, poses, width=1920, height=1080, fps=24):
    writer.write(planes)
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from math import ceil
from os import cpu_count

import cv2
import numpy as np

from shared.camera.lowerings import FAR, Aim, CameraView, aimed, view
from shared.camera.move import Pose, shaken
from workers.media.planes import Bytes, Floats, Planes, as_floats
from workers.media.scenery import Scenery
from workers.motion.motion_check import Landmarks, MotionCheck
from workers.motion.projection import Frame
from workers.renderer.scene import Scene
from workers.renderer.warp import aim, covers, reach

_STREAK = 6.0  # pixels between two moments of one exposure
_MOMENTS = 12
_HANDS = 4  # frames drawn at once, at most: drawing releases the interpreter's lock

Point = tuple[float, float]
MIDDLE: Point = (0.5, 0.5)
HALF_OPEN = 0.5  # of a frame's time: film's 180 degree shutter

MAX_COVER = 2.5
"""No move zooms further in than this to hide the picture's borders; beyond, the picture goes on mirrored."""


def shoot(
    picture: Bytes,
    nearness: Floats,
    poses: Sequence[Pose],
    *,
    width: int,
    height: int,
    fps: float,
    focal_point: Point = MIDDLE,
    shutter: float = HALF_OPEN,
    scenery: Scenery | None = None,
) -> Iterator[Planes]:
    """The film, one frame per pose. The arguments are those of `Shot`; shake and motion blur are applied."""
    shot = Shot(picture, nearness, width, height, fps, focal_point, shutter, scenery)
    shot.prepare(poses)
    return shot.film(poses)


class Shot:
    """One picture before one camera. Call `prepare` with the whole path, then `film` it, or `frame` for each pose."""

    def __init__(
        self,
        picture: Bytes,
        nearness: Floats,
        width: int,
        height: int,
        fps: float,
        focal_point: Point = MIDDLE,
        shutter: float = HALF_OPEN,
        scenery: Scenery | None = None,
    ) -> None:
        """`picture` is RGB uint8 of any size, `nearness` float32 0 (far) .. 1 (near) of any size; even frame sizes.

        Zooms and dollies lead to `focal_point`, in fractions of the picture's width and height. `shutter` is how long
        each exposure lasts, in frames. With `scenery`, the same picture in parts, what near things hide is known.
        """
        if width % 2 or height % 2:
            raise ValueError(f"4:2:0 needs even sizes, not {width}x{height}")
        self._picture = picture
        self._depth = _inverse(nearness)
        self._frame = Frame.of(width, height)
        self._fps = fps
        self._focal_point, self._shutter = focal_point, shutter
        self._scenery = scenery or Scenery(picture, nearness, ())
        self.aim = Aim()
        self.cover = 1.0
        self._scene: Scene | None = None
        self._last: tuple[tuple[CameraView, CameraView], Planes] | None = None

    def prepare(self, poses: Sequence[Pose]) -> Scene:
        """Aim, choose the smallest base zoom that keeps the frame full on the whole path, take the picture apart."""
        self.aim = Aim()
        views = [self.view(pose, i / self._fps) for i, pose in enumerate(poses)]
        self.aim = aim(views, self._frame, self._half_size(), self._focal_point)
        views = [aimed(each, self.aim) for each in views]
        self.cover = covers(views, self._frame, self._half_size(), self._depth, MAX_COVER)
        zooms = [v.focal for v in views]
        self._scene = Scene.of(
            self._scenery.backdrop,
            _inverse(self._scenery.nearness),
            self._picture_unit(),
            self._frame.unit * self.cover * (min(zooms) * max(zooms)) ** 0.5,
            max(reach(v) for v in views),
            lens=any(v.focus is not None for v in views),
            flats=self._scenery.flats,
        )
        self._frame = Frame.of(self._frame.width, self._frame.height, self._scene.cell)
        self._last = None
        return self._scene

    def film(self, poses: Sequence[Pose]) -> Iterator[Planes]:
        """The frames of the whole path, several drawn at once; call after `prepare`."""

        def draw(i: int) -> Planes:
            return self.frame(poses[i], i / self._fps, poses[i + 1] if i + 1 < len(poses) else None)

        return drawn(draw, len(poses))

    def check(self, poses: Sequence[Pose]) -> MotionCheck:
        """What judges whether the film of the poses moves as they say; call after `prepare`."""
        landmarks = Landmarks(self._picture, self._depth, self._half_size())
        views = [self.view(pose, i / self._fps) for i, pose in enumerate(poses)]
        shown = [self._middle_of(here, there) for here, there in pairwise([*views, *views[-1:]])]
        return MotionCheck(landmarks, shown, self.cover, self._frame)

    def view(self, pose: Pose, seconds: float) -> CameraView:
        """Where the camera stands at `seconds`, its hand shake applied."""
        return aimed(view(shaken(pose, seconds)), self.aim)

    def frame(self, pose: Pose, seconds: float = 0.0, following: Pose | None = None) -> Planes:
        """The frame at `seconds`; with the pose that follows, fast moves blur."""
        scene = self._scene or self.prepare([pose])
        here = self.view(pose, seconds)
        there = here if following is None else self.view(following, seconds + 1 / self._fps)
        last = self._last
        if last is None or last[0] != (here, there):
            last = self._last = (here, there), self._expose(scene, here, there)
        return last[1]

    def nearness(self, pose: Pose, seconds: float = 0.0) -> Floats:
        """How near, 0..1, what each pixel of the frame at `seconds` shows is: height x width, soft at edges."""
        scene = self._scene or self.prepare([pose])
        depth = scene.depth(self.view(pose, seconds), self._frame, self.cover)
        return as_floats(np.clip((depth - np.float32(FAR)) / np.float32(1 - FAR), 0, 1))

    def _expose(self, scene: Scene, here: CameraView, there: CameraView) -> Planes:
        """One frame: the mean of as many moments as the picture's travel, while the shutter is open, asks for."""
        if here.focus is not None:
            scene = scene.focused(here.focus)
        moments = self._moments(here, there)
        if moments == 1:
            return scene.draw(here, self._frame, self.cover)
        sums = [np.zeros(shape, np.float32) for shape in self._frame.plane_shapes()]
        for i in range(moments):
            for total, plane in zip(
                sums,
                scene.draw(_between(here, there, self._shutter * i / moments), self._frame, self.cover),
                strict=True,
            ):
                cv2.accumulate(plane, total)
        return Planes(*(np.rint(total / np.float32(moments)).astype(np.uint8) for total in sums))

    def _moments(self, here: CameraView, there: CameraView) -> int:
        """How many moments one exposure is made of."""
        travel = self._shutter * self._frame.travel(here, there, self.cover)
        return min(ceil(travel / _STREAK), _MOMENTS) if travel > 2 * _STREAK else 1

    def _middle_of(self, here: CameraView, there: CameraView) -> CameraView:
        """Where the camera stands half way through an exposure: where a streak has its middle."""
        moments = self._moments(here, there)
        return _between(here, there, self._shutter * (moments - 1) / moments / 2)

    def _picture_unit(self) -> float:
        """Pixels of the picture per unit: the frame, at zoom 1, is the largest that fits into the picture."""
        height, width = self._picture.shape[:2]
        return float(self._frame.unit * min(width / self._frame.width, height / self._frame.height))

    def _half_size(self) -> tuple[float, float]:
        height, width = self._picture.shape[:2]
        return width / 2 / self._picture_unit(), height / 2 / self._picture_unit()


def drawn(draw: Callable[[int], Planes], frames: int) -> Iterator[Planes]:
    """`draw(0)`, `draw(1)`, ... in order, several drawn at once."""
    hands = min(cpu_count() or 1, _HANDS)
    with ThreadPoolExecutor(hands) as pool:
        coming: deque[Future[Planes]] = deque()
        for i in range(frames):
            coming.append(pool.submit(draw, i))
            if len(coming) > hands:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


def _inverse(nearness: Floats) -> Floats:
    """Inverse distance, 1 that of the nearest."""
    return (np.float32(FAR) + np.float32(1 - FAR) * nearness).astype(np.float32)


def _between(a: CameraView, b: CameraView, amount: float) -> CameraView:
    names = ("right", "up", "forward", "pan", "tilt", "roll", "focal", "shift_right", "shift_up", "fisheye")
    return a._replace(**{name: getattr(a, name) + (getattr(b, name) - getattr(a, name)) * amount for name in names})
