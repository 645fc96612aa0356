"""Encoding to H.264 or AV1, and decoding. One thread encodes while another draws. A failure leaves no file."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import av
import cv2
import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace

from workers.media.hdr import ToneMap, is_hdr
from workers.media.planes import Bytes, Planes, as_bytes
from workers.media.probe import EMPTY, broken, frames, open_clip, orientation, pixel_shape, square_size
from workers.media.unreadable import Unreadable

_BT709 = 1  # the number of BT.709 as primaries, transfer and matrix in ITU-T H.273
_LIMITED = 1  # FFmpeg's number for the range 16..235
_RGB = 0  # the number of RGB planes as a matrix in H.273
_UNTAGGED = 2  # the number of an unspecified matrix in H.273
_MATRICES = {_RGB, 1, 4, 5, 6, 7, 9, 10}  # matrices of H.273 that swscale supports
# If a frame's width is not a multiple of 128 pixels, x264's look-ahead for AVX-512 reads uninitialised memory, and
# equal frames give different bytes. Its code for AVX2 is repeatable.
# (13 is OpenCV's CPU_AVX_512F, which its Python module does not name.)
_UNREPEATABLE = cv2.checkHardwareSupport(13)
_SITED = "chromaloc=1"  # chroma is sited in the middle of its four pixels; the default of H.264 is the left side
_THREADS = 3  # encoder threads on all machines; another number gives other bytes
_AHEAD = 4  # maximum number of frames that wait for the encoder; it evens out the encoder's speed and limits memory


@dataclass(frozen=True, slots=True)
class Encoding:
    """The settings of an encoder: codec, preset, quality and distance of key frames."""

    preset: str
    crf: int
    keyframe_seconds: float
    movflags: str = ""
    codec: Literal["libx264", "libsvtav1"] = "libx264"

    def options(self, keyint: int, width: int) -> dict[str, str]:
        """Return the encoder's options for frames of `width` pixels, with a key frame exactly every `keyint` frames."""
        if self.codec == "libsvtav1":
            os.environ["SVT_LOG"] = "1"  # errors only; by default SVT-AV1 logs its configuration on standard error
            own = {"svtav1-params": f"keyint={keyint}:scd=0:lp=2"}
        else:
            repeatable = ":asm=AVX2" if _UNREPEATABLE and width % 128 else ""
            own = {"x264-params": f"keyint={keyint}:min-keyint={keyint}:scenecut=0:open-gop=0:{_SITED}{repeatable}"}
        return {"preset": self.preset, "crf": str(self.crf), **own}


INTERMEDIATE = Encoding(preset="ultrafast", crf=10, keyframe_seconds=1)  # clips between stages: fast, nearly lossless
FINISHED = Encoding(preset="veryfast", crf=20, keyframe_seconds=2, movflags="+faststart")
FINISHED_AV1 = Encoding(preset="8", crf=34, keyframe_seconds=2, movflags="+faststart", codec="libsvtav1")


