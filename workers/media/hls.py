"""HLS with one file: a playlist whose segments are byte ranges of a fragmented MP4 (RFC 8216; ISO/IEC 14496-12)."""

from itertools import pairwise
from math import ceil
from pathlib import Path

from workers.media.boxes import boxes
from workers.media.probe import open_clip

FRAGMENTED = "frag_keyframe+delay_moov+default_base_moof+skip_trailer"  # `movflags` of FFmpeg's MP4 muxer


def playlist(path: Path) -> str:
    """Return the media playlist of a fragmented MP4 with one fragment per key frame. Its URIs are the file's name only.

    Raise ValueError if the numbers of fragments and key frames differ.
    """
    starts = [box.offset for box in boxes(path) if box.kind == "moof"]
    times = _key_times(path)
    if not starts or len(times) != len(starts) + 1:
        raise ValueError(f"{len(starts)} fragments for {len(times) - 1} key frames in {path.name}")
    ranges = [end - start for start, end in pairwise([*starts, path.stat().st_size])]
    durations = [end - start for start, end in pairwise(times)]
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{ceil(max(durations) - 1e-6)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{path.name}",BYTERANGE="{starts[0]}@0"',
    ]
    for start, size, seconds in zip(starts, ranges, durations, strict=True):
        lines += [f"#EXTINF:{seconds:.5f},", f"#EXT-X-BYTERANGE:{size}@{start}", path.name]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _key_times(path: Path) -> list[float]:
    """Return the presentation time of each key frame, and the end of the last frame, in seconds."""
    keys, end = [], 0.0
    with open_clip(path) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.pts is None or packet.time_base is None:
                continue
            if packet.is_keyframe:
                keys.append(float(packet.pts * packet.time_base))
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return [*keys, end]
