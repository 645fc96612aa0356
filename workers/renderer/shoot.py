"""The 2.5D renderer: a camera that shoots a film from one picture and its depth.

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
from workers.media.subject import Box
from workers.motion.motion_check import Landmarks, MotionCheck
from workers.motion.projection import Frame, project
from workers.renderer.scene import Scene
from workers.renderer.warp import aim, covers, reach

_BLUR_STEP = 6.0  # target travel between two moments of one exposure, in pixels
_MAX_MOMENTS = 12  # maximum number of moments of one exposure
_MAX_THREADS = 4  # maximum number of frames that are drawn at once; drawing releases the interpreter's lock

Point = tuple[float, float]
MIDDLE: Point = (0.5, 0.5)
HALF_OPEN = 0.5  # exposure time as a fraction of a frame's time: the 180 degree shutter of film

MAX_COVER = 2.5
"""Maximum base zoom that hides the picture's borders. Views that need more show the picture reflected beyond them."""


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
    """Yield the film, one frame per pose, with shake and motion blur. The arguments are those of `Shot`."""
    shot = Shot(picture, nearness, width, height, fps, focal_point, shutter, scenery)
    shot.prepare(poses)
    return shot.film(poses)


class Shot:
    """A picture in front of a camera. Call `prepare` with the whole path, then `film`, or `frame` for each pose."""

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
        kept: Box | None = None,
        focus: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        """Set up a shot of `picture` (RGB uint8, any size) for frames of `width` x `height` pixels, both even.

        `nearness` is disparity, float32, 0 (far) .. 1 (near), of any size. Zooms and dollies are centred at
        `focal_point`, in fractions of the picture's width and height. `shutter` is the exposure time in frames.
        `scenery` is the same picture in parts: it contains the areas that near objects occlude. The frame contains the
        box `kept`, or its top if it does not fit. `focus` are the disparities of the farthest and the nearest plane
        that a pose can focus on. Raise ValueError if a frame size is odd.
        """
        if width % 2 or height % 2:
            raise ValueError(f"4:2:0 needs even sizes, not {width}x{height}")
        self._picture = picture
        self._depth = inverse(nearness)
        self._frame = Frame.of(width, height)
        self._fps = fps
        self._focal_point, self._shutter = focal_point, shutter
        self._kept, self._focus = kept, focus
        self._scenery = scenery or Scenery(picture, nearness, ())
        self.aim = Aim()
        self.cover = 1.0
        self._scene: Scene | None = None
        self._last: tuple[tuple[CameraView, CameraView], Planes] | None = None

    def look(self, poses: Sequence[Pose]) -> list[CameraView]:
        """Aim the camera, choose the smallest base zoom that fills the frame on the path, and return the views."""
        self.aim = Aim()
        views = [self.view(pose, i / self._fps) for i, pose in enumerate(poses)]
        self.aim = aim(views, self._frame, self.half_size(), self._focal_point, self._kept)
        views = [aimed(each, self.aim) for each in views]
        self.cover = covers(views, self._frame, self.half_size(), self._depth, MAX_COVER)
        return views

    def prepare(self, poses: Sequence[Pose]) -> Scene:
        """Look along the whole path, and build the scene."""
        views = self.look(poses)
        zooms = [v.focal for v in views]
        self._scene = Scene.of(
            self._scenery.backdrop,
            inverse(self._scenery.nearness),
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
        """Yield the frames of the whole path, drawn in parallel; call after `prepare`."""

        def draw(i: int) -> Planes:
            return self.frame(poses[i], i / self._fps, poses[i + 1] if i + 1 < len(poses) else None)

        return drawn(draw, len(poses))

    def check(self, poses: Sequence[Pose]) -> MotionCheck:
        """Return the motion check of a film of the poses; call after `prepare`."""
        landmarks = Landmarks(self._picture, self._depth, self.half_size())
        views = [self.view(pose, i / self._fps) for i, pose in enumerate(poses)]
        shown = [self._middle_of(here, there) for here, there in pairwise([*views, *views[-1:]])]
        return MotionCheck(landmarks, shown, self.cover, self._frame)

    def view(self, pose: Pose, seconds: float) -> CameraView:
        """Return the camera's view at `seconds`, with hand shake applied."""
        if pose.focus is not None:
            far, near = self._focus
            pose = pose._replace(focus=far + (near - far) * pose.focus)
        return aimed(view(shaken(pose, seconds)), self.aim)

    def frame(self, pose: Pose, seconds: float = 0.0, following: Pose | None = None) -> Planes:
        """Draw the frame at `seconds`; with the pose that follows, fast moves get motion blur."""
        scene = self._scene or self.prepare([pose])
        here = self.view(pose, seconds)
        there = here if following is None else self.view(following, seconds + 1 / self._fps)
        last = self._last
        if last is None or last[0] != (here, there):
            last = self._last = (here, there), self._expose(scene, here, there)
        return last[1]

    def nearness(self, pose: Pose, seconds: float = 0.0) -> Floats:
        """Return the disparity (0..1) of each pixel of the frame at `seconds`: height x width, soft at edges."""
        scene = self._scene or self.prepare([pose])
        depth = scene.depth(self.view(pose, seconds), self._frame, self.cover)
        return as_floats(np.clip((depth - np.float32(FAR)) / np.float32(1 - FAR), 0, 1))

    def _expose(self, scene: Scene, here: CameraView, there: CameraView) -> Planes:
        """Draw one frame: the mean of several moments, whose number depends on the travel while the shutter is open."""
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
        """Return the number of moments of one exposure."""
        travel = self._shutter * self._frame.travel(here, there, self.cover)
        return min(ceil(travel / _BLUR_STEP), _MAX_MOMENTS) if travel > 2 * _BLUR_STEP else 1

    def _middle_of(self, here: CameraView, there: CameraView) -> CameraView:
        """Return the camera's view half way through an exposure, which is at the middle of a motion blur."""
        moments = self._moments(here, there)
        return _between(here, there, self._shutter * (moments - 1) / moments / 2)

    def _picture_unit(self) -> float:
        """Return the picture's pixels per unit: at zoom 1, the frame is the largest that fits into the picture."""
        height, width = self._picture.shape[:2]
        return float(self._frame.unit * min(width / self._frame.width, height / self._frame.height))

    def subject_place(self, poses: Sequence[Pose]) -> Box:
        """Return the part of the frame in which a film shows the box `kept`, else the focal point; call after `look`.

        The part contains them in all frames, as far as they are inside the frame. Each side is a fraction of it.
        """
        left, top, right, bottom = self._kept or (*self._focal_point, *self._focal_point)
        across, down = self.half_size()
        x = as_floats(np.array([left, right, left, right], np.float32) * 2 - 1) * np.float32(across)
        y = as_floats(np.array([top, top, bottom, bottom], np.float32) * 2 - 1) * np.float32(down)
        rows, columns = self._depth.shape
        middle = min(int((top + bottom) / 2 * rows), rows - 1), min(int((left + right) / 2 * columns), columns - 1)
        d = as_floats(np.full(4, self._depth[middle], np.float32))
        seen = [project(self.view(pose, i / self._fps), self.cover, x, y, d) for i, pose in enumerate(poses)]
        places = [
            np.clip(np.array(at) * self._frame.unit / size + 0.5, 0, 1)
            for at, size in zip(zip(*seen, strict=True), (self._frame.width, self._frame.height), strict=True)
        ]
        (first, last), (highest, lowest) = ((float(each.min()), float(each.max())) for each in places)
        return first, highest, last, lowest

    def half_size(self) -> tuple[float, float]:
        """Return half the picture's width and height, in units."""
        height, width = self._picture.shape[:2]
        return width / 2 / self._picture_unit(), height / 2 / self._picture_unit()


def drawn(draw: Callable[[int], Planes], frames: int) -> Iterator[Planes]:
    """Yield `draw(0)`, `draw(1)`, ... in order, drawn in parallel threads."""
    threads = min(cpu_count() or 1, _MAX_THREADS)
    with ThreadPoolExecutor(threads) as pool:
        pending: deque[Future[Planes]] = deque()
        for i in range(frames):
            pending.append(pool.submit(draw, i))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def inverse(nearness: Floats) -> Floats:
    """Return the inverse distance of a disparity: FAR for 0, 1 for 1."""
    return (np.float32(FAR) + np.float32(1 - FAR) * nearness).astype(np.float32)


def _between(a: CameraView, b: CameraView, amount: float) -> CameraView:
    names = ("right", "up", "forward", "pan", "tilt", "roll", "focal", "shift_right", "shift_up", "fisheye")
    return a._replace(**{name: getattr(a, name) + (getattr(b, name) - getattr(a, name)) * amount for name in names})
