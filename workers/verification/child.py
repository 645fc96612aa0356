"""The process that decodes an upload: it limits its own resources, decodes, and prints one verdict as JSON.

python -m workers.verification.child KIND UPLOAD OUT_FOLDER SECONDS
"""

import json
import resource
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from shared.assets.formats import listed
from shared.assets.record import AssetType
from workers.media.unreadable import Unreadable
from workers.verification import clips
from workers.verification.clips import clean_clip
from workers.verification.confinement import UNCONFINED, confine
from workers.verification.pictures import clean_picture
from workers.verification.sounds import clean_captions, clean_sound
from workers.verification.verdict import CleanMedia, MediaKind, Rejected

_CORES = 2  # the limit of CPU time is the limit of time multiplied by this
_LIMITS = {
    resource.RLIMIT_AS: 2 * 2**30,  # bytes of memory
    resource.RLIMIT_FSIZE: 512 * 2**20,  # bytes of any file written
    resource.RLIMIT_CORE: 0,
}

# Codes and messages of rejections, where they differ from those of a failed step.
_REASONS = {
    "picture_unreadable": ("not_a_picture", f"This is not a {listed(AssetType.IMAGE)} picture."),
    "audio_unreadable": ("not_a_track", "This is not an MP3, M4A, WAV, FLAC, Ogg or WebM track."),
    "audio_unsupported_codec": ("unsupported_codec", "Kinora does not read the codec of this track."),
    "audio_missing": ("no_sound", "This file has no sound."),
    "captions_unreadable": ("not_captions", "This file has no SRT or WebVTT captions."),
    "clip_unreadable": ("damaged", "This clip is damaged."),
    "clip_empty": ("no_frames", "This clip has no frames."),
    "clip_truncated": ("incomplete", "This clip is incomplete: its end is missing."),
    "clip_unsupported_codec": ("unsupported_codec", "Kinora does not read the codec of this clip."),
    "clip_too_large": clips.TOO_LARGE,
    "clip_too_small": clips.TOO_SMALL,
}


def examine(upload: Path, kind: MediaKind, out_folder: Path) -> CleanMedia:
    """Write the clean copy into the folder, as `clean.` png, mp4, flac or srt, and return it. Raise Rejected."""
    if not upload.stat().st_size:
        raise Rejected("empty", "This file is empty.")
    try:
        match kind:
            case MediaKind.IMAGE:
                return clean_picture(upload, out_folder / "clean.png")
            case MediaKind.VIDEO:
                return clean_clip(upload, out_folder / "clean.mp4")
            case MediaKind.AUDIO:
                return clean_sound(upload, out_folder / "clean.flac")
            case MediaKind.OTHER:
                return clean_captions(upload, out_folder / "clean.srt")
    except Unreadable as unreadable:
        code = unreadable.code.partition("_")[2]  # an asset has one kind: `damaged`, not `picture_damaged`
        raise Rejected(*_REASONS.get(unreadable.code, (code, unreadable.public_message))) from unreadable


def main(kind: str, upload: str, out_folder: str, seconds: str) -> None:
    """Print the verdict. An unexpected error ends the process, and `inspect` then rejects the upload."""
    _limit(int(seconds))
    try:
        confine(Path(out_folder))
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(UNCONFINED)
    try:
        verdict = asdict(examine(Path(upload), MediaKind(kind), Path(out_folder)))
    except Rejected as rejected:
        verdict = {"code": rejected.code, "public_message": rejected.public_message}
    sys.stdout.write(json.dumps(verdict, default=str))


def _limit(seconds: int) -> None:
    for limit, maximum in {**_LIMITS, resource.RLIMIT_CPU: seconds * _CORES}.items():
        with suppress(ValueError):  # macOS does not limit address space
            resource.setrlimit(limit, (maximum, maximum))


if __name__ == "__main__":
    main(*sys.argv[1:])
