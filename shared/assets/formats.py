"""The media types of uploads and the formats that they name. The API accepts them, and the verifier reads them."""

from collections.abc import Mapping

from shared.assets.record import AssetType

MEDIA_TYPES: Mapping[AssetType, Mapping[str, str]] = {
    AssetType.IMAGE: {
        "image/jpeg": "JPEG",
        "image/png": "PNG",
        "image/webp": "WebP",
        "image/gif": "GIF",
        "image/tiff": "TIFF",
        "image/avif": "AVIF",
    },
    AssetType.VIDEO: {
        "video/mp4": "MP4",
        "video/x-m4v": "MP4",
        "video/quicktime": "MOV",
        "video/webm": "WebM",
        "video/x-matroska": "Matroska",
    },
    AssetType.AUDIO: {
        "audio/mpeg": "MP3",
        "audio/mp3": "MP3",
        "audio/mp4": "M4A",
        "audio/x-m4a": "M4A",
        "audio/m4a": "M4A",
        "audio/aac": "AAC",
        "audio/wav": "WAV",
        "audio/x-wav": "WAV",
        "audio/vnd.wave": "WAV",
        "audio/flac": "FLAC",
        "audio/x-flac": "FLAC",
        "audio/ogg": "Ogg",
        "audio/opus": "Ogg",
        "audio/webm": "WebM",
    },
    AssetType.OTHER: {
        "application/x-subrip": "SRT",
        "text/srt": "SRT",
        "text/plain": "SRT",
        "text/vtt": "WebVTT",
    },
}


def listed(kind: AssetType) -> str:
    """Return the formats of a kind as a text: "JPEG, PNG or WebP"."""
    *first, last = dict.fromkeys(MEDIA_TYPES[kind].values())
    return f"{', '.join(first)} or {last}"
