"""Files of many kinds that a caller can upload: paths, bytes, open files, pictures of PIL and arrays of numpy."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Protocol, Union, runtime_checkable

from .errors import KinoraError
from .models import Asset


@runtime_checkable
class Picture(Protocol):
    """A picture of PIL."""

    @property
    def mode(self) -> str: ...
    def save(self, fp: Any, format: str | None = None) -> None: ...  # noqa: A002  # the name in PIL


@runtime_checkable
class Raster(Protocol):
    """An array of numpy: height, width and 1, 3 or 4 channels of uint8."""

    @property
    def shape(self) -> Any: ...
    @property
    def dtype(self) -> Any: ...
    def tobytes(self) -> bytes: ...


# A path or an `https://` URL as text, an asset or its id, and everything above.
Source = Union[str, "os.PathLike[str]", bytes, IO[bytes], Picture, Raster, Asset]

TYPES = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".gif": "image/gif",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".avif": "image/avif", ".mp4": "video/mp4", ".m4v": "video/x-m4v",
    ".mov": "video/quicktime", ".webm": "video/webm", ".mkv": "video/x-matroska", ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4", ".aac": "audio/aac", ".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg",
    ".opus": "audio/opus", ".srt": "application/x-subrip", ".vtt": "text/vtt",
}  # fmt: skip
_BEGINNINGS = (  # offset, bytes, media type
    (0, b"\x89PNG", "image/png"), (0, b"\xff\xd8\xff", "image/jpeg"), (8, b"WEBP", "image/webp"),
    (0, b"GIF8", "image/gif"),
    (0, b"II*\0", "image/tiff"), (0, b"MM\0*", "image/tiff"), (8, b"WAVE", "audio/wav"), (4, b"ftypavif", "image/avif"),
    (4, b"ftypM4A", "audio/mp4"), (4, b"ftypqt", "video/quicktime"), (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"), (0, b"ID3", "audio/mpeg"), (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"), (0, b"OggS", "audio/ogg"), (0, b"WEBVTT", "text/vtt"),
)  # fmt: skip
_KINDS = {"image": "IMAGE", "video": "VIDEO", "audio": "AUDIO"}


@dataclass(frozen=True)
class Content:
    """A file to upload. `data` is its bytes, or the path of the file."""

    name: str
    media_type: str
    data: bytes | Path

    @property
    def kind(self) -> str:
        return _KINDS.get(self.media_type.partition("/")[0], "OTHER")  # captions

    @property
    def size(self) -> int:
        return len(self.data) if isinstance(self.data, bytes) else self.data.stat().st_size

    def open(self) -> IO[bytes]:
        """Return the file from its beginning, for one try of the upload."""
        return BytesIO(self.data) if isinstance(self.data, bytes) else self.data.open("rb")


def content_of(source: Source, name: str | None = None, media_type: str | None = None) -> Content:
    """Return the file of a source. Raise KinoraError if there is none, or if its media type is not known."""
    match source:
        case bytes():
            return _named(source, name, media_type)
        case str() | os.PathLike():
            path = Path(source)
            if not path.is_file():
                raise KinoraError(f"There is no file {path}.")
            kind = media_type or TYPES.get(path.suffix.lower()) or _sniffed(path)
            return Content(name or path.name, _known(kind, path.name), path)
        case Picture():
            file = BytesIO()
            source.save(file, format="PNG")
            return Content(name or "picture.png", "image/png", file.getvalue())
        case Raster():
            return Content(name or "picture.png", "image/png", png(source))
    read = getattr(source, "read", None)
    if read is None:
        raise KinoraError(f"A {type(source).__name__} cannot be uploaded.")
    file_name = getattr(source, "name", None)
    return _named(read(), name or (Path(file_name).name if isinstance(file_name, str) else None), media_type)


def _named(data: bytes, name: str | None, media_type: str | None) -> Content:
    kind = media_type or TYPES.get(Path(name or "").suffix.lower()) or media_type_of(data)
    known = _known(kind, name or "this file")
    suffix = next((suffix for suffix, one in TYPES.items() if one == known), "")
    return Content(name or f"upload{suffix}", known, data)


def _known(media_type: str | None, name: str) -> str:
    if media_type is None:
        raise KinoraError(f"Neither its name nor its first bytes show what {name} is: pass `media_type`.")
    return media_type


def _sniffed(path: Path) -> str | None:
    with path.open("rb") as file:
        return media_type_of(file.read(32))


def media_type_of(data: bytes) -> str | None:
    """Return the media type that the first bytes of a file show, or None."""
    hits = (kind for offset, beginning, kind in _BEGINNINGS if data[offset : offset + len(beginning)] == beginning)
    return next(hits, None)


def png(raster: Raster) -> bytes:
    """Return the array as a PNG file. Raise KinoraError unless it is uint8 with 1, 3 or 4 channels."""
    shape = (*raster.shape, 1) if len(raster.shape) == 2 else tuple(raster.shape)
    colors = {1: 0, 3: 2, 4: 6}
    if str(raster.dtype) != "uint8" or len(shape) != 3 or shape[2] not in colors:
        raise KinoraError(f"An array needs uint8 and the shape (height, width, 1, 3 or 4), not {raster.dtype}{shape}.")
    height, width, channels = shape
    data, row = raster.tobytes(), width * channels
    lines = b"".join(b"\0" + data[start : start + row] for start in range(0, height * row, row))
    header = struct.pack(">2I5B", width, height, 8, colors[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
