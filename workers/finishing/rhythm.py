"""Operations on a film's time: interpolated frames along the motion, and a loop whose end dissolves into its start."""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from workers.media.planes import Bytes, Floats, Planes, as_bytes, as_floats

_FLOW_PIXELS = 432  # maximum short side in pixels at which motion is measured; a larger one adds time and noise
_CUT = 13.0  # maximum mean difference, of 255, after motion compensation; a larger one is a cut
_GHOST = 24.0  # difference, of 255, between the two moved pictures at which a point counts as occluded in one of them


def looped(frames: Iterator[Planes], window: int) -> Iterator[Planes]:
    """Yield the film without its first `window` frames. Its last `window` frames dissolve into those first ones.

    So the end continues at the start. Memory holds 2 x `window` frames. Raise ValueError if the film is shorter.
    """
    head: list[Planes] = []
    tail: deque[Planes] = deque()
    for planes in frames:
        if len(head) < window:
            head.append(planes)
            continue
        tail.append(planes)
        if len(tail) > window:
            yield tail.popleft()
    if len(tail) < window:
        raise ValueError(f"a loop over {window} frames of a film of {len(head) + len(tail)}")
    for index, (old, new) in enumerate(zip(tail, head, strict=True)):
        share = (index + 1) / (window + 1)
        share = share * share * (3 - 2 * share)
        yield Planes(*(as_bytes(cv2.addWeighted(a, 1 - share, b, share, 0)) for a, b in zip(old, new, strict=True)))


class Interpolation:
    """A conversion to a higher frame rate. `cuts` counts the cuts, between whose frames nothing is interpolated."""

    def __init__(self, fps: Fraction, target: int, *, closed: bool = False) -> None:
        """Prepare a conversion from `fps` to `target`. `closed` means a loop: the first frame follows the last."""
        self.cuts = 0
        self._step, self._closed = fps / target, closed
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def __call__(self, frames: Iterator[Planes]) -> Iterator[Planes]:
        """Yield the film at the new rate, with the same duration. Memory holds two frames."""
        place, index = Fraction(0), 0
        before = first = next(frames)
        for after in frames:
            index += 1
            yield from self._between(before, after, self._places(place, index))
            place += self._step * len(self._places(place, index))
            before = after
        if self._closed:
            yield from self._between(before, first, self._places(place, index + 1))
        else:
            yield from [before] * len(self._places(place, index + 1))

    def _places(self, place: Fraction, end: int) -> list[float]:
        """Return the positions of the new frames before frame `end`, in frames after frame `end - 1`."""
        places = []
        while place < end:
            places.append(float(place - (end - 1)))
            place += self._step
        return places

    def _between(self, before: Planes, after: Planes, places: list[float]) -> Iterator[Planes]:
        motion = None
        if any(places):
            motion = self._motion(before.y, after.y)
            self.cuts += motion is None
        for t in places:
            if t == 0:
                yield before
            elif motion is None:  # at a cut, a mix of the two pictures would show both
                yield before if t < 0.5 else after
            else:
                yield _drawn(before, after, *motion, t)

    def _motion(self, before: Bytes, after: Bytes) -> tuple[Floats, Floats] | None:
        """Return the forward and backward flow at `_FLOW_PIXELS`, in pixels of that size, or None at a cut."""
        rows, columns = before.shape
        shrink = min(1.0, _FLOW_PIXELS / min(rows, columns))
        size = round(columns * shrink), round(rows * shrink)
        small, next_small = (as_bytes(cv2.resize(y, size, interpolation=cv2.INTER_AREA)) for y in (before, after))
        there = as_floats(self._flow.calc(small, next_small, np.zeros((*small.shape, 2), np.float32)))
        back = as_floats(self._flow.calc(next_small, small, np.zeros((*small.shape, 2), np.float32)))
        left = cv2.absdiff(small, _moved(next_small, there))
        if float(cv2.mean(left)[0]) > _CUT:
            return None
        return there, back


def _drawn(before: Planes, after: Planes, there: Floats, back: Floats, t: float) -> Planes:
    """Return the picture at t (0..1) between two. Both are moved to t and mixed; the one nearer in time weighs more.

    The flow from t to either side is mixed from the two measured flows as in Jiang et al. 2018 (Super SloMo), eq. 4.
    Where the moved pictures differ, one of them has an occlusion. There only the one nearer in time is used.
    """
    to_before = as_floats(cv2.addWeighted(there, -t * (1 - t), back, t * t, 0))
    to_after = as_floats(cv2.addWeighted(there, (1 - t) ** 2, back, -t * (1 - t), 0))
    luma = [_moved(plane, flow) for plane, flow in ((before.y, to_before), (after.y, to_after))]
    doubt = cv2.GaussianBlur(cv2.absdiff(*luma), (0, 0), max(1.0, before.y.shape[0] / 360))
    doubt = np.minimum(as_floats(doubt) / _GHOST, 1)
    share = as_floats(t + (round(t) - t) * doubt)
    half = as_floats(cv2.resize(share, before.u.shape[::-1], interpolation=cv2.INTER_AREA))
    chroma = [
        _mixed(_moved(old, to_before), _moved(new, to_after), half)
        for old, new in ((before.u, after.u), (before.v, after.v))
    ]
    return Planes(_mixed(luma[0], luma[1], share), *chroma)


def _moved(plane: Bytes, flow: Floats) -> Bytes:
    """Return the plane sampled along a flow, which may have another size than the plane."""
    rows, columns = plane.shape
    scale_x, scale_y = columns / flow.shape[1], rows / flow.shape[0]
    if flow.shape[:2] != plane.shape:
        flow = as_floats(cv2.resize(flow, (columns, rows), interpolation=cv2.INTER_LINEAR))
    x = flow[..., 0] * np.float32(scale_x) + np.arange(columns, dtype=np.float32)
    y = flow[..., 1] * np.float32(scale_y) + np.arange(rows, dtype=np.float32)[:, None]
    return as_bytes(cv2.remap(plane, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def _mixed(old: Bytes, new: Bytes, share: Floats) -> Bytes:
    return as_bytes(cv2.blendLinear(old, new, as_floats(1 - share), share))
