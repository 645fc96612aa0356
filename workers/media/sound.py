"""Decoding of tracks to chunks of stereo floats at 48 kHz, limiting, and encoding to AAC or FLAC."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from workers.media.unreadable import Unreadable

Samples = NDArray[np.float32]  # 2 x samples, left and right; full scale is 1

RATE = 48_000

_CONTAINERS = "mov,mp4,mp3,wav,flac,ogg,aac,matroska,webm"  # like for clips, no demuxer that opens other files
# Decoders of the codecs that recorders, phones, editors and browsers write. FFmpeg has hundreds of others.
_CODECS = {
    *("mp3", "mp3float", "aac", "alac", "flac", "vorbis", "opus", "libopus", "ac3", "eac3", "pcm_alaw", "pcm_mulaw"),
    *(
        "pcm_u8",
        "pcm_s16le",
        "pcm_s24le",
        "pcm_s32le",
        "pcm_f32le",
        "pcm_f64le",
        "pcm_f32be",
        "pcm_s16be",
        "pcm_s24be",
        "pcm_s32be",
    ),
}

_UNREADABLE = "audio_unreadable", "This is not an MP3, M4A, WAV, FLAC, Ogg or WebM track."
_MISSING = "audio_missing", "This file has no sound."
_UNSUPPORTED = (
    "audio_unsupported_codec",
    "Kinora does not read the codec of this track. Save it as MP3, AAC, FLAC or WAV.",
)
_DAMAGED = "audio_damaged", "This track is damaged."


def read(path: Path, seconds: float | None = None) -> Iterator[Samples]:
    """Yield the track, or its first `seconds`, in chunks. Raise Unreadable `audio_...` if it cannot be decoded."""
    left = None if seconds is None else round(seconds * RATE)
    for samples in _decoded(path):
        if left is None:
            yield samples
            continue
        yield samples[:, :left]
        left -= samples.shape[1]
        if left <= 0:
            return


def write(path: Path, chunks: Iterable[Samples]) -> int:
    """Encode to AAC if the name ends in `.m4a`, else to FLAC (16 bits). Return the number of samples."""
    lossy = path.suffix == ".m4a"
    done = 0
    with av.open(str(path), "w", format="mp4" if lossy else "flac") as container:
        stream = container.add_stream("aac" if lossy else "flac", rate=RATE, layout="stereo")
        if lossy:
            stream.bit_rate = 192_000
        for samples in chunks:
            container.mux(stream.encode(_frame(samples, done, flat=lossy)))
            done += samples.shape[1]
        container.mux(stream.encode(None))
    return done


def limited(chunks: Iterable[Samples], gain_db: float, ceiling_db: float = -1.0) -> Iterator[Samples]:
    """Yield the sound with a gain, its true peaks limited to the ceiling by FFmpeg's limiter at four times the rate."""
    graph = av.filter.Graph()
    chain = [
        graph.add_abuffer(format="fltp", sample_rate=RATE, layout="stereo", time_base=Fraction(1, RATE)),
        graph.add("volume", f"{gain_db}dB"),
        graph.add("aresample", str(4 * RATE)),
        graph.add("alimiter", f"limit={10 ** (ceiling_db / 20):.6f}:level=0:attack=5:release=80:latency=1"),
        graph.add("aresample", str(RATE)),
        graph.add("aformat", "sample_fmts=fltp"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*chain).configure()
    done = 0
    for samples in chunks:
        graph.push(_frame(samples, done, flat=True))
        done += samples.shape[1]
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _pulled(graph: av.filter.Graph) -> Iterator[Samples]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        if isinstance(frame, AudioFrame):
            yield np.asarray(frame.to_ndarray(), np.float32)


def _decoded(path: Path) -> Iterator[Samples]:
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": _CONTAINERS,
        "codec_whitelist": ",".join(_CODECS),  # FFmpeg decodes a little of every stream when it opens a file
    }
    try:
        container = av.open(str(path.resolve()), container_options=options)
    except (av.FFmpegError, ValueError) as error:
        raise Unreadable(*_UNREADABLE) from error
    with container:
        if not container.streams.audio:
            raise Unreadable(*_MISSING)
        if container.streams.audio[0].codec_context.name not in _CODECS:
            raise Unreadable(*_UNSUPPORTED)
        try:
            for frame in container.decode(container.streams.audio[0]):
                frame.pts = None  # removes gaps between frames
                for resampled in resampler.resample(frame):
                    yield np.asarray(resampled.to_ndarray(), np.float32)
            for resampled in resampler.resample(None):
                yield np.asarray(resampled.to_ndarray(), np.float32)
        except (av.FFmpegError, ValueError) as error:
            raise Unreadable(*_DAMAGED) from error


def _frame(samples: Samples, at: int, *, flat: bool) -> AudioFrame:
    if flat:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
    else:
        whole = np.rint(np.clip(samples, -1, 1) * 32_767).astype(np.int16)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(whole.T.reshape(1, -1)), format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
    return frame
