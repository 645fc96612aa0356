"""What verification says of an upload."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class MediaKind(StrEnum):
    """What an upload claims to be."""

    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    OTHER = "OTHER"  # captions: there is nothing else yet


class Rejected(Exception):
    """The upload is refused: a stable code, and one sentence for the creator."""

    def __init__(self, code: str, public_message: str) -> None:
        super().__init__(f"{code}: {public_message}")
        self.code = code
        self.public_message = public_message


@dataclass(frozen=True, slots=True)
class CleanMedia:
    """The file made anew from the upload, with nothing else of it; sizes in pixels where there are any."""

    path: Path
    media_type: str
    width: int | None
    height: int | None
    duration_seconds: float | None
    bytes: int


Verdict = CleanMedia | Rejected
