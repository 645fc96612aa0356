"""What a clip is, before anything is done with it, and the one safe way to open one."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING

import av

from workers.media.boxes import cut_short
from workers.media.unreadable import Unreadable

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Demuxers that only read the file they are given: a playlist or a concat script could name other files, or hosts.
_CONTAINERS = "mov,mp4,matroska,webm"

FEWEST_PIXELS_A_SIDE, MOST_PIXELS_A_SIDE = 16, 8192
_ALIKE = 0.05  # of a frame rate


_UNREADABLE = "clip_unreadable", "The clip cannot be read: it is damaged, or no MP4, MOV or WebM."
_TRUNCATED = "clip_truncated", "The clip ends before its time: part of it is missing."
_TOO_SMALL = "clip_too_small", f"A clip needs at least {FEWEST_PIXELS_A_SIDE} pixels a side."
_TOO_LARGE = "clip_too_large", f"A clip has at most {MOST_PIXELS_A_SIDE} pixels a side."
EMPTY = "clip_empty", "There is not one picture in the clip."


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """A clip as it is seen: `width` x `height` square pixels after a turn of `rotation` degrees (0, 90, 180, 270).

    It lasts from its first picture to the end of its last, however long that is held and whatever sound goes on.
    """

    width: int
    height: int
    fps: Fraction  # while it moves: a picture that is held makes it no slower
    frames: int
    duration_seconds: float
    rotation: int


def open_clip(path: Path) -> "InputContainer":
    """Open an MP4, MOV, WebM or Matroska file and nothing that it refers to; raises Unreadable `clip_...`."""
    try:
        container = av.open(
            str(path.resolve()),
            mode="r",
            container_options={"protocol_whitelist": "file", "format_whitelist": _CONTAINERS},
        )
    except (av.FFmpegError, ValueError) as error:
        raise broken(path) from error
    if not container.streams.video:
        container.close()
        raise Unreadable(*EMPTY)
    return container


def probe(path: Path) -> ClipFacts:
    """Facts from the first frame, which is decoded, and the times of all; raises Unreadable `clip_...`.

    Headers are not asked how long a clip is: recorders leave it open, and sound may go on longer.
    """
    with open_clip(path) as container:
        stream = container.streams.video[0]
        _check_size(stream.width, stream.height)  # by the header alone: nothing is decoded yet
        first: VideoFrame | None = None
        times: list[tuple[int, int]] = []
        try:
            for packet in container.demux(stream):
                if first is None:
                    first = next(iter(packet.decode()), None)
                if packet.pts is not None and not packet.is_discard:
                    times.append((packet.pts, packet.duration or 0))
        except av.FFmpegError as error:
            raise broken(path) from error
        if cut_short(path):
            raise Unreadable(*_TRUNCATED)
        if first is None:
            raise Unreadable(*EMPTY)
        said = stream.average_rate or stream.base_rate or Fraction(25)
        fps, seconds = _rhythm(times, stream.time_base or Fraction(1), said)
        width, height = square_size(first, pixel_shape(stream))
        _check_size(width, height)
        if first.rotation % 180:
            width, height = height, width
        return ClipFacts(width, height, fps, max(1, len(times)), seconds, first.rotation % 360)


def pixel_shape(stream: "VideoStream") -> Fraction:
    """How many times as wide as high the clip's pixels are."""
    return Fraction(stream.sample_aspect_ratio or 1)


def square_size(frame: "VideoFrame", shape: Fraction) -> tuple[int, int]:
    """Width and height of a frame once its pixels are square, before it is turned; it keeps its lines."""
    return round(frame.width * shape), frame.height


def _rhythm(times: list[tuple[int, int]], unit: Fraction, said: Fraction) -> tuple[Fraction, float]:
    """Frames a second while the clip moves, and how many seconds it lasts, from each picture's time and length.

    The rate is that of the median step, which pauses do not change; near what the container says, that is exact.
    """
    times = sorted(times)
    steps = [step for (a, _), (b, _) in pairwise(times) if (step := b - a) > 0]
    if not steps:
        return said, float((times[0][1] if times else 0) * unit) or float(1 / said)
    middle = median(steps)
    usual = fmean(step for step in steps if abs(step - middle) <= middle / 2)  # a clock of milliseconds counts unevenly
    found = 1 / (Fraction(usual) * unit)
    fps = said if abs(said / found - 1) < _ALIKE else found.limit_denominator(1001)
    lasted = times[-1][0] - times[0][0] + (times[-1][1] or usual)
    return fps, float(lasted * unit)


def broken(path: Path) -> Unreadable:
    """What to raise for a clip whose decoding failed: part of it is missing, or it is something else."""
    return Unreadable(*(_TRUNCATED if cut_short(path) else _UNREADABLE))


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MOST_PIXELS_A_SIDE:
        raise Unreadable(*_TOO_LARGE)
    if min(width, height) < FEWEST_PIXELS_A_SIDE:
        raise Unreadable(*_TOO_SMALL)
