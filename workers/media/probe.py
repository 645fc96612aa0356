"""The facts of a clip (size, frame rate, duration), and the safe way to open one."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple, cast

import av
import numpy as np

from workers.media.boxes import cut_short
from workers.media.planes import Bytes
from workers.media.unreadable import Unreadable

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Demuxers that read only the given file. A playlist or a concat script could name other files or hosts.
_CONTAINERS = "mov,mp4,matroska,webm"

FEWEST_PIXELS_A_SIDE, MOST_PIXELS_A_SIDE = 16, 8192
# Decoders of the codecs that cameras, phones, editors and browsers write. FFmpeg has hundreds of others.
_CODECS = {
    *("h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg4", "mpeg2video", "mjpeg", "png", "rawvideo"),
    *("prores", "dnxhd", "ffv1", "qtrle", "h263", "msmpeg4v3", "cfhd", "theora"),
}
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_ALIKE = 0.05  # maximum relative difference at which the declared frame rate replaces the measured one


_UNREADABLE = "clip_unreadable", "The clip cannot be read. It is damaged, or it is not an MP4, MOV or WebM."
_TRUNCATED = "clip_truncated", "The clip is incomplete. Its end is missing."
_TOO_SMALL = "clip_too_small", f"A clip needs at least {FEWEST_PIXELS_A_SIDE} pixels a side."
_TOO_LARGE = "clip_too_large", f"A clip has at most {MOST_PIXELS_A_SIDE} pixels a side."
_UNSUPPORTED = "clip_unsupported_codec", "Kinora does not read the codec of this clip. Save it as H.264 in MP4."
EMPTY = "clip_empty", "The clip has no frames."


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """A clip's properties with its orientation applied, with square pixels.

    The duration is from the first picture to the end of the last. It ignores the length of the sound.
    """

    width: int
    height: int
    fps: Fraction  # frame rate without pauses: a picture that is shown for longer does not lower it
    frames: int
    duration_seconds: float
    orientation: "Orientation"


class Orientation(NamedTuple):
    """The steps that make a frame upright: exchange of rows and columns, then mirroring of columns and of rows."""

    transposed: bool = False
    columns: bool = False
    rows: bool = False

    def upright(self, plane: Bytes) -> Bytes:
        """Return a plane (height x width) upright, as a view."""
        if self.transposed:
            plane = plane.T
        return plane[:: -1 if self.rows else 1, :: -1 if self.columns else 1]


def orientation(frame: "VideoFrame") -> Orientation:
    """Return the orientation of the frame's display matrix, to the nearest of the eight.

    The matrix maps the place (x, y) to (a x + c y, b x + d y). Its first two rows are a b u and c d v (ISO/IEC
    14496-12, section 8.3.2).
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return Orientation()
    a, b, _, c, d = (int(number) for number in np.frombuffer(cast("bytes", data), np.int32, 5))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(columns=a < 0, rows=d < 0)
    return Orientation(transposed=True, columns=c < 0, rows=b < 0)


def frames(container: "InputContainer") -> "Iterator[VideoFrame]":
    """Yield the clip's frames, with the alpha of VP8 and VP9, which FFmpeg's own decoders ignore."""
    stream = container.streams.video[0]
    library = _ALPHA_DECODERS.get(stream.codec_context.name) if stream.metadata.get("alpha_mode") == "1" else None
    if library is None:
        yield from container.decode(stream)
        return
    decoder = cast("VideoCodecContext", av.CodecContext.create(library, "r"))
    for packet in container.demux(stream):
        yield from decoder.decode(packet if packet.size else None)


def open_clip(path: Path) -> "InputContainer":
    """Open an MP4, MOV, WebM or Matroska file, but no file that it refers to. Raise Unreadable `clip_...`."""
    try:
        container = av.open(
            str(path.resolve()),
            mode="r",
            container_options={
                "protocol_whitelist": "file",
                "format_whitelist": _CONTAINERS,
                "codec_whitelist": ",".join(_CODECS),  # FFmpeg decodes a little of every stream when it opens a file
            },
        )
    except (av.FFmpegError, ValueError) as error:
        raise broken(path) from error
    if not container.streams.video:
        container.close()
        raise Unreadable(*EMPTY)
    if container.streams.video[0].codec_context.name not in _CODECS:
        container.close()
        raise Unreadable(*_UNSUPPORTED)
    return container


def probe(path: Path) -> ClipFacts:
    """Return the facts from the first frame, which is decoded, and the times of all frames.

    The duration in the header is not used: some recorders do not write it, and it can be that of longer sound. Raise
    Unreadable `clip_...` if the clip cannot be used.
    """
    with open_clip(path) as container:
        stream = container.streams.video[0]
        _check_size(stream.width, stream.height)  # the size in the header, before a frame is decoded
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
        declared = stream.average_rate or stream.base_rate or Fraction(25)
        fps, seconds = _timing(times, stream.time_base or Fraction(1), declared)
        width, height = square_size(first, pixel_shape(stream))
        _check_size(width, height)
        upright = orientation(first)
        if upright.transposed:
            width, height = height, width
        return ClipFacts(width, height, fps, max(1, len(times)), seconds, upright)


def pixel_shape(stream: "VideoStream") -> Fraction:
    """Return the aspect ratio of the clip's pixels, width / height."""
    return Fraction(stream.sample_aspect_ratio or 1)


def square_size(frame: "VideoFrame", shape: Fraction) -> tuple[int, int]:
    """Return width and height of a frame with square pixels, before rotation. The number of lines does not change."""
    return round(frame.width * shape), frame.height


def _timing(times: list[tuple[int, int]], unit: Fraction, declared: Fraction) -> tuple[Fraction, float]:
    """Return frames per second without pauses, and the duration in seconds, from each frame's time and duration.

    The measured rate is that of the median step, which pauses do not change. If the container declares nearly the same
    rate, the declared one is used, because it is exact.
    """
    times = sorted(times)
    steps = [step for (a, _), (b, _) in pairwise(times) if (step := b - a) > 0]
    if not steps:
        return declared, float((times[0][1] if times else 0) * unit) or float(1 / declared)
    middle = median(steps)
    usual = fmean(step for step in steps if abs(step - middle) <= middle / 2)  # timestamps in ms have unequal steps
    measured = 1 / (Fraction(usual) * unit)
    fps = declared if abs(declared / measured - 1) < _ALIKE else measured.limit_denominator(1001)
    lasted = times[-1][0] - times[0][0] + (times[-1][1] or usual)
    return fps, float(lasted * unit)


def broken(path: Path) -> Unreadable:
    """Return the error for a clip whose decoding failed: it is truncated, or it is damaged or not a clip."""
    return Unreadable(*(_TRUNCATED if cut_short(path) else _UNREADABLE))


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MOST_PIXELS_A_SIDE:
        raise Unreadable(*_TOO_LARGE)
    if min(width, height) < FEWEST_PIXELS_A_SIDE:
        raise Unreadable(*_TOO_SMALL)
