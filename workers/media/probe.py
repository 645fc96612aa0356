"""What a clip is, before anything is done with it, and the one safe way to open one."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from workers.media.boxes import cut_short

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Demuxers that only read the file they are given: a playlist or a concat script could name other files, or hosts.
_CONTAINERS = "mov,mp4,matroska,webm"

FEWEST_PIXELS_A_SIDE, MOST_PIXELS_A_SIDE = 16, 8192


class ClipUnreadable(Exception):
    """The file is no clip that can be decoded; what it is instead has a code, and a sentence for the creator."""

    code = "clip_unreadable"
    public_message = "The clip cannot be read: it is damaged, or no MP4, MOV or WebM."


class ClipEmpty(ClipUnreadable):
    code = "clip_empty"
    public_message = "There is not one picture in the clip."


class ClipTruncated(ClipUnreadable):
    code = "clip_truncated"
    public_message = "The clip ends before its time: part of it is missing."


class ClipTooSmall(ClipUnreadable):
    code = "clip_too_small"
    public_message = f"A clip needs at least {FEWEST_PIXELS_A_SIDE} pixels a side."


class ClipTooLarge(ClipUnreadable):
    code = "clip_too_large"
    public_message = f"A clip has at most {MOST_PIXELS_A_SIDE} pixels a side."


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """A clip as it is seen: `width` x `height` pixels after a turn of `rotation` degrees (0, 90, 180, 270)."""

    width: int
    height: int
    fps: Fraction
    frames: int  # what the container says; from the duration where it says nothing
    duration_seconds: float
    rotation: int


def open_clip(path: Path) -> "InputContainer":
    """Open an MP4, MOV, WebM or Matroska file and nothing that it refers to; raises ClipUnreadable."""
    try:
        container = av.open(
            str(path.resolve()),
            mode="r",
            container_options={"protocol_whitelist": "file", "format_whitelist": _CONTAINERS},
        )
    except (av.FFmpegError, ValueError) as error:
        raise broken(path, error) from error
    if not container.streams.video:
        container.close()
        raise ClipEmpty("no moving picture in it")
    return container


def probe(path: Path) -> ClipFacts:
    """Facts from the container and the first frame, which is decoded; raises ClipUnreadable."""
    with open_clip(path) as container:
        stream = container.streams.video[0]
        _check_size(stream.width, stream.height)  # by the header alone: nothing is decoded yet
        try:
            first = next(container.decode(stream), None)
        except av.FFmpegError as error:
            raise broken(path, error) from error
        if first is None:
            raise ClipEmpty("no frame in it")
        _check_size(first.width, first.height)
        fps = stream.average_rate or stream.base_rate or Fraction(25)
        seconds = _duration_seconds(container, stream) or stream.frames / float(fps)
        width, height = first.width, first.height
        if first.rotation % 180:
            width, height = height, width
        return ClipFacts(
            width=width,
            height=height,
            fps=fps,
            frames=stream.frames or round(seconds * fps),
            duration_seconds=seconds,
            rotation=first.rotation % 360,
        )


def broken(path: Path, error: Exception) -> ClipUnreadable:
    """What to raise for a clip whose decoding failed: part of it is missing, or it is something else."""
    return (ClipTruncated if cut_short(path) else ClipUnreadable)(f"{path.name}: {error}")


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MOST_PIXELS_A_SIDE:
        raise ClipTooLarge(f"{width} x {height}")
    if min(width, height) < FEWEST_PIXELS_A_SIDE:
        raise ClipTooSmall(f"{width} x {height}")


def _duration_seconds(container: "InputContainer", stream: "VideoStream") -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None
