"""Conversion of HDR frames (PQ and HLG in BT.2020) to the range and primaries of BT.709.

Sources: PQ SMPTE ST 2084, HLG and its system gamma ITU-R BT.2100, reference white of 203 nits ITU-R BT.2408.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from av.video.frame import VideoFrame

from workers.media.planes import Floats, as_floats

_PQ, _HLG = 16, 18  # transfer characteristics of H.273
_WHITE, _PEAK = 203, 1000  # nits
_KNEE = 0.5  # brighter linear light, relative to white, is compressed
_STEPS = 33  # lattice points of a color axis
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
_DEEP = "gbrp12le"


def is_hdr(frame: VideoFrame) -> bool:
    return frame.color_trc in {_PQ, _HLG}


class ToneMap:
    """A converter of the frames of one clip."""

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None

    def __call__(self, frame: VideoFrame, matrix: int) -> VideoFrame:
        """Return the frame as RGB in BT.709. `matrix` is the number of its matrix in H.273."""
        transfer, pts, unit = frame.color_trc, frame.pts, frame.time_base
        deep = frame.reformat(format=_DEEP, src_colorspace=matrix, threads=2)
        if self._graph is None:
            self._graph = _graph(deep, transfer)
        self._graph.push(deep)
        mapped = self._graph.pull()
        if not isinstance(mapped, VideoFrame):
            raise TypeError("the graph has pictures only")
        mapped.pts, mapped.time_base = pts, unit
        return mapped


def _graph(frame: VideoFrame, transfer: int) -> av.filter.Graph:
    graph = av.filter.Graph()
    with TemporaryDirectory(prefix="kinora-") as folder:
        cube = Path(folder) / "hdr.cube"
        cube.write_text(_cube(transfer))
        graph.link_nodes(
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base),
            graph.add("lut3d", f"file={cube}:interp=tetrahedral"),
            graph.add("format", _DEEP),
            graph.add("buffersink"),
        ).configure()
    return graph


@cache
def _cube(transfer: int) -> str:
    """Return the table of a transfer as a .cube file, in which red changes fastest."""
    axis = np.linspace(0, 1, _STEPS, dtype=np.float32)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    signal = np.stack([red, green, blue], axis=-1).reshape(-1, 3)
    light = as_floats((_from_pq(signal) if transfer == _PQ else _from_hlg(signal)) / _WHITE)
    brightest = light.max(axis=1, keepdims=True)
    light = light * np.divide(_compressed(brightest), brightest, out=np.ones_like(brightest), where=brightest > 0)
    shown = np.clip(light @ _TO_709.T, 0, 1)
    signal = np.where(shown < 0.018, 4.5 * shown, 1.099 * shown**0.45 - 0.099)
    return f"LUT_3D_SIZE {_STEPS}\n" + "\n".join(f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in signal)


def _from_pq(signal: Floats) -> Floats:
    """Return nits."""
    root = signal ** (1 / 78.84375)
    return as_floats(
        10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    )


def _from_hlg(signal: Floats) -> Floats:
    """Return nits on a display of 1000 nits."""
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    luma = scene @ np.array([[0.2627], [0.6780], [0.0593]], np.float32)
    return as_floats(_PEAK * scene * luma**0.2)


def _compressed(light: Floats) -> Floats:
    """Return light below the knee as it is, and map light up to the peak to at most 1 (Reinhard's extended curve)."""
    over = np.maximum(light - _KNEE, 0) / (1 - _KNEE)
    most = (_PEAK / _WHITE - _KNEE) / (1 - _KNEE)
    return as_floats(
        np.where(light < _KNEE, light, np.minimum(1, _KNEE + (1 - _KNEE) * over * (1 + over / most**2) / (1 + over)))
    )
