"""The prompt that a provider's model receives: the creator's words and the camera move as text. Pure."""

from shared.camera.languages import avoided, words
from shared.camera.move import CameraMove


def with_camera(prompt: str, move: CameraMove) -> str:
    """Return the prompt with the move, and with the motions that the camera must not make."""
    camera = ", ".join(filter(None, [words(move), avoided(move)]))
    return f"{prompt}. Camera: {camera}."


def utf16_units(text: str) -> int:
    """Return the length in UTF-16 code units, in which providers limit prompts: an emoji has two or more."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