class ClipWriter:
    """A writer of frames to an MP4. The file gets its name only after it is complete.

    The frames' width and height are even. `write` copies its arrays, so the caller can overwrite them afterwards.
    An error of the encoding thread is raised by a later `write` or at the end of the `with` block.
    """

    def __init__(
        self, path: Path, width: int, height: int, fps: int | Fraction, encoding: Encoding = INTERMEDIATE
    ) -> None:
        if width % 2 or height % 2:
            raise ValueError(f"4:2:0 needs even sizes, not {width} x {height}")
        self.frames = 0
        self._path, self._part = path, path.with_name(path.name + ".part")
        self._size = (width, height)
        self._frame_time = 1 / Fraction(fps)
        self._waiting: deque[Future[None]] = deque()
        self._used: deque[VideoFrame] = (
            deque()
        )  # encoded frames; overwriting one takes a fifth of the time of a new one
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encoder")
        self._container = av.open(str(self._part), mode="w", format="mp4", options=_mp4_options(encoding))
        keyint = max(1, round(encoding.keyframe_seconds * fps))
        options = encoding.options(keyint, width)
        self._stream = self._container.add_stream(encoding.codec, rate=Fraction(fps), options=options)
        context = self._stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base = self._frame_time
        context.thread_count = _THREADS
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED

    def write(self, planes: Planes) -> None:
        """Queue one frame. Block while the encoder is 4 frames behind."""
        if planes.y.shape != self._size[::-1]:
            raise ValueError(f"a frame of shape {planes.y.shape} in a clip of {self._size[0]} x {self._size[1]}")
        while self._waiting and (self._waiting[0].done() or len(self._waiting) >= _AHEAD):
            self._waiting.popleft().result()
        frame = frame_from(planes, self._used.popleft() if self._used else None)
        frame.pts = self.frames
        frame.time_base = self._frame_time
        self.frames += 1
        self._waiting.append(self._thread.submit(self._encode, frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            self._thread.shutdown(cancel_futures=True)
            with suppress(av.FFmpegError):  # if writing failed, the file is deleted next
                self._container.close()
            self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        if not self.frames:
            raise ValueError("no frame was written")
        self._waiting.append(self._thread.submit(self._encode, None))
        for encoded in self._waiting:
            encoded.result()
        self._container.close()
        self._part.replace(self._path)

    def _encode(self, frame: VideoFrame | None) -> None:
        self._container.mux(self._stream.encode(frame))  # encoders copy the frames of their look-ahead
        if frame is not None:
            self._used.append(frame)


def read_planes(path: Path) -> Iterator[Planes]:
    """Yield each frame of a clip, upright, of even size, as planar 4:2:0 in limited BT.709.

    The arrays are read-only views of the decoder's frames, so the stride of rows can exceed their width. Raise
    Unreadable `clip_...` if the clip cannot be decoded.
    """
    for _, planes in read_timed(path):
        yield planes


def read_timed(path: Path) -> Iterator[tuple[float, Planes]]:
    """Yield the frames of `read_planes`, each with its presentation time in seconds after the first frame."""
    with open_clip(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.thread_count = 2
        shape, tone_map = pixel_shape(stream), ToneMap()
        start: float | None = None
        try:
            for frame in frames(container):
                if start is None:
                    start = frame.time or 0.0
                yield (frame.time or 0.0) - start, planes_from(frame, shape, tone_map)
        except av.FFmpegError as error:
            raise broken(path) from error
    if start is None:
        raise Unreadable(*EMPTY)


def evenly(timed: Iterator[tuple[float, Planes]], fps: Fraction, duration: float) -> Iterator[Planes]:
    """Yield frames at the constant rate `fps`, from frames at any times: at each tick the frame that is then visible.

    The last frame is repeated until `duration` seconds. Later frames are dropped.
    """
    written, shown, total = 0, None, max(1, round(duration * fps))
    for seconds, planes in timed:
        due = min(max(0, ceil(seconds * fps - Fraction(1, 2))), total)
        while shown is not None and written < due:
            yield shown
            written += 1
        shown = planes
    while shown is not None and written < total:
        yield shown
        written += 1


def remux(source: Path, target: Path, movflags: str, sound: Path | None = None) -> Path:
    """Copy encoded video, and the `sound` of an M4A, into another MP4 without encoding them again. Return `target`."""
    with (
        open_clip(source) as clip,
        nullcontext() if sound is None else av.open(str(sound)) as track,
        av.open(str(target), mode="w", format="mp4", options={"movflags": movflags}) as copy,
    ):
        streams: list[Stream] = [clip.streams.video[0], *(track.streams.audio[:1] if track else ())]
        copies = [copy.add_stream_from_template(stream, opaque=True) for stream in streams]
        packets = [_packets(stream, into) for stream, into in zip(streams, copies, strict=True)]
        for packet in merge(*packets, key=_decoded_at):
            copy.mux(packet)
    return target


def _packets(stream: Stream, into: Stream) -> "Iterator[Packet[Stream]]":
    """Yield the stream's packets, assigned to another stream, without FFmpeg's last, empty packet."""
    for packet in stream.container.demux(stream):  # type: ignore[attr-defined]  # its stub names no method of the container
        if packet.dts is not None:
            packet.stream = into
            yield packet


def _decoded_at(packet: "Packet[Stream]") -> Fraction:
    return Fraction(packet.dts or 0) * (packet.time_base or 1)


def frame_from(planes: Planes, into: VideoFrame | None = None) -> VideoFrame:
    """Copy the planes into an FFmpeg frame, tagged limited BT.709. `into` is a frame of the same size to overwrite."""
    height, width = planes.y.shape
    frame = into or VideoFrame(width, height, "yuv420p")
    for target, source in zip(frame.planes, planes, strict=True):
        _view(target)[:] = source
    frame.color_primaries = frame.color_trc = frame.colorspace = _BT709
    frame.color_range = _LIMITED
    return frame


def planes_from(frame: VideoFrame, shape: Fraction = Fraction(1), tone_map: ToneMap | None = None) -> Planes:
    """Return the planes of a decoded frame, upright, with square pixels. Limited BT.709 4:2:0 is not copied.

    `shape` is the aspect ratio of its pixels, width / height. `tone_map` converts HDR.
    """
    upright = orientation(frame)
    if any(component.is_alpha for component in frame.format.components):
        frame = _on_black(frame)
    matrix = _matrix(frame)
    if tone_map and is_hdr(frame):
        frame, matrix = tone_map(frame, matrix), _RGB
    size = square_size(frame, shape)
    ready = frame.format.name == "yuv420p" and frame.color_range != ColorRange.JPEG and matrix == Colorspace.ITU709
    if not ready or size != (frame.width, frame.height):
        frame = frame.reformat(
            *size,
            format="yuv420p",
            src_colorspace=matrix,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=2,
        )
    width, height = frame.width & ~1, frame.height & ~1
    y, u, v = (_view(plane) for plane in frame.planes)
    planes = y[:height, :width], u[: height // 2, : width // 2], v[: height // 2, : width // 2]
    if any(upright):
        return Planes(*(np.ascontiguousarray(upright.upright(plane)) for plane in planes))
    for plane in planes:
        plane.flags.writeable = False  # the decoder still reads them for prediction
    return Planes(*planes)


def _on_black(frame: VideoFrame) -> VideoFrame:
    """Composite the frame over black, so that the colours of transparent pixels are not exposed."""
    rgba = frame.to_ndarray(format="rgba")
    opaque = cv2.multiply(rgba[..., :3], cv2.merge([rgba[..., 3]] * 3), scale=1 / 255)
    return VideoFrame.from_ndarray(as_bytes(opaque), format="rgb24")


def _matrix(frame: VideoFrame) -> int:
    """Return the clip's matrix. An untagged clip has BT.709 from 720 lines on and BT.601 below, as players assume.

    A matrix that swscale does not support, such as YCgCo, is treated as BT.709, as players do.
    """
    if frame.colorspace == _UNTAGGED:
        return Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601
    return frame.colorspace if frame.colorspace in _MATRICES else Colorspace.ITU709


def _view(plane: VideoPlane) -> Bytes:
    rows: Bytes = np.frombuffer(memoryview(plane), np.uint8)
    return rows[: plane.line_size * plane.height].reshape(plane.height, plane.line_size)[:, : plane.width]


def _mp4_options(encoding: Encoding) -> dict[str, str]:
    return {"movflags": encoding.movflags} if encoding.movflags else {}
