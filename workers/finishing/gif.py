"""GIF files with one palette for the whole film, and dither."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.video.format import VideoFormat

from workers.media.planes import Bytes

_DITHER = "dither=sierra2_4a:diff_mode=rectangle"  # ordered dither shows its pattern in skies and is larger


def write(path: Path, pictures: Sequence[Bytes], fps: Fraction) -> None:
    """Write RGB pictures of one size as a GIF that repeats without end. A GIF has at most 256 colours."""
    high, wide = pictures[0].shape[:2]
    graph = Graph()
    source = graph.add_buffer(width=wide, height=high, format=VideoFormat("rgb24"), time_base=1 / fps)
    split, use, sink = graph.add("split"), graph.add("paletteuse", _DITHER), graph.add("buffersink")
    palette = graph.add("palettegen", "reserve_transparent=0:stats_mode=full")
    source.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = index, 1 / fps
        source.push(frame)
    source.push(None)
    with av.open(str(path), "w", format="gif", options={"loop": "0"}) as file:
        stream = file.add_stream("gif", rate=fps)
        stream.width, stream.height, stream.pix_fmt = wide, high, "pal8"
        for _ in pictures:
            file.mux(stream.encode(graph.vpull()))
        file.mux(stream.encode())
