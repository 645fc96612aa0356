"""The verdict of verification on an upload."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class MediaKind(StrEnum):
    """The kind of media that the uploader declared."""

    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    OTHER = "OTHER"  # captions


class Rejected(Exception):
    """A rejection of an upload, with a stable code and one sentence for the creator."""

    def __init__(self, code: str, public_message: str) -> None:
        super().__init__(f"{code}: {public_message}")
        self.code = code
        self.public_message = public_message


@dataclass(frozen=True, slots=True)
class CleanMedia:
    """The re-encoded copy of an upload, without its metadata. Width and height are in pixels, if it has them."""

    path: Path
    media_type: str
    width: int | None
    height: int | None
    duration_seconds: float | None
    bytes: int
    captions: dict[str, object] | None = None  # number, encoding and losses of captions
    depth: Path | None = None  # previews of a picture: its depth, and the matte of its subject
    matte: Path | None = None
    thumbnail: Path | None = None  # small JPEG of a picture or a clip


Verdict = CleanMedia | Rejected
